import { type Price, type PriceLevel, type TieredPrice, UNITS, type UnitPrice } from '../policy/price.js';

/** Prices that are not of tokens: they are the same in every region. */
const NOT_OF_TOKENS: ReadonlySet<string> = new Set([...UNITS, 'request', 'aboveInputTokens']);
const THOUSANDTHS = 1_000n;

/** Tells whether this price is of tokens. */
export const isOfTokens = (field: string): boolean => !NOT_OF_TOKENS.has(field);

/** Returns a price whose tokens cost so many thousandths of it: a provider bills some regions higher. */
export function scaledPrice(price: Price, thousandths: bigint): Price {
  const level = <T extends PriceLevel>(of: T): T =>
    Object.fromEntries(
      Object.entries(of).map(([name, value]: [string, unknown]) => [
        name,
        typeof value === 'bigint' && isOfTokens(name)
          ? (((value * thousandths) / THOUSANDTHS) as UnitPrice)
          : value,
      ]),
    ) as unknown as T;
  const tiered = <T extends TieredPrice>(of: T): T => ({
    ...level(of),
    ...(of.tiers && { tiers: of.tiers.map(level) }),
  });
  return {
    ...tiered(price),
    ...(price.serviceTiers && {
      serviceTiers: Object.fromEntries(
        Object.entries(price.serviceTiers).map(([name, of]) => [name, tiered(of)]),
      ),
    }),
    ...(price.offPeak && { offPeak: { ...price.offPeak, price: tiered(price.offPeak.price) } }),
  };
}
