/**
 * Values of admin bodies that LiteLLM also takes as texts (shell scripts, forms). Each function returns the value that a
 * text stands for, by the rules of LiteLLM's validation, and everything else as it is, for a validator to refuse.
 */

/** Digits, with single underscores between them. */
const DIGITS = String.raw`\d+(?:_\d+)*`;
const DECIMAL = new RegExp(`^[+-]?(?:${DIGITS}\\.?(?:${DIGITS})?|\\.${DIGITS})(?:e[+-]?${DIGITS})?$`, 'i');
const WHOLE = new RegExp(`^[+-]?${DIGITS}(?:\\.0*)?$`);
/** Longer texts are no numbers that could be stored. */
const MAX_CHARS = 64;

const numberWhere = (pattern: RegExp) => (value: unknown) => {
  if (typeof value !== 'string' || value.length > MAX_CHARS) return value;
  const text = value.trim();
  return pattern.test(text) ? Number(text.replaceAll('_', '')) : value;
};

/** Reads `"10"`, `"0.25"`, `" 1e2"` as numbers. */
export const laxNumber = numberWhere(DECIMAL);

/** Reads `"10"` and `"10.0"` as numbers, but neither `"1e2"` nor `"1.5"`. */
export const laxInteger = numberWhere(WHOLE);

const TRUE = new Set(['true', 't', 'yes', 'y', 'on', '1']);
const FALSE = new Set(['false', 'f', 'no', 'n', 'off', '0']);

/** Reads `"true"`, `"yes"`, `"on"`, `"1"`, `1` … as true, and their opposites as false. */
export function laxFlag(value: unknown): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const text = String(value).toLowerCase();
  return TRUE.has(text) ? true : FALSE.has(text) ? false : value;
}
