import { FORBIDDEN_TOP_NAMES, MODEL_CHOOSERS } from './forbidden-names.js';
import { isGatewayMember } from './gateway-members.js';
import type { Section } from './section.js';

/** Members of a call that only the client names: what is asked, of whom, and how it is answered. */
const OF_THE_CLIENT: ReadonlySet<string> = new Set([
  'model', 'stream', 'messages', 'input', 'prompt', 'documents', 'query', 'file', 'image', 'mask',
]); // prettier-ignore

/** Tells whether only the client names a member: nothing adds it or leaves it out. */
export const isOfTheClient = (name: string): boolean => OF_THE_CLIENT.has(name);

/** Members of `litellm_params` that describe the deployment, beside those that LiteLLM keeps for the gateway. */
const OF_THE_DEPLOYMENT: ReadonlySet<string> = new Set([
  'timeout', 'max_retries', 'weight', 'metadata', 'max_input_tokens', 'mode',
]); // prettier-ignore

/** Members by which a provider calls another model. `provider` chooses only who serves the same model. */
const choosesModel = (name: string) => name !== 'provider' && MODEL_CHOOSERS.has(name);

/** Tells whether a member of `litellm_params` is sent with every call that does not name it. */
export const isCallDefault = (name: string): boolean =>
  !OF_THE_CLIENT.has(name) &&
  !OF_THE_DEPLOYMENT.has(name) &&
  !FORBIDDEN_TOP_NAMES.has(name) &&
  !isGatewayMember(name);

/** Reads `drop_params`, which LiteLLM takes as a text, too. Undefined if it is neither true nor false. */
export const dropFlag = (value: unknown): boolean | undefined =>
  typeof value === 'boolean'
    ? value
    : typeof value === 'string' && /^(?:true|false)$/i.test(value)
      ? value.toLowerCase() === 'true'
      : undefined;

const MAX_MEMBERS = 100;
const MAX_CHARS = 64 * 1_024;
const MAX_NAME_CHARS = 128;
const MAX_DROPPED_MEMBERS = 100;

/** Tells whether these are names of members to leave out: few and short. */
export const areDroppedMembers = (names: readonly string[]): boolean =>
  names.length <= MAX_DROPPED_MEMBERS && names.every(({ length }) => length > 0 && length <= MAX_NAME_CHARS);

const BOUND_OF_DROPPED = `must be at most ${MAX_DROPPED_MEMBERS} names of at most ${MAX_NAME_CHARS} characters`;

/** Reports members of `litellm_params` that cannot be added to a call, or taken out of it. */
export function checkCallDefaults(params: Section): void {
  const drops = params.raw('drop_params');
  if (drops !== undefined && dropFlag(drops) === undefined)
    params.problem('drop_params', 'must be true or false');
  if (!areDroppedMembers(params.texts('additional_drop_params') ?? []))
    params.problem('additional_drop_params', BOUND_OF_DROPPED);
  const defaults = params.keys().filter(isCallDefault);
  for (const name of defaults) {
    const fault = faultOf(name);
    if (fault !== undefined) params.problem(name, fault);
  }
  const extraBody = params.raw('extra_body') === undefined ? undefined : params.section('extra_body');
  for (const name of extraBody?.keys() ?? []) {
    const fault =
      OF_THE_CLIENT.has(name.toLowerCase()) || FORBIDDEN_TOP_NAMES.has(name.toLowerCase())
        ? 'cannot stand here: calls would have another model, question, address or credential than the one that was checked'
        : faultOf(name);
    if (fault !== undefined) extraBody!.problem(name, fault);
  }
  const added = Object.fromEntries([
    ...defaults.map((name) => [name, params.raw(name)]),
    ...(extraBody?.keys() ?? []).map((name) => [name, extraBody!.raw(name)]),
  ]);
  if (Object.keys(added).length > MAX_MEMBERS || JSON.stringify(added).length > MAX_CHARS)
    params.problem(
      'extra_body',
      `with the defaults beside it must have at most ${MAX_MEMBERS} members and ${MAX_CHARS} characters`,
    );
}

function faultOf(name: string): string | undefined {
  const folded = name.toLowerCase();
  if (choosesModel(folded)) return 'could choose another model than the one that was checked';
  if (!/^[\w.-]+$/.test(name) || name.length > MAX_NAME_CHARS) return 'is not the name of a member';
  return undefined;
}
