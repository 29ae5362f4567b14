import { describe, expect, it } from 'vitest';
import { type CallSize, tokenBound } from './bound.js';

const size = (some: Partial<CallSize> = {}): CallSize => ({
  inputBytes: 1_000,
  hasMedia: false,
  copies: 1,
  prompts: 1,
  generates: true,
  ...some,
});

describe('the most tokens a call can be billed for', () => {
  it.each([
    ['the client’s limit', { outputTokens: 100 }, {}, 100],
    ['… for every copy', { outputTokens: 100, copies: 3 }, {}, 300],
    ['… but not more than the model writes', { outputTokens: 9_000 }, { maxOutputTokens: 4_096 }, 4_096],
    ['no limit: what the model writes at most', {}, { maxOutputTokens: 4_096 }, 4_096],
    ['nothing where nothing is generated', { generates: false, outputTokens: 100 }, {}, 0],
  ])('answer: %s', (_, some, limits, outputTokens) =>
    expect(tokenBound(size(some), limits).outputTokens).toBe(outputTokens),
  );

  it('answer: nobody limits it, so the upstream is told to', () => {
    const bound = tokenBound(size({ copies: 2 }), {});
    expect(bound.outputLimitToSet).toBeGreaterThan(0);
    expect(bound.outputTokens).toBe(bound.outputLimitToSet! * 2);
    expect(tokenBound(size({ outputTokens: 5 }), {}).outputLimitToSet).toBeUndefined();
    expect(tokenBound(size({ isWhole: true }), {}).outputLimitToSet).toBeUndefined();
  });

  it.each([
    ['a byte is at most a token, and the template adds some', {}, {}, 1_512],
    ['the context window is a limit too', {}, { maxInputTokens: 500 }, 500],
    ['… or what the client makes of it', { contextTokens: 900 }, { maxInputTokens: 500 }, 900],
    ['what the provider adds is prompt too', { hiddenTokens: 100 }, {}, 1_612],
    ['… also to one that was counted', { hiddenTokens: 100, counted: { tokens: 10, otherBytes: 0 } }, {}, 115],
    ['what does not show in the bytes may fill the context', { hasMedia: true }, { maxInputTokens: 128_000 }, 128_000],
    ['… or a million tokens, if nobody knows', { hasMedia: true }, {}, 1_048_576],
  ])('prompt: %s', (_, some, limits, inputTokens) =>
    expect(tokenBound(size(some), limits).inputTokens).toBe(inputTokens)); // prettier-ignore
});
