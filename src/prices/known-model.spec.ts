import { describe, expect, it } from 'vitest';
import { costNanoUsd } from '../policy/price.js';
import { providerOfBareName } from '../models/bare-name-provider.js';
import { forgetKnownModels, knownModel, pricedProvider } from './known-model.js';
import { libraryModel, replacePriceTable } from './library-prices.js';

const million = { inputTokens: 1_000_000, outputTokens: 0 };
const usdOf = (provider: string, name: string, on: string, usage = million) => {
  const price = knownModel(provider, name, new Date(on))?.price;
  return price && Number(costNanoUsd(usage, price)) / 1e9;
};

describe('a price of the library', () => {
  const inputOn = (provider: string, name: string, day: string) =>
    libraryModel(provider, name, day)?.members.input_cost_per_token;

  it('is the one of the day', () => {
    expect(inputOn('openai', 'o3', '2025-06-09')).toBe(1e-5);
    expect(inputOn('openai', 'o3', '2025-06-10')).toBe(2e-6);
  });

  it('that changes with the hour is the dearest of the day', () => {
    expect(inputOn('deepseek', 'deepseek-chat', '2025-01-01')).toBe(2.7e-7);
  });

  it('is found by the whole name or its date, never by a part of it', () => {
    expect(inputOn('openai', 'o4-mini', '2026-01-01')).toBe(1.1e-6);
    expect(inputOn('openai', 'my-o4-mini-copy', '2026-01-01')).toBeUndefined();
    expect(inputOn('google', 'gemini-2.5-flash-cyber', '2026-01-01')).toBeUndefined();
  });
});

describe('the price of a known model', () => {
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

describe('in other units', () => {
  const nothing = { inputTokens: 0, outputTokens: 0 };
  it.each([
    ['a search', 'perplexity', 'sonar', { ...nothing, webSearches: 1 }],
    ['reasoning', 'perplexity', 'sonar-deep-research', { ...nothing, outputTokens: 1, reasoningTokens: 1 }],
    ['pictures drawn', 'gemini', 'gemini-2.5-flash-image', { ...nothing, outputTokens: 1, outputImageTokens: 1 }],
    ['a cache kept for an hour', 'anthropic', 'claude-sonnet-4-5', { ...nothing, inputTokens: 1, cacheWrite1hTokens: 1 }],
  ])('the table prices %s', (_, provider, name, { outputTokens, inputTokens, ...parts }) => {
    const { price } = knownModel(provider, name)!;
    expect(costNanoUsd({ inputTokens, outputTokens, ...parts }, price!)).not.toBe(
      costNanoUsd({ inputTokens, outputTokens }, { input: price!.input, output: price!.output }),
    );
  }); // prettier-ignore
});

describe('a newer table', () => {
  const aModel = (change: object = {}) => ({
    id: 'm',
    match: { equals: 'm' },
    prices: { input_mtok: 1 },
    ...change,
  });
  const table = (...models: object[]) => [
    { id: 'testing', name: 'Testing', api_pattern: 'https://testing', models },
  ];
  const many = Array.from({ length: 1_000 }, (_, i) => aModel({ id: `m${i}`, match: { equals: `m${i}` } }));

  it.each<[string, unknown, string]>([
    ['nothing', null, 'it is no list of providers'],
    ['an error in JSON', { error: 'not found' }, 'it is no list of providers'],
    ['a provider without models', [{ id: 'testing' }], 'not iterable'],
    ['a price below zero', table(...many, aModel({ prices: { input_mtok: -1 } })), 'testing/m: a price is none'],
    ['a price that is a text', table(...many, aModel({ prices: { input_mtok: '1' } })), 'testing/m: a price is none'],
    ['a tier that is none', table(...many, aModel({ prices: { input_mtok: { base: 1, tiers: [{ start: 1, price: null }] } } })), 'testing/m: a price is none'],
    ['no prices', table(...many, aModel({ prices: undefined })), 'testing/m: '],
    ['a size that is none', table(...many, aModel({ context_window: -1 })), 'testing/m: its size is none'],
    ['a name that is no pattern', table(...many, aModel({ match: { and: [{ equals: 'x' }, { regex: '(' }] } })), 'testing/m: Invalid regular expression'],
    ['a match of another kind', table(...many, aModel({ match: { sounds_like: 'm' } })), 'testing/m: it matches no name'],
    ['a day that is none', table(...many, aModel({ prices: [{ constraint: { start_date: 'soon' }, prices: {} }] })), 'price constraint'],
    ['less than half of what is known', table(...many.slice(0, 300)), 'it prices 300 models, the one in use '],
    ['everything for nothing', table(...many.map((model) => ({ ...model, prices: { input_mtok: 0 } }))), 'it prices 0 models'],
  ])('is not taken with %s', async (_, newTable, reason) => {
    await expect(replacePriceTable(newTable)).rejects.toThrow(reason);
    expect(usdOf('openrouter', 'openai/o3', '2026-01-01')).toBe(2);
    expect(knownModel('testing', 'm1')).toBeUndefined();
  }); // prettier-ignore

  it('takes the place of the old one, also for what was asked before', async () => {
    expect(knownModel('openrouter', 'openai/o3')?.price).toBeDefined();
    expect(pricedProvider('ft:gpt-4.1-2025-04-14:acme::id')).toBe('openai');
    expect(await replacePriceTable(table(...many))).toBe(1_000);
    forgetKnownModels();
    expect(usdOf('testing', 'm1', '2026-01-01')).toBe(1);
    expect(knownModel('openrouter', 'openai/o3')?.price).toBeUndefined();
    // The release's own table stays.
    expect(knownModel('openai', 'gpt-4o')?.price).toBeDefined();
    // Who may call what does not change with the prices.
    expect(providerOfBareName('gpt-4o')).toBe('openai');
  });
});
