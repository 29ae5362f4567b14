/** Money inside the gateway: whole nano-dollars (1e-9 USD), never a float or another unit. */
export type NanoUsd = bigint & { readonly __unit: 'nano-usd' };

export const nanoUsd = (amount: bigint): NanoUsd => amount as NanoUsd;

export const ZERO_NANO_USD = nanoUsd(0n);

/** The largest amount of an account, a limit or an entry: a signed 64-bit integer. */
export const MAX_NANO_USD = nanoUsd(2n ** 63n - 1n);

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;

/**
 * Reads a decimal number exactly, in units of `10^-decimals`. Returns `undefined` for what is no plain finite decimal, or
 * has digits finer than the unit.
 */
export function decimalUnits(value: number | string, decimals: number): bigint | undefined {
  const parts = DECIMAL.exec(String(value));
  if (!parts) return undefined;
  const [, sign, whole, fraction = '', exponent = '0'] = parts;
  const shift = Number(exponent) - fraction.length + decimals;
  if (Math.abs(shift) > 400) return undefined;
  const digits = BigInt(whole! + fraction);
  const scale = 10n ** BigInt(Math.abs(shift));
  if (shift < 0 && digits % scale !== 0n) return undefined;
  const units = shift < 0 ? digits / scale : digits * scale;
  return sign ? -units : units;
}

/**
 * Converts USD as clients write it (`10`, `0.25`, `1e-7`) to nano-dollars. Returns `undefined` for NaN, infinities,
 * negatives, more than 9 decimals, and amounts beyond 64 bits.
 */
export function nanoUsdFromUsd(value: unknown): NanoUsd | undefined {
  if (typeof value !== 'number') return undefined;
  const amount = decimalUnits(value, 9);
  return amount === undefined || amount < 0n || amount > MAX_NANO_USD ? undefined : nanoUsd(amount);
}

/** Converts an amount that was stored as a float, rounded to the nearest nano-dollar. */
export function nearestNanoUsd(value: unknown): NanoUsd | undefined {
  return (
    nanoUsdFromUsd(value) ??
    (typeof value === 'number' ? nanoUsdFromUsd(Number(value.toFixed(9))) : undefined)
  );
}

/** Converts nano-dollars to the USD number on the wire. */
export function usdFromNanoUsd(amount: NanoUsd): number {
  return Number(usdText(amount));
}

/** Amounts below this have at most 15 digits, which a number holds exactly. */
const MAX_EXACT_NANO_USD = 10n ** 15n;

/** Formats nano-dollars as an exact decimal text for messages: `0.25`, `12`. */
export function usdText(amount: NanoUsd): string {
  // Below a million dollars a number has all its digits. A tiny one is written with an exponent.
  if (amount < MAX_EXACT_NANO_USD && amount > -MAX_EXACT_NANO_USD) {
    const text = String(Number(amount) / 1e9);
    if (!text.includes('e')) return text;
  }
  const negative = amount < 0n;
  const digits = (negative ? -amount : amount).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return `${negative ? '-' : ''}${digits.slice(0, -9)}${fraction && `.${fraction}`}`;
}
