import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { NOT_PROMPT } from './not-prompt.js';

/** What a chat template puts around a message, a part or a tool. */
const AROUND_OBJECT = 8;
const AROUND_REQUEST = 64;
/** Longer runs are counted piece by piece: the encoder's time grows with the square of a run without spaces. */
const PIECE_CHARS = 400;
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/** Tokens of everything in this body that becomes prompt, by OpenAI's current encoding; a little more, never fewer. */
export function promptTokens(body: Readonly<Record<string, unknown>>): number {
  return Object.entries(body).reduce(
    (sum, [name, value]) => (NOT_PROMPT.has(name) ? sum : sum + tokensIn(value) + tokensOf(name)),
    AROUND_REQUEST,
  );
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

function tokensIn(value: unknown): number {
  if (typeof value === 'string') return tokensOf(value);
  if (typeof value !== 'object' || value === null) return tokensOf(String(value));
  // A prompt may be a list of tokens itself.
  if (Array.isArray(value))
    return value.reduce((sum: number, one) => sum + (Number.isInteger(one) ? 4 : tokensIn(one)), 0);
  return Object.entries(value).reduce(
    (sum, [name, inner]) => sum + tokensOf(name) + tokensIn(inner),
    AROUND_OBJECT,
  );
}

function tokensOf(text: string): number {
  if (text.length <= PIECE_CHARS) return countTokens(text, AS_TEXT);
  let tokens = 0;
  for (let at = 0; at < text.length;) {
    // Between words where there are some: cutting one makes it more tokens.
    const end = at + PIECE_CHARS;
    const space = end < text.length ? text.lastIndexOf(' ', end) : text.length;
    const cut = space > at ? space : Math.min(end, text.length);
    tokens += countTokens(text.slice(at, cut), AS_TEXT);
    at = cut;
  }
  return tokens;
}

/** UTF-8 bytes beyond ASCII; a `\u` escape counts as what it may stand for. */
export function otherBytes(bytes: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i]! > 0x7f) count++;
    else if (bytes[i] === 0x5c && bytes[i + 1] === 0x75) count += 3;
  }
  return count;
}
