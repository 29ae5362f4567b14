import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { NON_PROMPT_MEMBERS } from './non-prompt-members.js';

/** Tokens that a chat template adds to a message, a part or a tool. */
const OBJECT_OVERHEAD = 8;
const REQUEST_OVERHEAD = 64;
/** Longer texts are counted in pieces, because the encoder needs quadratic time for a run without spaces. */
const PIECE_CHARS = 400;
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/** Counts the tokens of the members that become prompt, in OpenAI's current encoding. The count may be slightly too high, never too low. */
export function promptTokens(body: Readonly<Record<string, unknown>>): number {
  let tokens = 0;
  for (const piece of promptPieces(body)) tokens += piece;
  return tokens;
}

/** Yields the tokens of `promptTokens` in pieces, so that the caller may pause in between. Each piece takes little time. */
export function* promptPieces(body: Readonly<Record<string, unknown>>): Generator<number> {
  yield REQUEST_OVERHEAD;
  for (const [name, value] of Object.entries(body)) {
    if (NON_PROMPT_MEMBERS.has(name)) continue;
    yield* piecesOf(name);
    yield* piecesIn(value);
  }
}

const MESSAGE_OVERHEAD = 3;
const REPLY_OVERHEAD = 3;

/** Counts the tokens of a chat's texts as OpenAI bills them. Images and audio are not counted. */
export function chatTokens(messages: readonly unknown[]): number {
  return messages.reduce(
    (sum: number, message) => sum + MESSAGE_OVERHEAD + textTokens(message),
    REPLY_OVERHEAD,
  );
}

function textTokens(message: unknown): number {
  if (typeof message !== 'object' || message === null) return 0;
  const { role, name, content, text } = message as Record<string, unknown>;
  const parts = Array.isArray(content) ? content : [];
  const texts = [role, name, content, text].filter((value) => typeof value === 'string');
  return [...texts.map(tokensOf), ...parts.map(textTokens)].reduce((sum, tokens) => sum + tokens, 0);
}

function* piecesIn(value: unknown): Generator<number> {
  if (typeof value === 'string') return yield* piecesOf(value);
  if (typeof value !== 'object' || value === null) return yield* piecesOf(String(value));
  if (Array.isArray(value)) {
    // A prompt may be a list of tokens.
    for (const entry of value) {
      if (Number.isInteger(entry)) yield 4;
      else yield* piecesIn(entry);
    }
    return;
  }
  yield OBJECT_OVERHEAD;
  for (const [name, inner] of Object.entries(value)) {
    yield* piecesOf(name);
    yield* piecesIn(inner);
  }
}

function tokensOf(text: string): number {
  let tokens = 0;
  for (const piece of piecesOf(text)) tokens += piece;
  return tokens;
}

function* piecesOf(text: string): Generator<number> {
  if (text.length <= PIECE_CHARS) return yield countTokens(text, AS_TEXT);
  for (let at = 0; at < text.length;) {
    // The cut is between words if possible, because a cut word has more tokens.
    const piece = text.slice(at, at + PIECE_CHARS);
    const space = at + piece.length < text.length ? piece.lastIndexOf(' ') : -1;
    const chars = space > 0 ? space : piece.length;
    yield countTokens(piece.slice(0, chars), AS_TEXT);
    at += chars;
  }
}

/**
 * Counts bytes that may be one token each in another encoding, but fewer in OpenAI's: bytes beyond ASCII, the characters of
 * `\u` escapes, digits, signs and blanks after other signs and blanks, and letters after two of the same.
 */
export function otherBytes(bytes: Uint8Array): number {
  let count = 0;
  let last = -1;
  let same = 0;
  let isAfterSign = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    same = byte === last ? same + 1 : 1;
    last = byte;
    if (byte === BACKSLASH && bytes[i + 1] === SMALL_U) {
      count += BYTES_OF_ESCAPED;
      i += HEX_DIGITS_OF_ESCAPED + 1;
      isAfterSign = false;
      continue;
    }
    if (byte > 0x7f || isDigit(byte)) count++;
    else if (isLetter(byte)) count += same > 2 ? 1 : 0;
    else if (isAfterSign) count++;
    isAfterSign = byte <= 0x7f && !isLetter(byte);
    // An escape counts as one sign.
    if (byte === BACKSLASH) i++;
  }
  return count;
}

const BACKSLASH = 0x5c;
const SMALL_U = 0x75;
const HEX_DIGITS_OF_ESCAPED = 4;
const BYTES_OF_ESCAPED = 3;

const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;
const isLetter = (byte: number) => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
