/** A quoted word to search for in bytes. The search begins with its first letter, because quotes are too frequent. */
export type QuotedText = Buffer & { readonly isQuotedWord: true };

const QUOTE = 0x22;
const COLON = 0x3a;

export const quotedWord = (word: string) => Buffer.from(`${word}"`) as QuotedText;

/** Returns the index of the word's first letter, or -1. */
export function indexOfWord(bytes: Buffer, word: QuotedText, from = 0): number {
  let at = bytes.indexOf(word, from);
  while (at >= 0 && bytes[at - 1] !== QUOTE) at = bytes.indexOf(word, at + 1);
  return at;
}

/** Returns the index of the value of the next member of this name, or -1. */
export function indexOfValue(bytes: Buffer, name: QuotedText, from = 0): number {
  let at = indexOfWord(bytes, name, from);
  if (at < 0) return at;
  at += name.length;
  while (bytes[at]! <= 0x20 || bytes[at] === COLON) at++;
  return at;
}
