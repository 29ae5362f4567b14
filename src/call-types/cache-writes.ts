import type { CacheWrites } from '../policy/ceiling.js';
import { indexOfValue, indexOfWord, quotedWord } from './json-string-search.js';

const MARKS = ['cache_control', 'cachePoint'].map(quotedWord);
const TTL = quotedWord('ttl');
const SHORT_TTL = '"5m"';
/** The start of an escaped ASCII letter or underscore. An escape may hide a name from the search. */
const ESCAPED_LETTERS = ['4', '5', '6', '7'].map((digit) => Buffer.from(`\\u00${digit}`));

/** Returns what a body asks to be written to the provider's cache. The names may stand anywhere in it. */
export function cacheWritesIn(bytes: Buffer): CacheWrites {
  if (bytes.includes('\\u00') && ESCAPED_LETTERS.some((start) => bytes.includes(start))) return 'hour';
  if (MARKS.every((mark) => indexOfWord(bytes, mark) < 0)) return 'none';
  for (let at = indexOfValue(bytes, TTL); at >= 0; at = indexOfValue(bytes, TTL, at))
    if (bytes.toString('latin1', at, at + SHORT_TTL.length) !== SHORT_TTL) return 'hour';
  return 'ordinary';
}
