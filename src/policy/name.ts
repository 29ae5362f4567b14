import { isPrintable } from './printable.js';

/** No name is longer, in UTF-8: an index of PostgreSQL takes rows of at most 2,704 bytes. */
export const MAX_NAME_BYTES = 1_024;

/** Is a text too long for the name of anything? Asks for its length first: it may have megabytes. */
export const isTooLong = (text: string) =>
  text.length > MAX_NAME_BYTES || (text.length * 3 > MAX_NAME_BYTES && utf8Bytes(text) > MAX_NAME_BYTES);

/** Can this text name a row: short, and without characters that a log or a database would stumble over? */
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
