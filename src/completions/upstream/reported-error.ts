import { isObject } from '../../call-types/reported-usage.js';

/** An error in the words of a provider. The message is not masked yet. */
export interface ReportedError {
  readonly message?: string;
  readonly type?: string;
  readonly code?: string;
  readonly param?: string;
}

type Members = Readonly<Record<string, unknown>>;

/** A longer body of an error is not read to its end. */
const MAX_READ_BYTES = 1024 * 1024;
const MAX_TEXT_CHARS = 16_000;
const MAX_PARAM_CHARS = 200;
const MAX_DETAILS = 10;
const MAX_DEPTH = 4;

/** Returns the error that a body reports, in any shape that is known of providers. A body that is no JSON is its own message. */
export function reportedError(body: Buffer): ReportedError {
  const text = body.toString('utf8', 0, MAX_READ_BYTES).trim();
  try {
    return errorOf(JSON.parse(text), 0);
  } catch {
    const message = messageOf(text);
    return message ? { message } : {};
  }
}

/** Returns the error that a parsed body or event reports. */
export const reportedErrorOf = (value: unknown): ReportedError => errorOf(value, 0);

/** Returns whether a parsed body or event is an error and no answer. */
export function isErrorObject(value: unknown): value is Members {
  if (!isObject(value)) return false;
  if (['error', 'response.failed'].includes(value.type as string) || value.object === 'error') return true;
  const { error } = value;
  return isObject(error)
    ? ['message', 'code', 'type'].some((name) => error[name] !== undefined)
    : typeof error === 'string' && error !== '';
}

function errorOf(value: unknown, depth: number): ReportedError {
  if (depth > MAX_DEPTH) return {};
  if (typeof value === 'string') return { message: value.slice(0, MAX_TEXT_CHARS) };
  if (Array.isArray(value)) return errorOf(value[0], depth + 1);
  if (!isObject(value)) return {};
  const root = isObject(value.response) && isObject(value.response.error) ? value.response : value;
  const error = errorIn(root);
  const items = detailsIn(error) ?? detailsIn(root);
  const nested = nestedError(error, depth);
  const message = joined(items?.length ? textOf(items) : (messageIn(error) ?? messageIn(root)), nested?.message); // prettier-ignore
  const type = firstOf([error.type, error.status, error.error_type, error.__type, root.type], typeName);
  const code = firstOf([error.code, error.error_code, root.code, root.error_code, items?.[0]?.type], codeName); // prettier-ignore
  const param = firstOf([error.param, items?.[0]?.loc], paramName);
  return {
    ...nested,
    ...(message !== undefined && { message }),
    ...(type !== undefined && { type }),
    // A status in the place of a code says less than the code of the nested error.
    ...(code !== undefined && !(nested?.code && isNumeric(code)) && { code }),
    ...(param !== undefined && { param }),
  };
}

/** Returns the object that describes the error: a member of the body, or the body itself. */
function errorIn(root: Members): Members {
  if (isObject(root.error)) return root.error;
  const [first] = Array.isArray(root.errors) ? (root.errors as unknown[]) : [];
  if (isObject(first)) return first;
  return isObject(root.message) ? root.message : root;
}

/** Returns the list of invalid members that FastAPI, vLLM and Mistral report. */
function detailsIn({ detail }: Members): Members[] | undefined {
  return Array.isArray(detail) ? detail.filter(isObject).slice(0, MAX_DETAILS) : undefined;
}

const MESSAGE_MEMBERS = ['message', 'Message', 'msg', 'detail', 'error', 'error_description', 'title'];

function messageIn(members: Members): string | undefined {
  for (const name of MESSAGE_MEMBERS) {
    const value = members[name];
    const text = isObject(value) && !Array.isArray(value) ? value.message : value;
    if (typeof text === 'string' && text.trim()) return text.slice(0, MAX_TEXT_CHARS);
  }
  return undefined;
}

/** Returns the error of the provider behind an aggregator, as OpenRouter adds it: `metadata.raw`. */
function nestedError({ metadata }: Members, depth: number): ReportedError | undefined {
  if (!isObject(metadata)) return undefined;
  const { raw } = metadata;
  if (typeof raw !== 'string') return isObject(raw) ? errorOf(raw, depth + 1) : undefined;
  try {
    return errorOf(JSON.parse(raw), depth + 1);
  } catch {
    return { message: messageOf(raw) };
  }
}

function joined(message: string | undefined, nested: string | undefined): string | undefined {
  if (!message || !nested) return message ?? nested;
  return message.includes(nested) ? message : `${message}: ${nested}`;
}

const textOf = (items: readonly Members[]) =>
  items
    .map(({ loc, msg, message }) => [paramName(loc), msg ?? message].filter(Boolean).join(': '))
    .join('; ')
    .slice(0, MAX_TEXT_CHARS);

function firstOf<T>(values: readonly unknown[], read: (value: unknown) => T | undefined): T | undefined {
  for (const value of values) {
    const result = read(value);
    if (result !== undefined) return result;
  }
  return undefined;
}

const NAME = /^[A-Za-z_][\w .-]{0,99}$/;
/** Words in the place of a type that only say that there is an error. */
const NO_TYPE = /^(?:error|fail(?:ed|ure)?|response\.failed)$/i;

const typeName = (value: unknown) =>
  typeof value === 'string' && NAME.test(value) && !NO_TYPE.test(value) ? value : undefined;

function codeName(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  return typeof value === 'string' && (NAME.test(value) || isNumeric(value)) ? value : undefined;
}

const isNumeric = (code: string) => /^\d{1,15}$/.test(code);

/** Returns the name of a parameter. The place of FastAPI begins with `body`, which is left out. */
function paramName(value: unknown): string | undefined {
  const name = Array.isArray(value) ? value.filter((part, i) => i > 0 || part !== 'body').join('.') : value;
  return typeof name === 'string' && name ? name.slice(0, MAX_PARAM_CHARS) : undefined;
}

/** Returns the message of a text that is no JSON: its first line, or the title of a page. */
function messageOf(text: string): string | undefined {
  const start = text.slice(0, MAX_TEXT_CHARS);
  const title = start.startsWith('<') ? /<(title|h1)\b[^>]*>([^<]*)</i.exec(start)?.[2] : undefined;
  const plain = title ?? (start.startsWith('<') ? start.replace(/<[^>]*>/g, '\n') : start);
  // A body that is JSON up to its cut end has no line for a person.
  if (/^[[{]/.test(plain)) return undefined;
  return plain
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .find(Boolean);
}
