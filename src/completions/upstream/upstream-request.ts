import { isGatewayMember } from '../../config/gateway-members.js';
import { editedForm } from '../../body/form-scanner.js';
import { editedObject, type JsonMember, memberValue, type ScannedObject } from '../../body/json-scanner.js';
import type { LlmRequest } from '../../access/llm-request.js';
import type { CallType } from '../../call-types/call-type.js';
import { chatCompletion } from '../../call-types/chat-completion.js';
import { converse } from '../../call-types/converse.js';
import { limitsOutput } from '../../call-types/output-limits.js';
import { type Deployment, pathAt } from '../../models/deployment.js';
import { type WiredCall, wireOf } from '../../models/provider-wire.js';
import type { Attempt } from '../attempt.js';
import { renameInChat } from './chat-renaming.js';
import type { UpstreamRequest } from './upstreams.js';

/** Builds the request to the deployment of this attempt. */
export function upstreamRequest(attempt: Attempt): UpstreamRequest {
  const { call, deployment, llm } = attempt;
  const { kind, forwardedHeaders } = llm;
  const headers: Record<string, string> = { ...deployment.headers, ...forwardedHeaders, via: call.via };
  const { wire } = deployment;
  const wired = wire && wiredCall(attempt);
  if (llm.native && wire !== 'bedrockClaude') addBetas(llm, headers);
  const body = bodyOf(attempt, wired && ((edits) => wireOf(wire!).edit?.(wired, edits, headers)));
  if (!Buffer.isBuffer(body)) headers['content-length'] = String(lengthOf(body));
  return withCredential(deployment, {
    path: wired ? wireOf(wire!).path(wired) : pathAt(deployment, kind.path),
    headers,
    body,
  });
}

/** Headers of a package that reach the provider. All others say what the package is. */
const OF_PACKAGES = ['anthropic-beta'];

/**
 * Builds the request of a translated call. `kind`: the type of call that the provider serves. `body` and `packageHeaders`
 * are the package's.
 */
export function translatedRequest(
  { call, deployment, llm }: Attempt,
  kind: CallType,
  body: string,
  packageHeaders: Readonly<Record<string, string | undefined>>,
): UpstreamRequest {
  const headers: Record<string, string> = { ...deployment.headers, via: call.via };
  for (const name of OF_PACKAGES) {
    const value = packageHeaders[name];
    if (value) headers[name] = value;
  }
  const { wire, upstreamName, modelId = upstreamName, basePath } = deployment;
  if (!wire)
    return withCredential(deployment, {
      path: pathAt(deployment, kind.path),
      headers,
      body: Buffer.from(body),
    });
  const { edit, path } = wireOf(wire);
  let members: Record<string, unknown> | undefined;
  const wired: WiredCall = {
    path: kind.path,
    stream: llm.stream,
    model: upstreamName,
    modelId,
    basePath,
    text: (name) => (members ??= JSON.parse(body) as Record<string, unknown>)[name],
  };
  const edits = new Map<string, string | null>();
  edit?.(wired, edits, headers);
  if (edits.size) {
    members ??= JSON.parse(body) as Record<string, unknown>;
    for (const [name, json] of edits) members[name] = json === null ? undefined : JSON.parse(json);
  }
  const bytes = Buffer.from(edits.size ? JSON.stringify(members) : body);
  return withCredential(deployment, { path: path(wired), headers, body: bytes });
}

/** Returns the finished request with the credential of its deployment's cloud. A deployment with a plain key has it in its headers. */
export function withCredential(
  { credential, origin }: Pick<Deployment, 'credential' | 'origin'>,
  request: UpstreamRequest,
): UpstreamRequest {
  if (!credential) return request;
  return { ...request, headers: { ...request.headers, ...credential.headersFor(origin, request) } };
}

/**
 * Returns the bytes of the call with the needed edits: the model's name, the gateway's own members, `stream_options`, names
 * that the provider knows otherwise, and the output limits if a budget applies.
 */
function bodyOf(
  { llm, deployment, output: { limit, searches }, addsUsageOption }: Attempt,
  editForWire?: (edits: Map<string, string | null>) => void,
): Buffer | readonly Buffer[] {
  const { kind, scanned, bytes, operatorNames, native } = llm;
  const edits = new Map<string, string | null>();
  const isForm = 'delimiter' in scanned!;
  if (namesModelInPath(kind)) {
    if (scanned!.members.has('model')) edits.set('model', null);
  } else if (llm.model !== deployment.upstreamName || llm.rewritesModel) {
    const name = deployment.upstreamName;
    edits.set('model', isForm ? name : JSON.stringify(name));
  }
  for (const name of scanned!.members.keys())
    if (
      (isGatewayMember(isForm ? fieldOf(name) : name) && !operatorNames?.has(name)) ||
      (limit && limitsOutput(name))
    )
      edits.set(name, null);
  if (llm.forwardedMetadata !== undefined) edits.set('metadata', llm.forwardedMetadata);
  if (limit)
    edits.set(
      limit.member,
      kind.limitEdit?.(bytes, scanned!.members as JsonMembers, limit.tokens) ?? String(limit.tokens),
    );
  if (native && native.form !== 'gemini' && kind !== converse)
    editForMessages(llm, edits, deployment.wire === 'bedrockClaude');
  if (addsUsageOption) edits.set('stream_options', '{"include_usage":true}');
  if (searches !== undefined) {
    const cap = kind.webSearchCap?.(bytes, scanned!.members, searches);
    if (cap) edits.set(...cap);
  }
  const { chatRenames } = deployment;
  if (chatRenames && kind === chatCompletion)
    renameInChat(bytes, scanned!.members as JsonMembers, chatRenames, edits);
  editForWire?.(edits);
  if (!edits.size) return bytes;
  return isForm ? editedForm(bytes, scanned, edits) : editedObject(bytes, scanned!, edits);
}

type JsonMembers = ScannedObject['members'];

/** Tells whether the body of such a call has no model: only its path does. */
const namesModelInPath = ({ path }: CallType) => MODEL_IN_PATH.has(path);
const MODEL_IN_PATH: ReadonlySet<string> = new Set([
  '/generateContent',
  '/countTokens',
  '/embedContent',
  '/converse',
]);

/** Turns the body of a cloud's native route for Claude into one of Anthropic's own API. The wire of a cloud adds its own members. */
function editForMessages(
  { stream, scanned }: LlmRequest,
  edits: Map<string, string | null>,
  isOfBedrock: boolean,
): void {
  const { members } = scanned!;
  if (stream) edits.set('stream', 'true');
  else if (members.has('stream')) edits.set('stream', null);
  if (members.has('anthropic_version')) edits.set('anthropic_version', null);
  if (members.has('anthropic_beta') && !isOfBedrock) edits.set('anthropic_beta', null);
}

/** Moves the betas of Bedrock's body to the header in which all other APIs of Claude read them. */
function addBetas({ bytes, scanned }: LlmRequest, headers: Record<string, string>): void {
  const member = (scanned!.members as JsonMembers).get('anthropic_beta');
  const betas = member && memberValue(bytes, member);
  if (!Array.isArray(betas)) return;
  const words = betas.filter((beta): beta is string => typeof beta === 'string' && /^[\w.-]+$/.test(beta));
  if (words.length) headers['anthropic-beta'] = words.join(',');
}

/** Returns the call as the wire of its deployment reads it. */
function wiredCall({ llm, deployment }: Attempt): WiredCall {
  const { kind, stream, bytes, scanned } = llm;
  const { upstreamName, modelId = upstreamName, basePath } = deployment;
  const text = (name: string) => {
    const member = scanned!.members.get(name);
    return member && !('delimiter' in scanned!) ? memberValue(bytes, member as JsonMember) : undefined;
  };
  return { path: kind.path, stream, model: upstreamName, modelId, basePath, text };
}

/** Returns the member of which a form's field is a part: `guardrails` of `guardrails[]`. */
const fieldOf = (name: string) => name.split('[', 1)[0]!;

const lengthOf = (pieces: readonly Buffer[]) => pieces.reduce((sum, { length }) => sum + length, 0);
