import type { IncomingHttpHeaders } from 'node:http';
import { MalformedBodyError } from '../body/json-scanner.js';

/** Requests of a call to the gateway, in LiteLLM's headers. */
export interface CallHeaders {
  /** The longest time that the client waits for an answer, or for the next part of a stream. */
  readonly timeoutMs?: number;
  /** The same for streams alone. It takes precedence there. */
  readonly streamTimeoutMs?: number;
  /** The number of retries. */
  readonly numRetries?: number;
  /** Names of LiteLLM's headers that have no effect here. */
  readonly ignored?: readonly string[];
}

const PREFIX = 'x-litellm-';

/** LiteLLM's headers that other code reads. */
const READ_ELSEWHERE: ReadonlySet<string> = new Set([
  'x-litellm-api-key',
  'x-litellm-call-id',
  'x-litellm-customer-id',
  'x-litellm-end-user-id',
  'x-litellm-session-id',
  'x-litellm-spend-logs-metadata',
  'x-litellm-tags',
  'x-litellm-team-id',
  'x-litellm-trace-id',
]);

const MAX_IGNORED = 16;
const MAX_IGNORED_CHARS = 64;

/**
 * Reads LiteLLM's headers of a call. Returns undefined if they ask for nothing. `alsoRead`: headers that a setting names.
 * Throws `MalformedBodyError` for a value that is no number of seconds or retries.
 */
export function callHeaders(
  headers: IncomingHttpHeaders,
  alsoRead: readonly string[],
): CallHeaders | undefined {
  let asked: { -readonly [Name in keyof CallHeaders]: CallHeaders[Name] } | undefined;
  for (const name in headers) {
    if (!name.startsWith(PREFIX) || READ_ELSEWHERE.has(name) || alsoRead.includes(name)) continue;
    asked ??= {};
    const value = String(headers[name]);
    if (name === 'x-litellm-timeout') asked.timeoutMs = milliseconds(value, name);
    else if (name === 'x-litellm-stream-timeout') asked.streamTimeoutMs = milliseconds(value, name);
    else if (name === 'x-litellm-num-retries') asked.numRetries = retries(value, name);
    else if ((asked.ignored ??= []).length < MAX_IGNORED)
      asked.ignored = [...asked.ignored, name.slice(0, MAX_IGNORED_CHARS)];
  }
  return asked;
}

const SECONDS = /^(?:\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})$/;
const RETRIES = /^\d{1,9}$/;

function milliseconds(value: string, name: string): number {
  const ms = SECONDS.test(value) ? Math.ceil(Number(value) * 1_000) : 0;
  if (!ms) throw new MalformedBodyError(`The header ${name} must be a number of seconds above 0.`, name);
  return ms;
}

function retries(value: string, name: string): number {
  if (!RETRIES.test(value))
    throw new MalformedBodyError(`The header ${name} must be a whole number of retries.`, name);
  return Number(value);
}

/** Returns how long the client of a call waits, or undefined if it did not say. */
export const patienceMs = ({ timeoutMs, streamTimeoutMs }: CallHeaders, streams: boolean) =>
  streams ? (streamTimeoutMs ?? timeoutMs) : timeoutMs;
