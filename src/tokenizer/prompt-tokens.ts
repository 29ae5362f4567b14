import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { NON_PROMPT_MEMBERS } from './non-prompt-members.js';

/** What a chat template puts around a message, a part or a tool. */
const AROUND_OBJECT = 8;
const AROUND_REQUEST = 64;
/** Longer runs are counted piece by piece: the encoder's time grows with the square of a run without spaces. */
const PIECE_CHARS = 400;
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/** Tokens of everything in this body that becomes prompt, by OpenAI's current encoding; a little more, never fewer. */
export function promptTokens(body: Readonly<Record<string, unknown>>): number {
  let tokens = 0;
  for (const piece of promptPieces(body)) tokens += piece;
  return tokens;
}

/** The same piece by piece, so that whoever counts may stop in between. Each piece takes little time. */
export function* promptPieces(body: Readonly<Record<string, unknown>>): Generator<number> {
  yield AROUND_REQUEST;
  for (const [name, value] of Object.entries(body)) {
    if (NON_PROMPT_MEMBERS.has(name)) continue;
    yield* piecesOf(name);
    yield* piecesIn(value);
  }
}

const AROUND_MESSAGE = 3;
const BEFORE_ANSWER = 3;

/** Tokens of a chat's texts as OpenAI bills them; of pictures and sound none. */
export function chatTokens(messages: readonly unknown[]): number {
  return messages.reduce((sum: number, message) => sum + AROUND_MESSAGE + textTokens(message), BEFORE_ANSWER);
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
    // A prompt may be a list of tokens itself.
    for (const one of value) {
      if (Number.isInteger(one)) yield 4;
      else yield* piecesIn(one);
    }
    return;
  }
  yield AROUND_OBJECT;
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
    // Between words where there are some: cutting one makes it more tokens.
    const piece = text.slice(at, at + PIECE_CHARS);
    const space = at + piece.length < text.length ? piece.lastIndexOf(' ') : -1;
    const chars = space > 0 ? space : piece.length;
    yield countTokens(piece.slice(0, chars), AS_TEXT);
    at += chars;
  }
}

/**
 * Bytes of which another encoding may make a token each, where OpenAI's makes fewer: those beyond ASCII, a `\u` escape as
 * what it may stand for, digits, signs and blanks behind other signs and blanks, and letters behind two of the same.
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
    // An escape is one sign, whatever its letter.
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
