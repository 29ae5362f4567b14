import { afterEach, describe, expect, it } from 'vitest';
import { costNanoUsd } from '../policy/price.js';
import { costMap } from './cost-map.js';
import { forgetKnownModels, knownModel } from './known-model.js';

const EMPTY = { placeholder: {} };
afterEach(() => {
  costMap.replace(EMPTY);
  forgetKnownModels();
});
const replace = (map: unknown) => {
  costMap.replace(map);
  forgetKnownModels();
};
const usdOf = (provider: string, name: string) => {
  const price = knownModel(provider, name)?.price;
  return price && Number(costNanoUsd({ inputTokens: 1_000_000, outputTokens: 1_000_000 }, price)) / 1e9;
};

describe('a cost map', () => {
  it('comes before the table of the release, and keeps its rest where a row is set in part', () => {
    replace({
      'gpt-4o': { input_cost_per_token: 1e-6, litellm_provider: 'openai' },
      'mistral/of-tomorrow': { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 },
    });
    expect(usdOf('openai', 'gpt-4o')).toBe(11);
    expect(usdOf('openai', 'gpt-4o-2024-05-13')).toBe(20);
    expect(usdOf('mistral', 'of-tomorrow')).toBe(3);
    expect(knownModel('openai', 'gpt-4o')).toMatchObject({ source: 'cost_map', maxOutputTokens: 16_384 });
  });

  it('may explain itself, and may not know a size', () => {
    replace({ sample_spec: { max_tokens: 'a text' }, m: { max_output_tokens: 0, mode: 'moderation' } });
    expect(costMap.size).toBe(1);
  });

  const row = (members: unknown) => ({ fine: { input_cost_per_token: 1e-6 }, bad: members });
  it.each<[string, unknown, string]>([
    ['no mapping', [], 'it is no mapping of models'],
    ['nothing in it', {}, 'it has no models'],
    [
      'a million names',
      Object.fromEntries(Array.from({ length: 50_001 }, (_, i) => [`m${i}`, {}])),
      'at most 50000',
    ],
    ['a row that is none', row(7), "'bad': must be a mapping"],
    [
      'a price that is not a number',
      row({ input_cost_per_token: NaN }),
      "'bad': input_cost_per_token must be a number of USD",
    ],
    ['a price below zero', row({ output_cost_per_token: -1e-6 }), "'bad': output_cost_per_token must be"],
    ['a price without bounds', row({ input_cost_per_token: 1e308 }), "'bad': input_cost_per_token must be"],
    ['a price that is a text', row({ input_cost_per_token: '3e-6' }), "'bad': input_cost_per_token must be"],
    [
      'a price that is a mapping',
      row({ input_cost_per_token: { b: 1 } }),
      "'bad': input_cost_per_token must be",
    ],
    ['a price finer than money', row({ input_cost_per_token: 1e-40 }), "'bad': input_cost_per_token must be"],
    [
      'tiers that are none',
      row({ tiered_pricing: [{ range: [0, 1], input_cost_per_token: 'x' }] }),
      "'bad': tiered_pricing must be",
    ],
    [
      'searches that are none',
      row({ search_context_cost_per_query: 5 }),
      "'bad': search_context_cost_per_query must be",
    ],
    [
      'hours that are none',
      row({ off_peak_pricing: { hours_utc: '99:99-aa', input_cost_per_token: 1e-6 } }),
      "'bad': off_peak_pricing must be",
    ],
    ['a size that is none', row({ max_tokens: 1.5 }), "'bad': max_tokens must be a whole number"],
    ['a provider that is none', row({ litellm_provider: {} }), "'bad': litellm_provider must be a text"],
    [
      'depth without end',
      row({ x: { a: { b: { c: { d: { e: 1 } } } } } }),
      "'bad': x.a.b.c.d is too large or too deep",
    ],
    ['a name twice', { A: {}, a: {} }, 'two of its names differ in letter case only'],
  ])('with %s is refused whole, and the last good one stays', (_, map, reason) => {
    replace({ 'mistral/of-tomorrow': { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 } });
    expect(() => replace(map)).toThrow(reason);
    expect(usdOf('mistral', 'of-tomorrow')).toBe(3);
  });

  it('may have long tiers', () => {
    replace({ m: { tiered_pricing: [{ range: [0, 2_000_000], input_cost_per_token: 1e-6 }] } });
    expect(costMap.size).toBe(1);
  });
});
