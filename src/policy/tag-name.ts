import { isPrintable } from './printable.js';

export const MAX_TAG_CHARS = 256;

/** Can this name a tag? A short text without control characters. */
export const isTagName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_TAG_CHARS && isPrintable(value);
