import { saysNotFound, type Resource, type Send, type State, type Value, type Values } from './terraform.js';
import { body, isMap, type Mirrored, type Mirrors, reading } from './attributes.js';

export const text = { kind: 'text', by: 'user' } as const;
export const number = { kind: 'number', by: 'user' } as const;
export const eitherText = { kind: 'text', by: 'either' } as const;
export const eitherNumber = { kind: 'number', by: 'either' } as const;
export const flag = { kind: 'flag', by: 'either' } as const;
export const list = { kind: 'list', by: 'either' } as const;
export const texts = { kind: 'texts', by: 'either' } as const;
export const numbers = { kind: 'numbers', by: 'either', isKept: true } as const;
export const computed = { kind: 'text', by: 'server', isStable: true } as const;
export const unread = { read: 'never' } as const;
export const ownId: Mirrored = { ...computed, read: 'never' };

/** Returns the response to a read; undefined if the words of the error say that nothing is there. */
export async function found(answer: Promise<Values>): Promise<Values | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (saysNotFound(error)) return undefined;
    throw error;
  }
}

export const inside = (answer: Values, name: string) => (isMap(answer[name]) ? answer[name] : answer);

/** Returns a resource whose attributes are written unchanged and read from one response. */
export function resource(
  attributes: Mirrors,
  ways: {
    create(sent: Record<string, Value>, send: Send, plan: State): Promise<Values>;
    read(state: State, send: Send): Promise<Values | undefined>;
    update?(sent: Record<string, Value>, send: Send, plan: State, before: State): Promise<unknown>;
    destroy(state: State, send: Send): Promise<unknown>;
  },
): Resource {
  const { create, read, update, destroy } = ways;
  return {
    attributes,
    create: (plan, send) => create(body(plan, attributes), send, plan),
    read: async (state, send) => {
      const answer = await read(state, send);
      return answer && reading(state, answer, attributes);
    },
    ...(update && {
      update: (plan, before, send) => update(body(plan, attributes, before), send, plan, before),
    }),
    destroy,
  };
}

/** Returns a resource that exists while the key or team it names is blocked. */
export const block = (what: 'key' | 'team', name: string, path: string, member: string) =>
  resource({ id: ownId, [name]: { ...text, read: 'never' }, blocked: { ...flag, by: 'server' } }, {
    create: async (sent, send) => {
      await send('POST', `/${what}/block`, sent);
      return { id: sent[name]! };
    },
    read: async (state, send) => {
      const answer = await found(send('GET', `${path}${state[name] as string}`));
      return answer && inside(answer, member).blocked === true ? inside(answer, member) : undefined;
    },
    destroy: (state, send) => send('POST', `/${what}/unblock`, { [name]: state[name] as string }),
  }); // prettier-ignore
