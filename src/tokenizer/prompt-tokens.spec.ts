import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countTokens as inCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { countTokens as inP50k } from 'gpt-tokenizer/encoding/p50k_base';
import { tokenBound } from '../policy/bound.js';
import { otherBytes, promptTokens } from './prompt-tokens.js';

const SWAHILI = 'Serikali imetangaza kwamba wananchi wote wanapaswa kujiandikisha kabla ya uchaguzi. ';

const chat = (content: string, more: object = {}) => ({ messages: [{ role: 'user', content }], ...more });

describe('the tokens of a prompt', () => {
  it('are at least the tokens of the text, and few more', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 2_000 }), (content) => {
        const alone = countTokens(content, { disallowedSpecial: new Set() });
        const counted = promptTokens(chat(content));
        expect(counted).toBeGreaterThanOrEqual(alone);
        expect(counted).toBeLessThanOrEqual(alone * 1.1 + 120);
      }),
      { numRuns: 200 },
    );
  });

  it('include all members that become prompt, and no others', () => {
    const tools = [{ type: 'function', function: { name: 'f', description: 'word '.repeat(300) } }];
    expect(promptTokens(chat('hi', { tools }))).toBeGreaterThan(300);
    expect(promptTokens(chat('hi', { metadata: { a: 'word '.repeat(300) }, user: 'u'.repeat(500) }))).toBe(
      promptTokens(chat('hi')),
    );
    expect(promptTokens({ prompt: [1, 2, 3] })).toBeGreaterThanOrEqual(3);
  });

  it('are counted in time for text without spaces, and for special words', () => {
    expect(promptTokens(chat('x'.repeat(200_000)))).toBeGreaterThan(20_000);
    expect(promptTokens(chat('<|endoftext|>'))).toBeGreaterThan(5);
  });

  it('have a count of bytes that other encodings may split more finely', () => {
    expect(otherBytes(Buffer.from('abc'))).toBe(0);
    expect(otherBytes(Buffer.from('ü漢'))).toBe(5);
    expect(otherBytes(Buffer.from('\\u6f22'))).toBe(3);
    expect(otherBytes(Buffer.from('a1b234'))).toBe(4);
    expect(otherBytes(Buffer.from('good, a.'))).toBe(1);
    expect(otherBytes(Buffer.from('=-'.repeat(50)))).toBe(99);
    expect(otherBytes(Buffer.from('\\n'.repeat(50)))).toBe(49);
    expect(otherBytes(Buffer.from('a'.repeat(50)))).toBe(48);
  });

  it.each(['=', '-', '*', '_', ' ', '=-', '. ', '\n', '\n \n ', '1234567890', 'a', 'ha', 'മലയാളം ', SWAHILI])(
    'are bounded for any encoding, for long runs of %j',
    (text) => {
      const bytes = Buffer.from(JSON.stringify({ input: text.repeat(100) }));
      const counted = {
        tokens: promptTokens(JSON.parse(bytes.toString()) as object as Record<string, unknown>),
        otherBytes: otherBytes(bytes),
      };
      const size = { inputBytes: bytes.length, hasMedia: false, copies: 1, prompts: 1, generates: false };
      const { inputTokens } = tokenBound(
        { ...size, counted },
        { answers: [] },
        { defaultOutputTokens: 1, maxToolCallsUnderBudget: 3 },
      );
      expect(inputTokens).toBeGreaterThanOrEqual(inCl100k(text.repeat(100)));
      expect(inputTokens).toBeGreaterThanOrEqual(inP50k(text.repeat(100)));
    },
  );
});
