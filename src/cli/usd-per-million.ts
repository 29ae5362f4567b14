const MILLION = 1_000_000;
/** Digits of an amount. More would be those of binary fractions. */
const DIGITS = 12;

/** Rounds an amount to the digits that were written. */
export const roundUsd = (usd: number): number => Number(usd.toPrecision(DIGITS));

/** Converts a price of one token to that of a million. */
export const usdPerMillion = (usd: number): number => roundUsd(usd * MILLION);
