import { describe, expect, it } from 'vitest';
import { ceilingOf } from './ceiling.js';
import { nanoUsd } from './money.js';
import { boundNanoUsd, costNanoUsd, isFree, type Price, type PriceTerms, unitPrice } from './price.js';
import { costByTerms, numberOfShare, shareOf, withTerms } from './price-terms.js';

const usd = (amount: number) => unitPrice(amount)!;
const terms = (discount: number, margin = 0, fixedNanoUsd = 0n): PriceTerms => ({
  discount: shareOf(discount)!,
  margin: shareOf(margin)!,
  fixedNanoUsd: nanoUsd(fixedNanoUsd),
});

const PRICE: Price = {
  input: usd(2.5e-6),
  output: usd(1e-5),
  cachedInput: usd(1.25e-6),
  webSearches: usd(0.01),
  outputImages: usd(0.04),
  inputMs: usd(0.0001),
  tiers: [{ aboveInputTokens: 1_000, input: usd(5e-6), output: usd(2e-5), request: usd(0.001) }],
  serviceTiers: { priority: { input: usd(4.25e-6), output: usd(1.7e-5) } },
};
const USAGES = [
  { inputTokens: 1_000, outputTokens: 500, cachedInputTokens: 200, webSearches: 2 },
  { inputTokens: 1_001, outputTokens: 7 },
  { inputTokens: 12, outputTokens: 0, outputImages: 3, inputMs: 1_234 },
  { inputTokens: 333, outputTokens: 77, serviceTier: 'priority' as const },
];

describe('a price at terms', () => {
  it.each([
    [0.05, 0, 0n],
    [0, 0.1, 0n],
    [0.05, 0.1, 500_000n],
    [0.123456789, 9.999999999, 1n],
    [1, 0, 0n],
    [1, 0, 70n],
  ])('costs what discount %s and margin %s and %s nano-dollars make of the exact list cost', (discount, margin, fixed) => {
    const price = withTerms(PRICE, terms(discount, margin, fixed));
    for (const usage of USAGES) {
      // In 1e-18 of a nano-dollar: list cost × (1 − discount) × (1 + margin).
      const list = costNanoUsd(usage, PRICE);
      const scale = 10n ** 9n;
      const factor = (scale - shareOf(discount)!) * (scale + shareOf(margin)!);
      const expected = (list * factor + scale * scale / 2n) / (scale * scale) + fixed;
      expect(costNanoUsd(usage, price)).toBe(expected);
      const parts = costByTerms(nanoUsd(expected), usage, price.list!);
      expect(parts.listNanoUsd - parts.discountNanoUsd + parts.marginNanoUsd).toBe(expected);
    }
  }); // prettier-ignore

  it('bounds what such a call can cost, with the dearest terms of several deployments', () => {
    const prices = [withTerms(PRICE, terms(0.5)), withTerms(PRICE, terms(0, 0.2, 1_000n))];
    const ceiling = ceilingOf(prices);
    for (const usage of USAGES) {
      const bound = boundNanoUsd(usage, ceiling);
      for (const price of prices) expect(costNanoUsd(usage, price)).toBeLessThanOrEqual(bound);
    }
  });

  it('applies to a bill of the provider, which is then the list price', () => {
    const price = withTerms(PRICE, terms(0.05, 0.1, 3n));
    const usage = { inputTokens: 1_000, outputTokens: 500, billNanoUsd: 12_300_000, billedBy: 'openrouter' };
    const cost = costNanoUsd(usage, price);
    expect(cost).toBe(12_853_503n);
    const { listNanoUsd, discountNanoUsd, marginNanoUsd } = costByTerms(cost, usage, price.list!);
    expect([listNanoUsd, listNanoUsd - discountNanoUsd + marginNanoUsd]).toEqual([12_300_000n, cost]);
  });

  it('with a fixed amount is not free, although the model is', () => {
    const free: Price = { input: usd(0), output: usd(0) };
    expect(isFree(withTerms(free, terms(0, 0.5)))).toBe(true);
    const price = withTerms(free, terms(0, 0, 2_000n));
    expect(isFree(ceilingOf([price]))).toBe(false);
    expect(costNanoUsd({ inputTokens: 5, outputTokens: 5 }, price)).toBe(2_000n);
  });

  it('is taken once, however often it is asked for', () => {
    const once = withTerms(PRICE, terms(0.5));
    expect(withTerms(once, terms(0.5))).toBe(once);
  });
});

it.each([
  [0.05, 50_000_000n],
  [1, 1_000_000_000n],
  [0.000000001, 1n],
  [0.0000000001, undefined],
  [0.1 + 0.2, undefined],
  [-0.1, undefined],
  [Number.NaN, undefined],
])('a share %s is %s', (value, share) => {
  expect(shareOf(value)).toBe(share);
  if (share !== undefined) expect(numberOfShare(share)).toBe(value);
});
