import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nanoUsd } from './money.js';
import { type CacheWrites, ceilingOf, reachablePrice } from './ceiling.js';
import {
  boundNanoUsd,
  costNanoUsd,
  costParts,
  isFree,
  MAX_CALL_NANO_USD,
  outputTokensWithin,
  type Price,
  type PriceLevel,
  SERVICE_TIERS,
  type TieredPrice,
  type UnitPrice,
  unitPrice,
  UNITS,
  type Usage,
  type UsageBound,
} from './price.js';

// The oracle: fractions of whole numbers, without the code under test. A price is `mantissa * 10^-exponent` USD.
interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}
const plus = (a: Fraction, b: Fraction): Fraction => ({
  over: a.over * b.under + b.over * a.under,
  under: a.under * b.under,
});
const times = ({ over, under }: Fraction, n: number): Fraction => ({ over: over * BigInt(n), under });
const sum = (all: Fraction[]) => all.reduce(plus, { over: 0n, under: 1n });
const less = (a: Fraction, b: Fraction) => a.over * b.under < b.over * a.under;
const dearest = (all: Fraction[]) =>
  all.reduce((most, one) => (less(most, one) ? one : most), { over: 0n, under: 1n });
const floor = ({ over, under }: Fraction) => over / under;
const ceil = ({ over, under }: Fraction) => (over + under - 1n) / under;
const nano = (usd: Fraction) => ({ over: usd.over * 1_000_000_000n, under: usd.under });
const halfUp = (usd: Fraction) => floor(plus(nano(usd), { over: 1n, under: 2n }));
const capped = (amount: bigint) => (amount > 9_000_000_000_000_000n ? 9_000_000_000_000_000n : amount);

interface Configured {
  readonly mantissa: number;
  readonly exponent: number;
}
const exactly = ({ mantissa, exponent }: Configured): Fraction => ({
  over: BigInt(mantissa),
  under: 10n ** BigInt(exponent),
});
const asConfigured = ({ mantissa, exponent }: Configured) => unitPrice(Number(`${mantissa}e-${exponent}`))!;

const INPUT_PARTS = {
  cachedInputTokens: ['cachedInput'],
  cacheWriteTokens: ['cacheWrite'],
  cacheWrite1hTokens: ['cacheWrite1h', 'cacheWrite'],
  inputAudioTokens: ['inputAudio'],
  inputImageTokens: ['inputImageToken'],
  inputVideoTokens: ['inputVideo'],
  cachedInputAudioTokens: ['cachedInputAudio', 'cachedInput'],
  cachedInputImageTokens: ['cachedInputImageToken', 'cachedInput'],
} as const;
const OUTPUT_PARTS = {
  reasoningTokens: ['reasoning'],
  outputAudioTokens: ['outputAudio'],
  outputImageTokens: ['outputImageToken'],
} as const;
const INPUT_FIELDS = ['input', ...new Set(Object.values(INPUT_PARTS).flat())] as const;
const OUTPUT_FIELDS = ['output', ...Object.values(OUTPUT_PARTS).flat()] as const;
const FIELDS = [...INPUT_FIELDS, ...OUTPUT_FIELDS, 'request', ...UNITS] as const;

type ConfiguredLevel = Partial<Record<(typeof FIELDS)[number], Configured>> & { readonly above?: number };
interface ConfiguredPrice {
  readonly levels: readonly ConfiguredLevel[];
  readonly services: Partial<Record<(typeof SERVICE_TIERS)[number], readonly ConfiguredLevel[]>>;
}

const configured = fc.record({
  mantissa: fc.integer({ min: 0, max: 10 ** 7 }),
  exponent: fc.integer({ min: 6, max: 22 }),
});
const configuredLevel: fc.Arbitrary<ConfiguredLevel> = fc.record(
  Object.fromEntries(FIELDS.map((field) => [field, configured])) as Record<
    (typeof FIELDS)[number],
    typeof configured
  >,
  { requiredKeys: ['input', 'output'] },
);
const LONG = 1_000;
const levels = fc
  .tuple(configuredLevel, fc.uniqueArray(fc.integer({ min: 0, max: LONG }), { maxLength: 2 }), configuredLevel, configuredLevel)
  .map(([plain, above, a, b]) => [plain, ...above.toSorted((x, y) => x - y).map((tokens, i) => ({ ...[a, b][i]!, above: tokens }))]); // prettier-ignore
const configuredPrice: fc.Arbitrary<ConfiguredPrice> = fc.record({
  levels,
  services: fc.record({ flex: levels, priority: levels }, { requiredKeys: [] }),
});

const levelOf = (level: ConfiguredLevel) =>
  Object.fromEntries(
    FIELDS.flatMap((field) => (level[field] ? [[field, asConfigured(level[field])]] : [])),
  ) as unknown as PriceLevel;
const tieredOf = ([plain, ...longer]: readonly ConfiguredLevel[]): TieredPrice => ({
  ...levelOf(plain!),
  tiers: longer.map((level) => ({ ...levelOf(level), aboveInputTokens: level.above! })),
});
const priceOf = ({ levels: plain, services }: ConfiguredPrice): Price => ({
  ...tieredOf(plain),
  serviceTiers: Object.fromEntries(Object.entries(services).map(([tier, of]) => [tier, tieredOf(of)])),
});

const amount = (max: number) => fc.integer({ min: 0, max });
const aBound: fc.Arbitrary<UsageBound> = fc.record(
  {
    inputTokens: amount(2 * LONG),
    outputTokens: amount(2 * LONG),
    ...(Object.fromEntries(UNITS.map((unit) => [unit, amount(100_000)])) as Record<(typeof UNITS)[number], fc.Arbitrary<number>>),
  },
  { requiredKeys: ['inputTokens', 'outputTokens'] },
); // prettier-ignore
const share = fc.integer({ min: 0, max: 100 });
/** Returns any usage within a bound. Its parts may overlap, as those of some upstreams do. */
const usageWithin = (bound: UsageBound): fc.Arbitrary<Usage> =>
  fc
    .tuple(fc.array(share, { minLength: 40, maxLength: 40 }), fc.option(fc.constantFrom(...SERVICE_TIERS), { nil: undefined }))
    .map(([shares, serviceTier]) => {
      let next = 0;
      const some = (most: number) => Math.floor((most * shares[next++]!) / 100);
      const inputTokens = some(bound.inputTokens);
      const outputTokens = some(bound.outputTokens);
      return {
        inputTokens,
        outputTokens,
        ...Object.fromEntries(Object.keys(INPUT_PARTS).map((part) => [part, some(inputTokens)])),
        ...Object.fromEntries(Object.keys(OUTPUT_PARTS).map((part) => [part, some(outputTokens)])),
        ...Object.fromEntries(UNITS.map((unit) => [unit, some(bound[unit] ?? 0)])),
        ...(serviceTier && { serviceTier }),
      };
    }); // prettier-ignore

function exactCost(usage: Usage, price: ConfiguredPrice): Fraction {
  const candidates = (usage.serviceTier && price.services[usage.serviceTier]) ?? price.levels;
  const met = candidates.filter(({ above = -1 }) => usage.inputTokens > above);
  const level = met.reduce(
    (longest, one) => ((one.above ?? -1) > (longest.above ?? -1) ? one : longest),
    candidates[0]!,
  );
  const tokens = (
    plain: 'input' | 'output',
    total: number,
    parts: Readonly<Record<string, readonly (keyof ConfiguredLevel)[]>>,
  ) => {
    let from = 0;
    const terms = Object.entries(parts).map(([part, fields]) => {
      const upTo = from + ((usage[part as keyof Usage] as number | undefined) ?? 0);
      const within = Math.min(upTo, total) - Math.min(from, total);
      from = upTo;
      const field = fields.find((one) => level[one] !== undefined) ?? plain;
      return times(exactly(level[field] as Configured), within);
    });
    return sum([...terms, times(exactly(level[plain]!), total - Math.min(from, total))]);
  };
  return sum([
    tokens('input', usage.inputTokens, INPUT_PARTS),
    tokens('output', usage.outputTokens, OUTPUT_PARTS),
    ...UNITS.flatMap((unit) => (level[unit] ? [times(exactly(level[unit]), usage[unit] ?? 0)] : [])),
    ...(level.request ? [exactly(level.request)] : []),
  ]);
}

describe('against exact fractions', () => {
  const within = aBound.chain((bound) => fc.record({ bound: fc.constant(bound), usage: usageWithin(bound) }));
  const prices = fc.array(configuredPrice, { minLength: 1, maxLength: 3 });

  it('a cost is the exact sum, rounded half up once', () => {
    fc.assert(
      fc.property(configuredPrice, within, (price, { usage }) => {
        expect(costNanoUsd(usage, priceOf(price))).toBe(capped(halfUp(exactCost(usage, price))));
      }),
      { numRuns: 1_000 },
    );
  });

  it('its parts are the whole, and none is negative', () => {
    fc.assert(
      fc.property(configuredPrice, within, (price, { usage }) => {
        const cost = costNanoUsd(usage, priceOf(price));
        const { input, output, cacheRead, cacheWrite, reasoning, tools } = costParts(
          cost,
          usage,
          priceOf(price),
        );
        expect(input + output + cacheRead + cacheWrite + tools).toBe(cost);
        const parts = [input, output, cacheRead, cacheWrite, reasoning, tools, nanoUsd(output - reasoning)];
        expect(parts.every((part) => part >= 0n)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('a bound is every unit at its dearest, rounded up', () => {
    fc.assert(
      fc.property(prices, aBound, (all, bound) => {
        const every = all.flatMap(({ levels: plain, services }) =>
          [plain, ...Object.values(services)].flat(),
        );
        const most = (fields: readonly (typeof FIELDS)[number][]) =>
          dearest(
            every.flatMap((level) =>
              fields.flatMap((field) => (level[field] ? [exactly(level[field])] : [])),
            ),
          );
        const exact = sum([
          times(most(INPUT_FIELDS), bound.inputTokens),
          times(most(OUTPUT_FIELDS), bound.outputTokens),
          most(['request']),
          ...UNITS.map((unit) => times(most([unit]), bound[unit] ?? 0)),
        ]);
        expect(boundNanoUsd(bound, ceilingOf(all.map(priceOf)))).toBe(capped(ceil(nano(exact))));
      }),
      { numRuns: 1_000 },
    );
  });

  it('no cost within a bound is above it, whichever deployment and service answered', () => {
    fc.assert(
      fc.property(prices, within, (all, { bound, usage }) => {
        const most = boundNanoUsd(bound, ceilingOf(all.map(priceOf)));
        for (const price of all) expect(costNanoUsd(usage, priceOf(price)) <= most).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('no cost is above the bound of the prices that the call can reach', () => {
    const serviceTier = fc.constantFrom(undefined, 'auto', 'default', 'standard_only', 'flex', 'priority', 'toString');
    const cacheWrites = fc.constantFrom<(CacheWrites | undefined)[]>(undefined, 'none', 'ordinary', 'hour');
    fc.assert(
      fc.property(prices, within, serviceTier, cacheWrites, fc.boolean(), (all, { bound, usage }, asked, writes, onMark) => {
        const ceiling = ceilingOf(all.map(priceOf));
        const reach = { ...(asked && { serviceTier: asked }), ...(writes && { cacheWrites: writes }) };
        const most = boundNanoUsd(bound, reachablePrice(ceiling, reach, bound.inputTokens, onMark));
        const { serviceTier: answering, ...used } = usage;
        const mayAnswer = answering && (answering === asked || !['default', 'standard_only', 'flex'].includes(asked ?? ''));
        const reachable: Usage = {
          ...used,
          ...(mayAnswer && { serviceTier: answering }),
          ...(writes && writes !== 'hour' && { cacheWrite1hTokens: 0 }),
          ...(writes === 'none' && onMark && { cacheWriteTokens: 0 }),
        };
        for (const price of all) expect(costNanoUsd(reachable, priceOf(price)) <= most).toBe(true);
        expect(most <= boundNanoUsd(bound, ceiling)).toBe(true);
        // The same object is returned again: a warm call computes nothing.
        expect(reachablePrice(ceiling, reach, bound.inputTokens, onMark)).toBe(reachablePrice(ceiling, reach, bound.inputTokens, onMark));
      }),
      { numRuns: 1_000 },
    );
  }); // prettier-ignore

  it('the output tokens within an amount are the most that fit', () => {
    const amounts = fc.bigInt({ min: 0n, max: MAX_CALL_NANO_USD - 1n });
    const smallAmounts = fc.bigInt({ min: 0n, max: 10n ** 10n });
    fc.assert(
      fc.property(prices, aBound, fc.oneof(amounts, smallAmounts), (all, bound, some) => {
        const ceiling = ceilingOf(all.map(priceOf));
        const fits = (outputTokens: number) => boundNanoUsd({ ...bound, outputTokens }, ceiling) <= some;
        const tokens = outputTokensWithin(nanoUsd(some), bound, ceiling);
        expect(fits(tokens) || tokens === 0).toBe(true);
        if (tokens < Number.MAX_SAFE_INTEGER) expect(fits(tokens + 1)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });
});

const usd = (amountUsd: number, powerOf10 = 0) => unitPrice(amountUsd, powerOf10)!;
const FREE = 0n as UnitPrice;
const free = { input: FREE, output: FREE };
const nothing = { inputTokens: 0, outputTokens: 0 };

it('the parts of a cost are those of its tokens, units and fees', () => {
  const price = {
    input: usd(1e-6),
    output: usd(1e-5),
    cachedInput: usd(1e-7),
    cacheWrite: usd(2e-6),
    cacheWrite1h: usd(3e-6),
    inputAudio: usd(5e-6),
    reasoning: usd(2e-5),
    outputImages: usd(1e-3),
    webSearches: usd(1e-2),
    request: usd(1e-4),
  };
  const usage = {
    inputTokens: 100,
    cachedInputTokens: 40,
    cacheWriteTokens: 20,
    cacheWrite1hTokens: 10,
    inputAudioTokens: 10,
    outputTokens: 10,
    reasoningTokens: 4,
    outputImages: 1,
    webSearches: 2,
  };
  expect(costParts(costNanoUsd(usage, price), usage, price)).toEqual({
    input: 170_000n,
    output: 1_140_000n,
    cacheRead: 4_000n,
    cacheWrite: 70_000n,
    reasoning: 80_000n,
    tools: 20_000_000n,
  });
});

describe('a cost in other units than tokens', () => {
  it.each<[string, Usage, Partial<Price>, bigint]>([
    ['images to look at', { ...nothing, inputImages: 3 }, { inputImages: usd(0.0025) }, 7_500_000n],
    ['images made', { ...nothing, outputImages: 2 }, { outputImages: usd(0.04) }, 80_000_000n],
    ['time heard', { ...nothing, inputMs: 12_340 }, { inputMs: usd(0.0001, 3) }, 1_234_000n],
    ['time spoken', { ...nothing, outputMs: 1 }, { outputMs: usd(0.000_000_5, 3) }, 1n],
    ['characters read out', { ...nothing, inputCharacters: 1_000 }, { inputCharacters: usd(0.000_015) }, 15_000_000n],
    ['characters written', { ...nothing, outputCharacters: 7 }, { outputCharacters: usd(1e-10) }, 1n],
    ['a fee beside them', { ...nothing, outputImages: 1 }, { outputImages: usd(0.04), request: usd(0.01) }, 50_000_000n],
    ['a unit without a price', { ...nothing, inputImages: 3 }, {}, 0n],
    ['a cache kept for an hour', { inputTokens: 10, outputTokens: 0, cacheWrite1hTokens: 10 }, { cacheWrite: usd(1e-6), cacheWrite1h: usd(2e-6) }, 20_000n],
    ['… at the price of a shorter one without its own', { inputTokens: 10, outputTokens: 0, cacheWrite1hTokens: 10 }, { cacheWrite: usd(1e-6) }, 10_000n],
    ['tokens of pictures drawn', { inputTokens: 0, outputTokens: 10, outputImageTokens: 4 }, { output: usd(1e-6), outputImageToken: usd(3e-5) }, 126_000n],
    ['parts that overlap, as far as the whole goes', { inputTokens: 10, outputTokens: 0, cachedInputTokens: 8, inputAudioTokens: 8 }, { cachedInput: usd(1e-6), inputAudio: usd(1e-5) }, 28_000n],
  ])('%s', (_, usage, price, cost) => expect(costNanoUsd(usage, { ...free, ...price })).toBe(cost)); // prettier-ignore

  it('is the price of the service that answered, if that has one', () => {
    const price = {
      input: usd(2e-6),
      output: FREE,
      serviceTiers: { flex: { input: usd(1e-6), output: FREE } },
    };
    const cost = (serviceTier?: 'flex' | 'priority') =>
      costNanoUsd({ inputTokens: 10, outputTokens: 0, ...(serviceTier && { serviceTier }) }, price);
    expect([cost(), cost('flex'), cost('priority')]).toEqual([20_000n, 10_000n, 20_000n]);
  });

  it('is multiplied for tokens in circumstances that cost more, and not for anything else', () => {
    const price = {
      ...free,
      input: usd(1e-6),
      request: usd(1e-6),
      multipliers: { us: 1_100, fast: 2_000 },
    };
    const cost = (...multipliers: string[]) =>
      costNanoUsd({ inputTokens: 10, outputTokens: 0, multipliers }, price);
    expect([cost(), cost('us'), cost('us', 'fast'), cost('constructor')]).toEqual([
      11_000n,
      12_000n,
      23_000n,
      11_000n,
    ]);
  });

  it.each(UNITS)('makes a model that has a price for %s not free', (unit) => {
    expect(isFree(ceilingOf([free, { ...free, [unit]: usd(1e-9) }]))).toBe(false);
  });

  it('stops at what one call can cost, in every unit', () => {
    const dear = usd(1_000_000);
    const most = 1_000_000_000;
    for (const unit of UNITS) {
      const price = { ...free, [unit]: dear };
      const usage = { ...nothing, [unit]: most };
      expect(costNanoUsd(usage, price)).toBe(MAX_CALL_NANO_USD);
      expect(boundNanoUsd(usage, ceilingOf([price]))).toBe(MAX_CALL_NANO_USD);
    }
    const everything = Object.fromEntries(FIELDS.map((field) => [field, dear])) as unknown as Price;
    const all = {
      inputTokens: most,
      outputTokens: most,
      ...Object.fromEntries(UNITS.map((unit) => [unit, most])),
    };
    expect(costNanoUsd(all, everything)).toBe(MAX_CALL_NANO_USD);
    expect(boundNanoUsd(all, ceilingOf([everything]))).toBe(MAX_CALL_NANO_USD);
    expect(outputTokensWithin(MAX_CALL_NANO_USD, all, ceilingOf([everything]))).toBe(0);
    expect(outputTokensWithin(MAX_CALL_NANO_USD, nothing, { ...free, output: 1n as UnitPrice })).toBe(
      Number.MAX_SAFE_INTEGER,
    );
  });
});

describe('a ceiling', () => {
  it('has a service’s price only if every deployment has one', () => {
    const served = { ...free, serviceTiers: { priority: free } };
    expect(ceilingOf([served, served]).serviceTiers).toEqual(['priority']);
    expect(ceilingOf([served, free]).serviceTiers).toEqual([]);
    expect(ceilingOf([]).serviceTiers).toEqual([]);
  });
});
