import type { CallSize } from './bound.js';
import {
  type Price,
  type PriceLevel,
  SERVICE_TIERS,
  type ServiceTier,
  type TieredPrice,
  type UnitPrice,
  type Unit,
  UNITS,
} from './price.js';

/** The highest prices of a model's deployments. `input` and `output` contain their finer prices. Valid for bounds only. */
export interface Ceiling extends PriceLevel {
  /** Service tiers that all deployments have a price for. */
  readonly serviceTiers: readonly ServiceTier[];
  /** Units that a deployment has no price for: text, or nothing, would be billed for them. */
  readonly lacks: Readonly<Record<'inputAudio' | 'outputAudio' | 'webSearches', boolean>>;
  readonly prices: readonly Price[];
  /** All lengths of a prompt above which a price changes, lowest first. */
  readonly borders: readonly number[];
  /** The highest prices that calls reached so far, by what they can reach. */
  readonly reached: Map<number, PriceLevel>;
}

/** The parts of a call's size that decide which prices it can reach. */
type Reach = Pick<CallSize, 'serviceTier' | 'cacheWrites'>;

const ZERO = 0n as UnitPrice;

/** Returns the highest prices of any call that one of these prices may bill. */
export function ceilingOf(prices: readonly Price[]): Ceiling {
  const borders = prices.flatMap((price) =>
    tieredPrices(price, SERVICE_TIERS).flatMap(({ tiers = [] }) =>
      tiers.map(({ aboveInputTokens }) => aboveInputTokens),
    ),
  );
  return {
    ...dearestOf(prices, SERVICE_TIERS, Infinity, CACHE_WRITES.length - 1),
    serviceTiers: SERVICE_TIERS.filter(
      (tier) => prices.length && prices.every(({ serviceTiers }) => serviceTiers?.[tier]),
    ),
    lacks: {
      inputAudio: prices.some(({ inputAudio }) => inputAudio === undefined),
      outputAudio: prices.some(({ outputAudio }) => outputAudio === undefined),
      webSearches: prices.some(({ webSearches }) => webSearches === undefined),
    },
    prices,
    borders: [...new Set(borders)].sort((a, b) => a - b),
    reached: new Map(),
  };
}

/** The prices of the cache that a call may reach, each with those before it. */
const CACHE_WRITES = ['none', 'ordinary', 'hour'] as const;
export type CacheWrites = (typeof CACHE_WRITES)[number];
const CACHE_PRICES = [[], ['cacheWrite'], ['cacheWrite', 'cacheWrite1h']] as const;

/** Service tiers that a call may be given, by the one it asks for. Any other may be given every tier. */
const REACHED_TIERS: Readonly<Record<string, readonly ServiceTier[]>> = {
  default: [],
  standard_only: [],
  flex: ['flex'],
};

/**
 * Returns the highest prices that a call with a prompt of at most `inputTokens` can reach. `cachesOnMark`: the provider
 * writes only what a body marks to its cache.
 */
export function reachablePrice(
  ceiling: Ceiling,
  { serviceTier, cacheWrites = 'hour' }: Reach,
  inputTokens: number,
  cachesOnMark = false,
): PriceLevel {
  const { borders, reached } = ceiling;
  let crossed = 0;
  while (crossed < borders.length && inputTokens > borders[crossed]!) crossed++;
  const writes = Math.max(CACHE_WRITES.indexOf(cacheWrites), cachesOnMark ? 0 : 1);
  const isLimited = serviceTier !== undefined && Object.hasOwn(REACHED_TIERS, serviceTier);
  const tierKey = isLimited ? (serviceTier === 'flex' ? 1 : 0) : 2;
  const key = (crossed * 3 + writes) * 3 + tierKey;
  let price = reached.get(key);
  if (!price) {
    const most = crossed < borders.length ? borders[crossed]! : Infinity;
    const tiers = isLimited ? REACHED_TIERS[serviceTier]! : SERVICE_TIERS;
    reached.set(key, (price = dearestOf(ceiling.prices, tiers, most, writes)));
  }
  return price;
}

/** Prices of tokens of a prompt, beside those of writes to the cache. */
const INPUT_PRICES = [
  'input',
  'cachedInput',
  'inputAudio',
  'inputImageToken',
  'inputVideo',
  'cachedInputAudio',
  'cachedInputImageToken',
] as const satisfies readonly (keyof PriceLevel)[];
const OUTPUT_PRICES = ['output', 'reasoning', 'outputAudio', 'outputImageToken'] as const;
const THOUSANDTHS = 1_000n;

/** Returns the highest of each price, for prompts of at most `inputTokens`. */
function dearestOf(
  prices: readonly Price[],
  serviceTiers: readonly ServiceTier[],
  inputTokens: number,
  cacheWrites: number,
): PriceLevel {
  const levels = prices.flatMap((price) => {
    const factor = unaskedFactor(price);
    return tieredPrices(price, serviceTiers)
      .flatMap((tiered) => [
        tiered,
        ...(tiered.tiers ?? []).filter(({ aboveInputTokens }) => aboveInputTokens < inputTokens),
      ])
      .map((level) => ({ level, factor }));
  });
  const dearest = (field: keyof PriceLevel) =>
    levels.reduce((most, { level }) => larger(most, level[field] ?? ZERO), ZERO);
  const dearestTokens = (...fields: (keyof PriceLevel)[]) =>
    levels.reduce((most, { level, factor }) => {
      const own = fields.reduce((highest, field) => larger(highest, level[field] ?? ZERO), ZERO);
      return larger(most, ((own * factor + THOUSANDTHS - 1n) / THOUSANDTHS) as UnitPrice);
    }, ZERO);
  return {
    input: dearestTokens(...INPUT_PRICES, ...CACHE_PRICES[cacheWrites]!),
    output: dearestTokens(...OUTPUT_PRICES),
    request: dearest('request'),
    ...(Object.fromEntries(UNITS.map((unit) => [unit, dearest(unit)])) as Record<Unit, UnitPrice>),
  };
}

const larger = (one: UnitPrice, other: UnitPrice) => (other > one ? other : one);

/**
 * Returns the factor of the price of tokens, in thousandths, that a call may get without asking for it: the account may keep
 * all calls in the US. Others are asked for, and refused under a budget.
 */
const unaskedFactor = ({ multipliers }: Price): bigint => BigInt(Math.max(multipliers?.us ?? 0, 1_000));

/** Returns the price of a model, that of its off-peak hours, and those of its service tiers. */
const tieredPrices = (price: Price, serviceTiers: readonly ServiceTier[]): TieredPrice[] => [
  price,
  ...(price.offPeak ? [price.offPeak.price] : []),
  ...serviceTiers.flatMap((tier) => price.serviceTiers?.[tier] ?? []),
];
