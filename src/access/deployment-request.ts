import { MalformedBodyError, memberValue, editedObject, type ScannedObject } from '../body/json-scanner.js';
import { editedForm } from '../body/form-scanner.js';
import { OPERATOR_MEMBERS, type OperatorMembers } from '../call-types/operator-members.js';
import { limitsOutput } from '../call-types/output-limits.js';
import { isOfTheClient } from '../config/call-defaults.js';
import type { Deployment } from '../models/deployment.js';
import { unsupportedMembers } from '../models/unsupported-members.js';
import { mayCount } from '../policy/bound.js';
import { type LlmRequest, withBody } from './llm-request.js';

/** Changes by member name: the new JSON, or null to leave the member out. */
type Edits = Map<string, string | null>;

const CHAT = '/chat/completions';

/** The last request that was built of a body. Nearly every call is built for one deployment only. */
const lastBuilt = new WeakMap<
  NonNullable<LlmRequest['scanned']>,
  { readonly deployment: Deployment; readonly request: LlmRequest; readonly extraBytes: number }
>();

/**
 * Returns the call as this deployment gets it: with the members that the operator adds, and without those that are dropped.
 * Its size is that of the body that is sent. Returns the same call if nothing changes. `dropsAlways`: `drop_params` of all
 * deployments.
 */
export function deploymentRequest(llm: LlmRequest, deployment: Deployment, dropsAlways: boolean): LlmRequest {
  const { scanned } = llm;
  if (!scanned || !(deployment.callEdits || llm.drops || dropsAlways)) return llm;
  let built = lastBuilt.get(scanned);
  if (!built || !areSame(built.deployment, deployment, dropsAlways || llm.drops?.unsupported === true)) {
    const edits = editsFor(llm, scanned, deployment, dropsAlways);
    if (!edits?.size) return llm;
    let extraBytes = 0;
    for (const value of edits.values()) extraBytes += value === null ? 0 : Buffer.byteLength(value);
    built = { deployment, request: requestWith(llm, scanned, edits, deployment), extraBytes };
    lastBuilt.set(scanned, built);
  }
  return withCount(built.request, llm, built.extraBytes);
}

/** Tells whether two deployments get the same body. `drops`: the call drops what a model does not support. */
const areSame = (one: Deployment, other: Deployment, drops: boolean): boolean =>
  one === other ||
  (one.callEdits === other.callEdits &&
    one.limitMember === other.limitMember &&
    (!(drops || one.callEdits?.dropsUnsupported) || unsupportedMembers(one) === unsupportedMembers(other)));

/** Adds the count of the client's prompt. A token is at least one byte, so that further bytes bound further tokens. */
function withCount(request: LlmRequest, { size }: LlmRequest, extraBytes: number): LlmRequest {
  const { counted, isUncounted } = size;
  if (!(counted || isUncounted) || request.problem || !mayCount(request.size)) return request;
  return {
    ...request,
    size: {
      ...request.size,
      ...(counted && {
        counted: { tokens: counted.tokens + extraBytes, otherBytes: counted.otherBytes + extraBytes },
      }),
      ...(isUncounted && { isUncounted }),
    },
  };
}

function requestWith(
  llm: LlmRequest,
  scanned: NonNullable<LlmRequest['scanned']>,
  edits: Edits,
  { callEdits }: Deployment,
): LlmRequest {
  const operatorNames = operatorMembersOf(llm)?.extraBody ? [...(callEdits?.extraBody.keys() ?? [])] : [];
  const bytes =
    'delimiter' in scanned
      ? Buffer.concat(editedForm(llm.bytes, scanned, asTexts(edits)))
      : editedObject(llm.bytes, scanned, edits);
  try {
    return withBody(llm, bytes, new Set(operatorNames));
  } catch (error) {
    if (!(error instanceof MalformedBodyError)) throw error;
    return { ...llm, problem: { message: error.message, param: error.param } };
  }
}

const operatorMembersOf = ({ kind }: LlmRequest): OperatorMembers | undefined => OPERATOR_MEMBERS[kind.path];

/** Returns the values as the texts of a form. */
const asTexts = (edits: Edits): Edits =>
  new Map(
    [...edits].map(([name, json]) => {
      const value: unknown = json === null ? null : JSON.parse(json);
      return [name, typeof value === 'string' ? value : json];
    }),
  );

function editsFor(
  llm: LlmRequest,
  { members }: ScannedObject,
  deployment: Deployment,
  dropsAlways: boolean,
): Edits | undefined {
  const operatorMembers = operatorMembersOf(llm);
  if (!operatorMembers) return undefined;
  const { callEdits } = deployment;
  const { drops, kind } = llm;
  const dropped = [...(callEdits?.dropped ?? []), ...(drops?.members ?? [])];
  const edits: Edits = new Map();
  for (const [name, json] of callEdits?.defaults ?? []) {
    if (members.has(name) || dropped.includes(name) || operatorMembers.defaults?.has(name) === false)
      continue;
    const member = defaultMember(name, llm, deployment);
    if (member !== undefined) edits.set(member, json);
  }
  if (kind.path === CHAT && (dropsAlways || (drops?.unsupported ?? callEdits?.dropsUnsupported)))
    dropUnsupported(edits, llm, members, deployment);
  dropMembers(edits, llm, members, dropped);
  if (operatorMembers.extraBody) for (const [name, json] of callEdits?.extraBody ?? []) edits.set(name, json);
  return edits;
}

/** Returns the member that carries a default to the provider. Undefined if this call does not get the default. */
function defaultMember(name: string, llm: LlmRequest, { limitMember }: Deployment): string | undefined {
  const { kind, scanned, stream } = llm;
  // Providers refuse it in calls that are not streamed.
  if (name === 'stream_options') return stream ? name : undefined;
  if (!limitsOutput(name)) return name;
  // The client's own limit counts, whatever member it is in.
  if (!kind.limitMember || [...scanned!.members.keys()].some(limitsOutput)) return undefined;
  return name === 'max_tokens' || name === 'max_completion_tokens' ? kind.limitMember(limitMember) : name;
}

function dropUnsupported(
  edits: Edits,
  llm: LlmRequest,
  members: ScannedObject['members'],
  deployment: Deployment,
): void {
  const { always, whileReasoning } = unsupportedMembers(deployment);
  for (const name of always) drop(edits, members, name);
  if (!whileReasoning.size) return;
  const added = edits.get('reasoning_effort');
  const member = members.get('reasoning_effort');
  const effort: unknown = added ? JSON.parse(added) : member && memberValue(llm.bytes, member);
  if (typeof effort === 'string' && effort !== 'none')
    for (const name of whileReasoning) drop(edits, members, name);
}

/** Leaves members out. A path leaves out a nested member: `response_format.strict`, `tools[*].function.strict`. */
function dropMembers(
  edits: Edits,
  { bytes, scanned }: LlmRequest,
  members: ScannedObject['members'],
  dropped: readonly string[],
): void {
  const nested = new Map<string, string[][]>();
  for (const path of dropped) {
    const [name = '', ...steps] = path.replaceAll(/\[(\*|\d+)\]/g, '.$1').split('.');
    if (isOfTheClient(name)) continue;
    if (!steps.length) drop(edits, members, name);
    else nested.set(name, [...(nested.get(name) ?? []), steps]);
  }
  // The fields of a form are texts.
  if (!nested.size || 'delimiter' in scanned!) return;
  for (const [name, paths] of nested) {
    const added = edits.get(name);
    const member = members.get(name);
    if (added === null || (added === undefined && !member)) continue;
    let value: unknown = added === undefined ? memberValue(bytes, member!) : JSON.parse(added);
    for (const steps of paths) value = without(value, steps);
    edits.set(name, JSON.stringify(value));
  }
}

function drop(edits: Edits, members: ScannedObject['members'], name: string): void {
  if (members.has(name)) edits.set(name, null);
  else edits.delete(name);
}

/** Returns a value without the member at the end of a path. `*` stands for every entry of a list. */
function without(value: unknown, [step, ...rest]: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || step === undefined) return value;
  const isList = Array.isArray(value);
  const entries = Object.entries(value).flatMap(([key, entry]): (readonly [string, unknown])[] => {
    if (key !== step && !(isList && step === '*')) return [[key, entry]];
    return rest.length ? [[key, without(entry, rest)]] : [];
  });
  return isList ? entries.map(([, entry]) => entry) : Object.fromEntries(entries);
}
