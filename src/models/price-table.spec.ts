import { describe, expect, it } from 'vitest';
import { costNanoUsd } from '../policy/price.js';
import { knownModel, providerOfBareName } from './price-table.js';

const million = { inputTokens: 1_000_000, outputTokens: 0 };
const usdOf = (provider: string, name: string, on: string, usage = million) => {
  const price = knownModel(provider, name, new Date(on))?.price;
  return price && Number(costNanoUsd(usage, price)) / 1e9;
};

describe('the price of a known model', () => {
  it('is the one of the day', () => {
    expect(usdOf('openai', 'o3', '2025-06-09T23:59:59Z')).toBe(10);
    expect(usdOf('openai', 'o3', '2025-06-10T00:00:00Z')).toBe(2);
  });

  it('that changes with the hour is the dearest of the day', () => {
    expect(usdOf('deepseek', 'deepseek-chat', '2025-01-01T20:00:00Z')).toBe(0.27);
  });

  it('is found under the names LiteLLM uses, with a date behind them', () => {
    for (const [provider, name] of [
      ['openai', 'gpt-4o-mini'],
      ['openai', 'gpt-4o-mini-2024-07-18'],
      ['groq', 'llama-3.3-70b-versatile'],
      ['xai', 'grok-3'],
      ['mistral', 'mistral-large-latest'],
    ] as const)
      expect({ name, price: knownModel(provider, name)?.price?.input }).toEqual({ name, price: expect.toSatisfy((p) => p > 0n) }); // prettier-ignore
  });

  it('is not made up', () => {
    expect(knownModel('openai', 'gpt-of-tomorrow-x')).toBeUndefined();
    expect(knownModel('nobody', 'gpt-4o')).toBeUndefined();
  });

  it('counts cached prompts at their own price', () => {
    const usage = { inputTokens: 1_000_000, outputTokens: 0, cachedInputTokens: 1_000_000 };
    expect(usdOf('openai', 'gpt-4o-mini', '2026-01-01', usage)).toBeLessThan(usdOf('openai', 'gpt-4o-mini', '2026-01-01')!); // prettier-ignore
  });
});

describe('whose a bare name is', () => {
  it.each([
    ['gpt-4o', 'openai'],
    ['claude-3-5-sonnet-20241022', 'anthropic'],
    ['ft:gpt-4-0613:acme::id', 'openai'],
    ['mistral-large-latest', 'mistral'],
    ['my-own-model', undefined],
    ['openai/gpt-4o', undefined],
  ])('%s: %s', (name, provider) => expect(providerOfBareName(name)).toBe(provider));
});
