import { priceField } from '../config/price-fields.js';
import type { KnownModel, PriceSource } from '../prices/known-model.js';
import { isOfTokens } from '../prices/scaled-price.js';
import type { TableRow } from '../prices/table-row.js';
import { type Deployment, modelOf, restOfPrice } from './deployment.js';

/** The source of one price member. `text` says why we correct LiteLLM's table. */
export interface MemberSource {
  readonly source: PriceSource | 'database';
  readonly text?: string;
}

/** The list price of a deployment in LiteLLM's members, and the source of each. */
export interface DeploymentPrices {
  readonly members: TableRow;
  readonly sources: Readonly<Record<string, MemberSource>>;
}

/** Returns the price members that count for a deployment: its own, and the rest of the sources'. */
export function pricesOf(deployment: Deployment): DeploymentPrices {
  const { price, ownPrices = {}, traits } = deployment;
  const model = modelOf(deployment);
  const isOwn = (price?.list?.price ?? price)?.isConfigured === true;
  const own = isOwn ? cleanMembers(ownPrices) : {};
  const rest = isOwn
    ? cleanMembers(restOfPrice(ownPrices, model))
    : cleanMembers(model?.price ? model.members : {}, model?.priceThousandths);
  const ownSource = { source: traits.db_model === true ? 'database' : 'file' } as const;
  const sources = Object.keys({ ...rest, ...own }).map((member): [string, MemberSource] => [
    member,
    Object.hasOwn(own, member) ? ownSource : sourceOf(model!, member),
  ]);
  return { members: { ...rest, ...own }, sources: Object.fromEntries(sources) };
}

/** Returns the price members of a model that no deployment serves. */
export function pricesOfModel(model: KnownModel | undefined): DeploymentPrices {
  const members = cleanMembers(model?.price ? model.members : {}, model?.priceThousandths);
  return {
    members,
    sources: Object.fromEntries(Object.keys(members).map((member) => [member, sourceOf(model!, member)])),
  };
}

function sourceOf({ corrections, otherSources, source }: KnownModel, member: string): MemberSource {
  const text = corrections[member];
  return text === undefined ? { source: otherSources?.[member] ?? source } : { source: 'tollgate', text };
}

const WHOLE_THOUSANDTHS = 1_000n;

/** Returns the members that bill something. Operators and tables may write anything beside them. */
const cleanMembers = (members: TableRow, thousandths = WHOLE_THOUSANDTHS): TableRow =>
  Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => {
      const clean = STRUCTURES[name]?.(value, thousandths) ?? figureOf(name, value, thousandths);
      return clean === undefined ? [] : [[name, clean] as const];
    }),
  );

/** Decimal digits of a number that binary fractions do not disturb. */
const DIGITS = 15;

function figureOf(name: string, value: unknown, thousandths: bigint): number | undefined {
  const place = priceField(name);
  if (!place || typeof value !== 'number') return undefined;
  if (thousandths === WHOLE_THOUSANDTHS || !isOfTokens(place.field)) return value;
  return Number(((value * Number(thousandths)) / Number(WHOLE_THOUSANDTHS)).toPrecision(DIGITS));
}

function figuresIn(value: unknown, thousandths: bigint): Readonly<Record<string, number>> {
  return Object.fromEntries(
    entriesOf(value).flatMap(([name, usd]) => {
      const figure = figureOf(name, usd, thousandths);
      return figure === undefined ? [] : [[name, figure] as const];
    }),
  );
}

const numbersIn = (value: unknown) =>
  Object.fromEntries(entriesOf(value).filter(([, number]) => typeof number === 'number'));

const entriesOf = (value: unknown): [string, unknown][] =>
  value !== null && typeof value === 'object' ? Object.entries(value) : [];

const listOf = (value: unknown): TableRow[] => (Array.isArray(value) ? (value as TableRow[]) : []);

const STRUCTURES: Readonly<Record<string, (value: unknown, thousandths: bigint) => unknown>> = {
  search_context_cost_per_query: numbersIn,
  provider_specific_entry: numbersIn,
  tiered_pricing: (tiers, thousandths) =>
    listOf(tiers).map((tier) => ({ range: tier.range, ...figuresIn(tier, thousandths) })),
  off_peak_pricing: (value, thousandths) => {
    const { hours_utc, weekday_timezone, windows } = value as TableRow;
    return {
      hours_utc,
      weekday_timezone,
      ...(windows !== undefined && {
        windows: listOf(windows).map(({ hours_utc: hours, weekdays }) => ({ hours_utc: hours, weekdays })),
      }),
      ...figuresIn(value, thousandths),
    };
  },
};
