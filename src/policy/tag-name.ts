import { isPrintable } from './printable.js';

export const MAX_TAG_CHARS = 256;

/** Tells whether a text can name a tag: short and without control characters. */
export const isTagName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_TAG_CHARS && isPrintable(value);
