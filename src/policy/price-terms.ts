import { decimalUnits, nanoUsd, type NanoUsd, ZERO_NANO_USD } from './money.js';
import {
  costNanoUsd,
  type ListPrice,
  type Price,
  PRICE_DECIMALS,
  type PriceTerms,
  SHARE_DECIMALS,
  type Usage,
  WHOLE_SHARE,
} from './price.js';

const PRICE_UNITS_PER_NANO_USD = 10n ** BigInt(PRICE_DECIMALS - 9);

/** Reads a share as configuration writes it, `0.05` for 5 %. Undefined for what is negative, or has more than 9 decimals. */
export function shareOf(value: number): bigint | undefined {
  const share = decimalUnits(value, SHARE_DECIMALS);
  return share === undefined || share < 0n ? undefined : share;
}

/** Converts a share to the number on the wire. */
export const numberOfShare = (share: bigint): number => Number(`${share}e-${SHARE_DECIMALS}`);

/**
 * Returns the price of a call at these terms. Every unit costs its list price less the discount, and the margin on that; the
 * fixed amount is a fee of the call. Prices finer than 1e-30 USD are rounded up.
 */
export function withTerms(price: Price, terms: PriceTerms): Price {
  if (price.list) return price;
  return { ...(levelAt(price, terms) as unknown as Price), list: { price, terms } };
}

/** Scales each price of a level, and of the levels inside. Whatever has a price of the prompt is a level, with its fee of a call. */
function levelAt(level: object, terms: PriceTerms): Record<string, unknown> {
  const scaled: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(level)) scaled[name] = valueAt(value, terms);
  if (terms.fixedNanoUsd && typeof scaled.input === 'bigint')
    scaled.request =
      ((scaled.request as bigint | undefined) ?? 0n) + terms.fixedNanoUsd * PRICE_UNITS_PER_NANO_USD;
  return scaled;
}

function valueAt(value: unknown, terms: PriceTerms): unknown {
  if (typeof value === 'bigint') return unitsAt(value, terms);
  if (Array.isArray(value)) return value.map((one: unknown) => valueAt(one, terms));
  return typeof value === 'object' && value !== null ? levelAt(value, terms) : value;
}

const unitsAt = (units: bigint, { discount, margin }: PriceTerms): bigint =>
  (units * (WHOLE_SHARE - discount) * (WHOLE_SHARE + margin) + WHOLE_SHARE * WHOLE_SHARE - 1n) /
  (WHOLE_SHARE * WHOLE_SHARE);

/** A cost, and how terms made it: `list` − `discount` + `margin`. */
export interface CostByTerms {
  readonly listNanoUsd: NanoUsd;
  readonly discountNanoUsd: NanoUsd;
  readonly marginNanoUsd: NanoUsd;
}

/** Returns how the terms made the `cost` of this usage. Each amount is rounded; their sum is the cost. */
export function costByTerms(cost: NanoUsd, usage: Usage, { price, terms }: ListPrice): CostByTerms {
  const listNanoUsd = costNanoUsd(usage, price);
  if (!terms.margin && !terms.fixedNanoUsd)
    return {
      listNanoUsd,
      discountNanoUsd: nanoUsd(listNanoUsd > cost ? listNanoUsd - cost : 0n),
      marginNanoUsd: ZERO_NANO_USD,
    };
  const discountNanoUsd = nanoUsd((listNanoUsd * terms.discount + WHOLE_SHARE / 2n) / WHOLE_SHARE);
  const margin = cost - (listNanoUsd - discountNanoUsd);
  return { listNanoUsd, discountNanoUsd, marginNanoUsd: nanoUsd(margin > 0n ? margin : 0n) };
}
