import type { IncomingHttpHeaders } from 'node:http';
import type { ReadMember } from '../call-types/read-members.js';
import { agentIdentity } from './agent-identity.js';

/** The parts of a call in which it may say where it comes from. */
export interface OriginParts {
  readonly headers: IncomingHttpHeaders;
  /** True if the client is Codex. Its headers have names that other clients may use for something else. */
  readonly isCodex: boolean;
  /** Returns a member of the body; undefined without one. */
  readonly member: (name: ReadMember) => unknown;
}

/** A place where a call may name an id. */
type Source = (parts: OriginParts) => unknown;

/** The headers that the sources below read. */
const READ_HEADERS = new Set(['traceparent', 'baggage']);

function header(name: string): Source {
  READ_HEADERS.add(name);
  return ({ headers }) => headers[name];
}

function codexHeader(name: string): Source {
  READ_HEADERS.add(name);
  return ({ headers, isCodex }) => (isCodex ? headers[name] : undefined);
}

/** Tells whether any of these headers may be a source. Most calls have none. */
export function mayNameOrigin(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) if (READ_HEADERS.has(name) || name.endsWith('-session-id')) return true;
  return false;
}

const member =
  (name: ReadMember): Source =>
  (parts) =>
    parts.member(name);

const inside =
  (container: ReadMember, name: string): Source =>
  (parts) => {
    const value = parts.member(container);
    return value !== null && typeof value === 'object'
      ? (value as Readonly<Record<string, unknown>>)[name]
      : undefined;
  };

const VENDOR_SESSION = /^x-.+-session-id$/;
/** LiteLLM takes only ids of this form from a header that no agreement gives a meaning. */
const PLAIN_ID = /^[\w-]{8,}$/;

/** Reads a header such as `x-claude-code-session-id`, which many agents send. */
const vendorSession: Source = ({ headers }) => {
  for (const name in headers) {
    if (!name.endsWith('-session-id') || name === 'x-litellm-session-id' || !VENDOR_SESSION.test(name))
      continue;
    const id = headers[name];
    if (typeof id === 'string' && PLAIN_ID.test(id)) return id;
  }
  return undefined;
};

/** Reads the session of Claude Code's `metadata.user_id`. */
const agentSession: Source = (parts) => agentIdentity(inside('metadata', 'user_id')(parts))?.session;

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/i;
const NO_TRACE = '0'.repeat(32);

/** Reads the trace id of W3C's `traceparent`. */
const traceparent: Source = ({ headers: { traceparent: sent } }) => {
  const id = typeof sent === 'string' ? TRACEPARENT.exec(sent.trim())?.[1]?.toLowerCase() : undefined;
  return id === NO_TRACE ? undefined : id;
};

const BAGGAGE_SESSION = /(?:^|,)\s*session\.id\s*=\s*([^,;\s]+)/;

/** Reads the session of W3C's `baggage`. */
const baggage: Source = ({ headers: { baggage: sent } }) =>
  typeof sent === 'string' ? BAGGAGE_SESSION.exec(sent)?.[1] : undefined;

const TRACE_SOURCES: readonly Source[] = [
  header('x-litellm-trace-id'),
  member('litellm_trace_id'),
  inside('metadata', 'trace_id'),
  inside('litellm_metadata', 'trace_id'),
  codexHeader('thread-id'),
  traceparent,
];

/**
 * The places where each fact of a call's origin is read, the first usable one first. The order is LiteLLM's, with one difference: a
 * session beside a trace is its own id.
 */
export const ORIGIN_SOURCES = {
  trace: TRACE_SOURCES,
  session: [
    header('x-litellm-session-id'),
    header('x-litellm-trace-id'),
    vendorSession,
    ...['session-id', 'session_id', 'thread-id', 'conversation_id'].map(codexHeader),
    header('x-session-id'),
    header('x-session-affinity'),
    agentSession,
    member('litellm_session_id'),
    inside('metadata', 'session_id'),
    inside('litellm_metadata', 'session_id'),
    inside('client_metadata', 'session_id'),
    baggage,
    ...TRACE_SOURCES,
  ],
  originator: [header('originator')],
  spendLogsMetadata: [
    header('x-litellm-spend-logs-metadata'),
    inside('litellm_metadata', 'spend_logs_metadata'),
    inside('metadata', 'spend_logs_metadata'),
  ],
} as const satisfies Readonly<Record<string, readonly Source[]>>;
