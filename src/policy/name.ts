import { isPrintable } from './printable.js';

/** The longest name in UTF-8 bytes. An index of PostgreSQL takes rows of at most 2,704 bytes. */
export const MAX_NAME_BYTES = 1_024;

/** Tells whether a text is too long for a name. Checks its length first: it may have megabytes. */
export const isTooLong = (text: string) =>
  text.length > MAX_NAME_BYTES || (text.length * 3 > MAX_NAME_BYTES && utf8Bytes(text) > MAX_NAME_BYTES);

/** Tells whether a text can name a row: short, and without characters that break a log or a database. */
export const isName = (text: string) => !isTooLong(text) && isPrintable(text);

/** Half a surrogate pair counts as three bytes, as its replacement does. */
function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}
