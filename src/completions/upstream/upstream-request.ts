import { isGatewayMember } from '../../config/gateway-members.js';
import { editedForm } from '../../body/form-scanner.js';
import { editedObject, type JsonMember, memberValue } from '../../body/json-scanner.js';
import { limitsOutput } from '../../call-types/output-limits.js';
import { type Deployment, pathAt } from '../../models/deployment.js';
import { type WiredCall, wireOf } from '../../models/provider-wire.js';
import type { Attempt } from '../attempt.js';
import type { UpstreamRequest } from './upstreams.js';

/** Builds the request to the deployment of this attempt. */
export function upstreamRequest(attempt: Attempt): UpstreamRequest {
  const { call, deployment, llm } = attempt;
  const { kind, forwardedHeaders } = llm;
  const headers: Record<string, string> = { ...deployment.headers, ...forwardedHeaders, via: call.via };
  const { wire } = deployment;
  const wired = wire && wiredCall(attempt);
  const body = bodyOf(attempt, wired && ((edits) => wireOf(wire!).edit?.(wired, edits, headers)));
  if (!Buffer.isBuffer(body)) headers['content-length'] = String(lengthOf(body));
  return withCredential(deployment, {
    path: wired ? wireOf(wire!).path(wired) : pathAt(deployment, kind.path),
    headers,
    body,
  });
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
 * Returns the bytes of the call with the needed edits: the model's name, the gateway's own members, `stream_options`, and the
 * output limits if a budget applies.
 */
function bodyOf(
  { llm, deployment, output: { limit }, addsUsageOption }: Attempt,
  editForWire?: (edits: Map<string, string | null>) => void,
): Buffer | readonly Buffer[] {
  const { kind, scanned, bytes, operatorNames } = llm;
  const edits = new Map<string, string | null>();
  const isForm = 'delimiter' in scanned!;
  if (llm.model !== deployment.upstreamName || llm.rewritesModel) {
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
  if (limit) edits.set(limit.member, String(limit.tokens));
  if (addsUsageOption) edits.set('stream_options', '{"include_usage":true}');
  if (limit && llm.size.webSearches) {
    const cap = kind.webSearchCap?.(bytes, scanned!.members);
    if (cap) edits.set(...cap);
  }
  editForWire?.(edits);
  if (!edits.size) return bytes;
  return isForm ? editedForm(bytes, scanned, edits) : editedObject(bytes, scanned!, edits);
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
