/** A name or word in quotes, as it is searched for in bytes: from its first letter, for of quotes there are many. */
export type QuotedText = Buffer & { readonly isQuotedWord: true };

const QUOTE = 0x22;
const COLON = 0x3a;

export const quotedWord = (word: string) => Buffer.from(`${word}"`) as QuotedText;

/** Where the word is, from its first letter on; -1 when it is nowhere. */
export function indexOfWord(bytes: Buffer, word: QuotedText, from = 0): number {
  let at = bytes.indexOf(word, from);
  while (at >= 0 && bytes[at - 1] !== QUOTE) at = bytes.indexOf(word, at + 1);
  return at;
}

/** Where the value of the next member of this name begins; -1 without one. */
export function indexOfValue(bytes: Buffer, name: QuotedText, from = 0): number {
  let at = indexOfWord(bytes, name, from);
  if (at < 0) return at;
  at += name.length;
  while (bytes[at]! <= 0x20 || bytes[at] === COLON) at++;
  return at;
}
