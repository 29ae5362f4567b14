export const MAX_TAG_CHARS = 256;

// A lone surrogate is no character either: it has no UTF-8.
const CONTROL = /[\p{Cc}\p{Cs}]/u;

/** Can this name a tag? A short text without control characters. */
export const isTagName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_TAG_CHARS && !CONTROL.test(value);
