import { priceField, priceIn } from '../config/price-fields.js';
import type { OffPeakWindow } from '../policy/off-peak.js';
import {
  type OffPeakPrice,
  type Price,
  type PriceLevel,
  SERVICE_TIERS,
  type ServiceTier,
  type TieredPrice,
  type UnitPrice,
  UNITS,
} from '../policy/price.js';
import type { TableRow } from './table-row.js';

const ZERO = 0n as UnitPrice;
/** Fields that make a price. All others only refine one. */
const PRICE_FIELDS = [
  'input',
  'output',
  'request',
  ...UNITS.filter((unit) => !/^(?:webSearches|citationTokens|codeInterpreter|fileSearches)/.test(unit)),
] as const;

/** Facts beside the row on which a price depends. */
export interface PriceContext {
  /** The provider bills the higher tier from its threshold on, not above it. */
  readonly tiersBeginAtThreshold?: boolean;
}

/**
 * Returns the price that members of LiteLLM's format mean. Undefined if they have no price of a prompt, an answer, a call or
 * another unit.
 */
export function priceOfMembers(members: TableRow, context: PriceContext = {}): Price | undefined {
  const figures = figuresIn(members);
  const tiers = tieredPricing(members.tiered_pricing);
  const base = levelOf(figures);
  if (!tiers.length && !PRICE_FIELDS.some((field) => base[field] !== undefined)) return undefined;
  const searches = searchPrices(members.search_context_cost_per_query);
  const plain = { input: ZERO, output: ZERO, ...base, ...tiers[0]?.level, ...searches };
  const border = context.tiersBeginAtThreshold ? 1 : 0;
  const thresholds = [...new Set(figures.flatMap(({ aboveInputTokens = [] }) => aboveInputTokens))].toSorted(
    (a, b) => a - b,
  );
  const tiered = (tier?: ServiceTier): TieredPrice => {
    // A level inherits missing prices from the level below, and a service tier from the plain price.
    const own = levelOf(figures, tier);
    let below: PriceLevel = { ...plain, ...(tier && own) };
    const first = below;
    const higher = [
      ...tiers.slice(1).map(({ above, level }) => ({ above, levels: [level] })),
      ...thresholds.map((above) => ({
        above: above - border,
        levels: [levelOf(figures, undefined, above), ...(tier ? [levelOf(figures, tier, above)] : [])],
      })),
    ]
      .toSorted((a, b) => a.above - b.above)
      .map(({ above, levels }) => {
        below = Object.assign({}, below, ...levels) as PriceLevel;
        return { ...below, aboveInputTokens: above };
      });
    return { ...first, ...(higher.length && { tiers: higher }) };
  };
  const services = SERVICE_TIERS.filter((tier) => figures.some(({ serviceTier }) => serviceTier === tier));
  const offPeak = offPeakPrice(members.off_peak_pricing, plain);
  const multipliers = multipliersIn(members.provider_specific_entry);
  return {
    ...tiered(),
    ...(services.length && {
      serviceTiers: Object.fromEntries(services.map((tier) => [tier, tiered(tier)])),
    }),
    ...(offPeak && { offPeak }),
    ...(multipliers && { multipliers }),
  };
}

interface Figure {
  readonly field: keyof PriceLevel;
  readonly price: UnitPrice;
  readonly aboveInputTokens?: number;
  readonly serviceTier?: ServiceTier;
}

function figuresIn(members: TableRow): readonly Figure[] {
  return Object.entries(members).flatMap(([name, value]) => {
    const usd = amount(value);
    const place = usd === undefined ? undefined : priceField(name);
    const price = place && priceIn(place.field, usd!);
    return price === undefined ? [] : [{ ...place!, price }];
  });
}

const levelOf = (figures: readonly Figure[], tier?: ServiceTier, above?: number): Partial<PriceLevel> =>
  Object.fromEntries(
    figures
      .filter(({ serviceTier, aboveInputTokens }) => serviceTier === tier && aboveInputTokens === above)
      .map(({ field, price }) => [field, price]),
  );

/** Returns LiteLLM's tiers by ranges of the prompt, shortest first. A range holds its end, not its beginning. */
function tieredPricing(value: unknown): { readonly above: number; readonly level: Partial<PriceLevel> }[] {
  if (!Array.isArray(value)) return [];
  return value
    .flatMap((tier: unknown) => {
      const { range } = (tier ?? {}) as { range?: unknown };
      const above = Array.isArray(range) ? amount(range[0]) : undefined;
      return above === undefined ? [] : [{ above, level: levelOf(figuresIn(tier as TableRow)) }];
    })
    .toSorted((a, b) => a.above - b.above);
}

const SEARCH_SIZES = {
  webSearchesLow: 'search_context_size_low',
  webSearchesMedium: 'search_context_size_medium',
  webSearches: 'search_context_size_high',
} as const;

/** Returns the prices of a web search by context size. A size without a price has the dearest of all. */
function searchPrices(value: unknown): Partial<PriceLevel> {
  if (value === null || typeof value !== 'object') return {};
  const bySize = value as Readonly<Record<string, unknown>>;
  const priceOf = (size: string) => {
    const usd = amount(bySize[size]);
    return usd === undefined ? undefined : priceIn('webSearches', usd);
  };
  const prices = Object.keys(bySize).flatMap((size) => priceOf(size) ?? []);
  if (!prices.length) return {};
  const dearest = prices.reduce((most, price) => (price > most ? price : most));
  return {
    webSearchesLow: priceOf(SEARCH_SIZES.webSearchesLow) ?? dearest,
    webSearchesMedium: priceOf(SEARCH_SIZES.webSearchesMedium) ?? dearest,
    webSearches: dearest,
  };
}

const WINDOW = /^\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$/;
const HOUR_MINUTES = 60;
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Returns the price of off-peak hours. Prices it does not name are the usual ones. */
function offPeakPrice(value: unknown, usual: PriceLevel): OffPeakPrice | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const { hours_utc, windows, weekday_timezone } = value as Readonly<Record<string, unknown>>;
  const rules = [{ hours_utc }, ...(Array.isArray(windows) ? (windows as TableRow[]) : [])] as TableRow[];
  const found = rules.flatMap((rule): OffPeakWindow[] => {
    const hours = rule.hours_utc;
    const days = weekdaysIn(rule.weekdays);
    return (Array.isArray(hours) ? hours : [hours]).flatMap((text): OffPeakWindow[] => {
      const [, fromHour, from, toHour, to] = WINDOW.exec(String(text)) ?? [];
      if (fromHour === undefined) return [];
      return [
        {
          fromMinute: Number(fromHour) * HOUR_MINUTES + Number(from),
          toMinute: Number(toHour) * HOUR_MINUTES + Number(to),
          ...(days && { weekdays: days, dayOffsetMinutes: offsetMinutes(weekday_timezone) }),
        },
      ];
    });
  });
  const prices = levelOf(figuresIn(value as TableRow));
  return found.length && Object.keys(prices).length
    ? { hours: { windows: found }, price: { ...usual, ...prices } }
    : undefined;
}

function weekdaysIn(value: unknown): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.map((day: unknown) =>
    typeof day === 'number' ? day : WEEKDAYS.indexOf(String(day).trim().toLowerCase().slice(0, 3)) + 1,
  );
}

const MINUTE_MS = 60_000;

/** Returns by how many minutes a time zone is before UTC today; 0 if there is no such zone. */
function offsetMinutes(timeZone: unknown): number {
  if (typeof timeZone !== 'string' || !timeZone) return 0;
  try {
    const now = new Date();
    const there = new Date(now.toLocaleString('en-US', { timeZone }));
    const here = new Date(now.toLocaleString('en-US', { timeZone: 'UTC' }));
    return Math.round((there.getTime() - here.getTime()) / MINUTE_MS);
  } catch {
    return 0;
  }
}

const THOUSANDTHS = 1_000;

/** Returns what tokens cost in other circumstances: `us` is Anthropic's residency, `fast` its fast mode. */
function multipliersIn(value: unknown): Readonly<Record<string, number>> | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const found = Object.entries(value).flatMap(([name, factor]) =>
    amount(factor) ? [[name, Math.round(Number(factor) * THOUSANDTHS)] as const] : [],
  );
  return found.length ? Object.fromEntries(found) : undefined;
}

const amount = (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/** Tells whether a member of LiteLLM's format is a figure of a price, or a structure of such figures. */
export const isPriceMember = (name: string): boolean =>
  /cost|_pricing$|multiplier|^provider_specific_entry$/.test(name);
