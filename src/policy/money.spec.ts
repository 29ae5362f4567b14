import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalUnits, nanoUsd, nanoUsdFromUsd, usdFromNanoUsd, usdText } from './money.js';
import { ceilingOf } from './ceiling.js';
import { boundNanoUsd, costNanoUsd, isFree, type Price, unitPrice, type Usage } from './price.js';

describe('nanoUsdFromUsd', () => {
  it.each`
    usd              | nano               | because
    ${0}             | ${0n}              | ${'zero is an amount'}
    ${1}             | ${1_000_000_000n}  | ${'whole dollars'}
    ${0.1}           | ${100_000_000n}    | ${'no float error'}
    ${1e-9}          | ${1n}              | ${'the smallest amount'}
    ${0.1 + 0.2}     | ${undefined}       | ${'0.30000000000000004 has more than 9 decimals'}
    ${1e-10}         | ${undefined}       | ${'finer than a nano-dollar'}
    ${-1}            | ${undefined}       | ${'negative'}
    ${NaN}           | ${undefined}       | ${'not a number'}
    ${Infinity}      | ${undefined}       | ${'not finite'}
    ${1e10}          | ${undefined}       | ${'beyond 64 bits of nano-dollars'}
    ${9_000_000_000} | ${9n * 10n ** 18n} | ${'within them'}
    ${1e308}         | ${undefined}       | ${'far beyond'}
    ${'5'}           | ${undefined}       | ${'a text is no number'}
    ${null}          | ${undefined}       | ${'null is no amount'}
  `('$usd is $nano, because $because', ({ usd, nano }) => {
    expect(nanoUsdFromUsd(usd)).toBe(nano);
  });

  it('is undone by usdFromNanoUsd for every amount a client can send', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 15 }), (nano) => {
        expect(nanoUsdFromUsd(usdFromNanoUsd(nanoUsd(BigInt(nano))))).toBe(BigInt(nano));
      }),
    );
  });
});

describe('usdText', () => {
  it('is a plain decimal that has every digit, of amounts of any size', () => {
    const sizes = [10n ** 6n, 10n ** 15n, 2n ** 53n, 2n ** 63n - 1n].map((max) =>
      fc.bigInt({ min: -max, max }),
    );
    fc.assert(
      fc.property(fc.oneof(...sizes), (amount) => {
        const text = usdText(nanoUsd(amount));
        expect(text).toMatch(/^-?\d+(?:\.\d*[1-9])?$/);
        expect(decimalUnits(text, 9)).toBe(amount);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [0n, '0'],
    [1n, '0.000000001'],
    [250_000_000n, '0.25'],
    [12_000_000_000n, '12'],
    [-1_500_000_000n, '-1.5'],
  ])('%s is %s', (nano, text) => expect(usdText(nanoUsd(nano))).toBe(text));
});

const price = (input: number, output: number, finer: Partial<Record<keyof Price, number>> = {}): Price => ({
  input: unitPrice(input)!,
  output: unitPrice(output)!,
  ...Object.fromEntries(Object.entries(finer).map(([name, usd]) => [name, unitPrice(usd)!])),
});

describe('costNanoUsd', () => {
  it.each<[string, Usage, Price, bigint]>([
    ['plain tokens', { inputTokens: 1000, outputTokens: 100 }, price(1.5e-7, 6e-7), 210_000n],
    ['half a nano-dollar rounds up', { inputTokens: 1, outputTokens: 0 }, price(5e-10, 0), 1n],
    ['less rounds down', { inputTokens: 1, outputTokens: 0 }, price(4.9e-10, 0), 0n],
    ['it rounds once, not per token', { inputTokens: 10, outputTokens: 10 }, price(4e-10, 4e-10), 8n],
    [
      'cached tokens at their price',
      { inputTokens: 100, outputTokens: 0, cachedInputTokens: 60 },
      price(1e-6, 0, { cachedInput: 1e-7 }),
      46_000n,
    ],
    [
      'cached tokens at the plain price without one',
      { inputTokens: 100, outputTokens: 0, cachedInputTokens: 60 },
      price(1e-6, 0),
      100_000n,
    ],
    [
      'reasoning tokens',
      { inputTokens: 0, outputTokens: 10, reasoningTokens: 4 },
      price(0, 1e-6, { reasoning: 2e-6 }),
      14_000n,
    ],
    ['a fee per call', { inputTokens: 0, outputTokens: 0 }, price(0, 0, { request: 0.01 }), 10_000_000n],
  ])('%s', (_, usage, at, cost) => expect(costNanoUsd(usage, at)).toBe(cost));

  it('uses the tier a long prompt falls into, for all of it', () => {
    const tiered = { ...price(1e-6, 2e-6), tiers: [{ ...price(3e-6, 4e-6), aboveInputTokens: 200 }] };
    expect(costNanoUsd({ inputTokens: 200, outputTokens: 1 }, tiered)).toBe(202_000n);
    expect(costNanoUsd({ inputTokens: 201, outputTokens: 1 }, tiered)).toBe(607_000n);
  });

  it('is the exact rational, rounded half up', () => {
    const tokens = fc.integer({ min: 0, max: 10_000_000 });
    const perThousandth = fc.integer({ min: 0, max: 100_000_000 });
    fc.assert(
      fc.property(tokens, tokens, perThousandth, perThousandth, (inputTokens, outputTokens, i, o) => {
        // Prices are in thousandths of a nano-dollar, so the exact sum is an integer.
        const exact = BigInt(inputTokens) * BigInt(i) + BigInt(outputTokens) * BigInt(o);
        const at = price(Number(`${i}e-12`), Number(`${o}e-12`));
        expect(costNanoUsd({ inputTokens, outputTokens }, at)).toBe((exact + 500n) / 1000n);
      }),
    );
  });
});

describe('boundNanoUsd', () => {
  const tokens = fc.integer({ min: 0, max: 1_000_000 });
  const usd = fc.integer({ min: 0, max: 10 ** 6 }).map((n) => Number(`${n}e-12`));

  it('is never below any cost of the same tokens at any of the prices', () => {
    fc.assert(
      fc.property(
        tokens,
        tokens,
        usd,
        usd,
        usd,
        usd,
        usd,
        (inputTokens, outputTokens, i, o, cached, thought, tier) => {
          const prices = [
            price(i, o, { cachedInput: cached, reasoning: thought }),
            { ...price(o, i), tiers: [{ ...price(tier, tier), aboveInputTokens: 10 }] },
          ];
          const bound = boundNanoUsd({ inputTokens, outputTokens }, ceilingOf(prices));
          const usage = {
            inputTokens,
            outputTokens,
            cachedInputTokens: inputTokens >> 1,
            reasoningTokens: outputTokens >> 1,
          };
          for (const at of prices) expect(bound >= costNanoUsd(usage, at)).toBe(true);
        },
      ),
    );
  });

  it('knows what is free', () => {
    expect(isFree(ceilingOf([price(0, 0)]))).toBe(true);
    expect(isFree(ceilingOf([price(0, 0), price(0, 1e-12)]))).toBe(false);
    expect(isFree(ceilingOf([price(0, 0, { request: 1e-6 })]))).toBe(false);
  });
});
