import { type Attribute, type State, UNKNOWN, type Value, type Values } from './terraform.js';

/** Describes how the attributes of the provider's resources are sent, and how a response changes them. */

export interface Mirrored extends Attribute {
  /**
   * Effect of a response on the state. `told` (the default): a value in the response overwrites the state. `asked`: only if
   * configured. `nulled`: as `told`, and a null in the response clears it. `never`: the state stays as planned.
   */
  readonly read?: 'told' | 'asked' | 'nulled' | 'never';
  /** A collection that is missing in the response keeps its state; other kinds become empty. */
  readonly isKept?: boolean;
  /** Only the configured members of the map are read. */
  readonly isOwn?: boolean;
  /** Texts that are JSON are sent parsed. */
  readonly isJson?: boolean;
}

export type Mirrors = Readonly<Record<string, Mirrored>>;

/** Returns several attributes of one kind. */
export const each = (names: string, attribute: Mirrored): Mirrors =>
  Object.fromEntries(names.split(' ').map((name) => [name, attribute]));

const COLLECTIONS = { list: [], texts: {}, numbers: {} } as const;

/** Returns what is sent for an attribute; undefined for nothing. */
function sent(value: State[string] | undefined, { kind, isJson }: Mirrored): Value | undefined {
  if (value === null || value === undefined || value === UNKNOWN || value === '') return undefined;
  if (kind in COLLECTIONS && !Object.keys(value).length) return undefined;
  if (kind === 'json') return JSON.parse(value as string) as Value;
  if (!isJson) return value;
  const texts = Object.entries(value as Values);
  return Object.fromEntries(texts.map(([name, text]) => [name, /^[[{]/.test(text as string) ? (JSON.parse(text as string) as Value) : text])); // prettier-ignore
}

/** Returns the body of a write with all set values. With `before`, cleared attributes that can be null are null. */
export function body(plan: State, attributes: Mirrors, before?: State): Record<string, Value> {
  const members = Object.entries(attributes).flatMap(([name, attribute]) => {
    if (attribute.by === 'server') return [];
    const value = sent(plan[name], attribute);
    const isCleared = attribute.read === 'nulled' && plan[name] === null && (before?.[name] ?? null) !== null;
    return value !== undefined ? [[name, value]] : isCleared ? [[name, null]] : [];
  });
  return Object.fromEntries(members) as Record<string, Value>;
}

/** Returns the state after a response. */
export const reading = (state: State, answer: Values, attributes: Mirrors): State => ({
  ...state,
  ...Object.fromEntries(
    Object.entries(attributes).map(([name, attribute]) => [
      name,
      read(state[name]!, answer[name], attribute),
    ]),
  ),
});

function read(before: State[string], answer: Value | undefined, attribute: Mirrored): State[string] {
  const { kind, read: how = 'told', isOwn, isKept } = attribute;
  if (how === 'never' || (how === 'asked' && before === null)) return before;
  const value = understood(answer, kind, isOwn && before !== UNKNOWN ? before : null);
  if (value !== undefined) return value;
  if (how === 'nulled' && answer === null) return null;
  if (kind in COLLECTIONS && before !== null && !(isKept && before !== UNKNOWN))
    return COLLECTIONS[kind as keyof typeof COLLECTIONS];
  return before === UNKNOWN && attribute.by === 'either' ? null : before;
}

/** Returns a JSON value as the client reads it; undefined if it is empty or of another kind. */
function understood(value: Value | undefined, kind: Attribute['kind'], own: Value): Value | undefined {
  switch (kind) {
    case 'text':
      return typeof value === 'string' && value !== '' ? value : undefined;
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'flag':
      return typeof value === 'boolean' ? value : undefined;
    case 'list':
      return Array.isArray(value) && value.length
        ? value.filter((item) => typeof item === 'string')
        : undefined;
    case 'json':
      return isMap(value) && Object.keys(value).length ? JSON.stringify(sorted(value)) : undefined;
    default: {
      const members = Object.entries(isMap(value) ? value : {}).filter(
        ([name, item]) => (!isMap(own) || !Object.keys(own).length || name in own) && (kind === 'texts' || typeof item === 'number'),
      ); // prettier-ignore
      if (!members.length) return undefined;
      return Object.fromEntries(
        members.map(([name, item]) => [name, kind === 'texts' && typeof item !== 'string' ? JSON.stringify(sorted(item)) : item]),
      ); // prettier-ignore
    }
  }
}

export const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns JSON as the provider writes it, with the members of maps in the order of their names. */
function sorted(value: Value): Value {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  const names = Object.keys(value).toSorted();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name]!)]));
}
