import type { IncomingHttpHeaders } from 'node:http';
import { isVertexClaude } from './native-error.js';
import { wantsAnthropicForm } from './anthropic-form.js';

/** Types of errors that Anthropic's clients know. The list is that of their SDKs. */
export const ANTHROPIC_ERROR_TYPES = [
  'invalid_request_error',
  'authentication_error',
  'billing_error',
  'permission_error',
  'not_found_error',
  'rate_limit_error',
  'timeout_error',
  'api_error',
  'overloaded_error',
  'memory_precondition_failed_error',
  'memory_path_conflict_error',
  'conflict_error',
] as const;

export type AnthropicErrorType = (typeof ANTHROPIC_ERROR_TYPES)[number];

const KNOWN: ReadonlySet<string> = new Set(ANTHROPIC_ERROR_TYPES);

/** Anthropic's types by status. Another 4xx is an `invalid_request_error`, another 5xx an `api_error`. */
const TYPE_OF_STATUS: Readonly<Record<number, AnthropicErrorType>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  409: 'conflict_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** The gateway's types whose status says less than they do. Absent: the status counts. */
const TYPE_OF_FINAL: Readonly<Record<string, AnthropicErrorType>> = { budget_exceeded: 'billing_error' };

/** Members of an error that decide its type for Anthropic's clients. */
interface TypedError {
  readonly status: number;
  /** The gateway's own type, or the upstream's. */
  readonly type: string;
  /** True if the same request never passes by itself. */
  readonly isFinal: boolean;
}

/** Returns the type of Anthropic's API for an error of the gateway. */
export function anthropicErrorType({ status, type, isFinal }: TypedError): AnthropicErrorType {
  if (KNOWN.has(type)) return type as AnthropicErrorType;
  const ofType = isFinal ? TYPE_OF_FINAL[type] : undefined;
  return ofType ?? TYPE_OF_STATUS[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

const MESSAGES_PATH = /^\/(?:v1\/)?messages(?:[/?#]|$)/;

/** Returns whether a client of Anthropic's API sent a request: by its path, served or not, or by its version header. */
export const isOfAnthropicClient = (url: string, headers: IncomingHttpHeaders): boolean =>
  MESSAGES_PATH.test(url) || isVertexClaude(url) || wantsAnthropicForm(headers);
