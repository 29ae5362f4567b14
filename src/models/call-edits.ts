import { MalformedBodyError, scanJsonObject } from '../body/json-scanner.js';
import { BoundedMap } from '../cache/bounded-map.js';
import { CallBody } from '../call-types/call-body.js';
import { chatCompletion } from '../call-types/chat-completion.js';
import { READ_MEMBERS } from '../call-types/read-members.js';
import { responses } from '../call-types/responses.js';
import { dropFlag, isCallDefault } from '../config/call-defaults.js';
import type { LitellmParams } from '../config/config.js';

/** Changes of a deployment to the bodies of its calls. Values are JSON, by the name of their member. */
export interface CallEdits {
  /** Sent unless the client names the member. */
  readonly defaults: ReadonlyMap<string, string>;
  /** LiteLLM `extra_body`: sent whatever the client names. */
  readonly extraBody: ReadonlyMap<string, string>;
  /** LiteLLM `drop_params`. */
  readonly dropsUnsupported: boolean;
  /** LiteLLM `additional_drop_params`: names, or paths to nested members. */
  readonly dropped: readonly string[];
}

/** Deployments with the same changes share one object, so that a body is built once for all of them. */
const shared = new BoundedMap<string, CallEdits>(1_000);

/** Returns the changes that `litellm_params` asks for. Undefined if there are none. */
export function callEditsOf(params: LitellmParams): CallEdits | undefined {
  const dropped = params.additional_drop_params ?? [];
  const edits: CallEdits = {
    defaults: jsonOf(Object.entries(params).filter(([name]) => isCallDefault(name))),
    extraBody: jsonOf(Object.entries(params.extra_body ?? {}).filter(([name]) => !dropped.includes(name))),
    dropsUnsupported: dropFlag(params.drop_params) === true,
    dropped,
  };
  const { defaults, extraBody, dropsUnsupported } = edits;
  if (!defaults.size && !extraBody.size && !dropsUnsupported && !dropped.length) return undefined;
  const key = JSON.stringify([[...defaults], [...extraBody], dropsUnsupported, dropped]);
  const known = shared.get(key);
  if (!known) shared.set(key, edits);
  return known ?? edits;
}

const jsonOf = (members: readonly (readonly [string, unknown])[]): ReadonlyMap<string, string> =>
  new Map(
    members
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name, JSON.stringify(value)]),
  );

/** Returns the problems of members with which every call would be refused, or read in another way than it was checked. */
export function callEditFaults(params: LitellmParams): string[] {
  const { defaults, extraBody } = callEditsOf(params) ?? NO_EDITS;
  const added = new Map([...defaults, ...extraBody]);
  const at = (name: string) =>
    defaults.has(name) ? `litellm_params.${name}` : `litellm_params.extra_body.${name}`;
  const misspelled = [...added.keys()].flatMap((name) => {
    const folded = name.toLowerCase();
    return folded !== name && (READ_MEMBERS as readonly string[]).includes(folded)
      ? [`${at(name)}: must be spelled '${folded}'`]
      : [];
  });
  const error = added.size ? unreadable(added) : undefined;
  return error ? [...misspelled, `${at(error.param ?? '')}: cannot be sent: ${error.message}`] : misspelled;
}

const NO_EDITS: Pick<CallEdits, 'defaults' | 'extraBody'> = { defaults: new Map(), extraBody: new Map() };
const NOTHING_WATCHED = {
  names: new Set<string>(),
  below: new Map<string, ReadonlySet<string>>(),
  free: new Set<string>(),
};

/** Returns why neither a chat nor a response may have these members. */
function unreadable(added: ReadonlyMap<string, string>): MalformedBodyError | undefined {
  const members = [...added].map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  const bytes = Buffer.from(`{"messages":[],${members.join(',')}}`);
  const errors = [chatCompletion, responses].map(({ size }) => {
    try {
      size(new CallBody(bytes, scanJsonObject(bytes, NOTHING_WATCHED)), {});
      return undefined;
    } catch (error) {
      if (error instanceof MalformedBodyError) return error;
      throw error;
    }
  });
  return errors.includes(undefined) ? undefined : errors[0];
}
