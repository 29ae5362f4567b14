import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { otherBytes, promptTokens } from './prompt-tokens.js';

const chat = (content: string, more: object = {}) => ({ messages: [{ role: 'user', content }], ...more });

describe('the tokens of a prompt', () => {
  it('are at least what the text alone has, and not many more', () => {
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

  it('are counted of everything that becomes prompt, and of nothing else', () => {
    const tools = [{ type: 'function', function: { name: 'f', description: 'word '.repeat(300) } }];
    expect(promptTokens(chat('hi', { tools }))).toBeGreaterThan(300);
    expect(promptTokens(chat('hi', { metadata: { a: 'word '.repeat(300) }, user: 'u'.repeat(500) }))).toBe(
      promptTokens(chat('hi')),
    );
    expect(promptTokens({ prompt: [1, 2, 3] })).toBeGreaterThanOrEqual(3);
  });

  it('are counted in time also of a run without spaces, and of special words', () => {
    expect(promptTokens(chat('x'.repeat(200_000)))).toBeGreaterThan(20_000);
    expect(promptTokens(chat('<|endoftext|>'))).toBeGreaterThan(5);
  });

  it('know what other encodings may make more of', () => {
    expect(otherBytes(Buffer.from('abc'))).toBe(0);
    expect(otherBytes(Buffer.from('ü漢'))).toBe(5);
    expect(otherBytes(Buffer.from('\\u6f22'))).toBe(3);
  });
});
