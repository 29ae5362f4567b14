import { MalformedBodyError } from '../body/json-scanner.js';
import { isObject } from '../call-types/reported-usage.js';

/** Members of a body, or of one of its objects. */
export type Members = Readonly<Record<string, unknown>>;

export const isMembers = (value: unknown): value is Members => isObject(value) && !Array.isArray(value);

/** Returns the error of a member whose value has the wrong type. */
export const wrong = (param: string, what: string): MalformedBodyError =>
  new MalformedBodyError(`The ${param} must be ${what}.`, param);

export function objectAt(value: unknown, param: string): Members {
  if (!isMembers(value)) throw wrong(param, 'an object');
  return value;
}

/** Returns a list. Empty if the member is absent or null. */
export function listAt(value: unknown, param: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong(param, 'a list');
  return value;
}

export function textAt(value: unknown, param: string): string {
  if (typeof value !== 'string') throw wrong(param, 'a text');
  return value;
}

/** Returns a text. Undefined if the member is absent or null. */
export const optionalText = (value: unknown, param: string): string | undefined =>
  value === undefined || value === null ? undefined : textAt(value, param);

/** Returns a number. Undefined if the member is absent or null. */
export function optionalNumber(value: unknown, param: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(param, 'a number');
  return value;
}

/** Returns a flag. Undefined if the member is absent or null. */
export function optionalFlag(value: unknown, param: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw wrong(param, 'true or false');
  return value;
}

/** Returns the arguments of a tool call as an object. */
export function argumentsAt(json: unknown, param: string): Members {
  if (json === undefined || json === null || json === '') return {};
  if (isMembers(json)) return json;
  try {
    const value: unknown = JSON.parse(textAt(json, param));
    if (isMembers(value)) return value;
  } catch (error) {
    if (error instanceof MalformedBodyError) throw error;
  }
  throw wrong(param, 'a JSON object');
}
