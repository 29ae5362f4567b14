import type { IncomingHttpHeaders } from 'node:http';
import type { ReadMember } from '../call-types/read-members.js';
import { utf8Header } from '../http/utf8-header.js';
import type { CallOrigin } from '../ledger/call-origin.js';
import { isPrintable } from '../policy/printable.js';
import { mayNameOrigin, ORIGIN_SOURCES, type OriginParts } from './origin-sources.js';
import { boundedLabels } from './spend-logs-metadata.js';

/** A longer id is none: a part of it would be another id. */
const MAX_ID_CHARS = 255;
const MAX_ORIGINATOR_CHARS = 64;
const MAX_USER_AGENT_CHARS = 128;
const MAX_PRODUCT_CHARS = 64;
const CODEX = /^codex[-_ /]/i;

/** Members of the body that `ORIGIN_SOURCES` reads. */
const MEMBERS = [
  'metadata',
  'litellm_metadata',
  'client_metadata',
  'litellm_session_id',
  'litellm_trace_id',
] as const satisfies readonly ReadMember[];

/**
 * Reads where a call comes from. Returns undefined if it says nothing. What is unusable is left out and refuses no call.
 * `body`: the members of the call.
 */
export function readCallOrigin(
  headers: IncomingHttpHeaders,
  body: { has(name: ReadMember): boolean; value(name: ReadMember): unknown },
): CallOrigin | undefined {
  const hasMember = MEMBERS.some((name) => body.has(name));
  if (!hasMember && !mayNameOrigin(headers)) {
    const userAgent = plainUserAgent(headers['user-agent']);
    return userAgent ? { userAgent } : undefined;
  }
  const originator = idFrom(ORIGIN_SOURCES.originator, { headers, isCodex: false, member: noMember });
  const userAgent = plainUserAgent(headers['user-agent']);
  const parts: OriginParts = {
    headers,
    isCodex: CODEX.test(userAgent ?? '') || CODEX.test(originator ?? ''),
    member: hasMember ? memberReader(body) : noMember,
  };
  const sessionId = idFrom(ORIGIN_SOURCES.session, parts);
  // Every source of a trace is one of a session, too.
  const traceId = sessionId === undefined ? undefined : idFrom(ORIGIN_SOURCES.trace, parts);
  const spendLogsMetadata = labelsOf(parts);
  const isSilent = !sessionId && !userAgent && !originator && !spendLogsMetadata;
  if (isSilent) return undefined;
  return {
    ...(sessionId !== undefined && { sessionId }),
    ...(traceId !== undefined && { traceId }),
    ...(userAgent && { userAgent }),
    ...(originator !== undefined && { originator: originator.slice(0, MAX_ORIGINATOR_CHARS) }),
    ...(spendLogsMetadata && { spendLogsMetadata }),
  };
}

const noMember = (): undefined => undefined;

/** Returns a reader that parses each member once. */
function memberReader(body: Parameters<typeof readCallOrigin>[1]): OriginParts['member'] {
  const values = new Map<ReadMember, unknown>();
  return (name) => {
    if (!body.has(name)) return undefined;
    if (!values.has(name)) values.set(name, body.value(name));
    return values.get(name);
  };
}

function idFrom(
  sources: readonly ((parts: OriginParts) => unknown)[],
  parts: OriginParts,
): string | undefined {
  for (const source of sources) {
    const id = source(parts);
    if (typeof id === 'string' && id !== '' && id.length <= MAX_ID_CHARS && isPrintable(id)) return id;
  }
  return undefined;
}

function labelsOf(parts: OriginParts): CallOrigin['spendLogsMetadata'] {
  for (const source of ORIGIN_SOURCES.spendLogsMetadata) {
    const sent = source(parts);
    if (sent === undefined) continue;
    const labels = boundedLabels(typeof sent === 'string' ? utf8Header(sent) : sent);
    if (labels) return labels;
  }
  return undefined;
}

/** The usual form, which is stored as it is. */
const PLAIN_USER_AGENT = /^[\w\-.+/@:~]{1,64}(?: [\x21-\x7e]{1,60})?$/;
const UNUSUAL = /[^\x20-\x7e]/g;
const UNUSUAL_IN_PRODUCT = /[^\w\-.+/@:~]/g;

/** Returns a `user-agent` without unusual characters, shortened. Its first word is the product with its version. */
function plainUserAgent(sent: string | undefined): string {
  if (sent === undefined) return '';
  if (PLAIN_USER_AGENT.test(sent)) return sent;
  const text = sent
    .slice(0, 4 * MAX_USER_AGENT_CHARS)
    .replaceAll(UNUSUAL, '')
    .trim();
  const end = text.indexOf(' ');
  const product = (end < 0 ? text : text.slice(0, end)).replaceAll(UNUSUAL_IN_PRODUCT, '_');
  const rest = end < 0 ? '' : text.slice(end);
  return (product.slice(0, MAX_PRODUCT_CHARS) + rest).slice(0, MAX_USER_AGENT_CHARS);
}
