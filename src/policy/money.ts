/** Money inside the gate: whole nano-dollars (1e-9 USD). Never a float, never another unit. */
export type NanoUsd = bigint & { readonly __unit: 'nano-usd' };

export const nanoUsd = (amount: bigint): NanoUsd => amount as NanoUsd;

export const ZERO_NANO_USD = nanoUsd(0n);

/** The largest amount an account, a limit or an entry can carry: a signed 64-bit integer. */
export const MAX_NANO_USD = nanoUsd(2n ** 63n - 1n);

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;

/**
 * Reads a decimal number exactly as `units` of `10^-decimals`; `undefined` when it is not a plain finite
 * decimal, or when it has digits finer than the unit (the caller says which, because both are the client's mistake).
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
 * USD as clients write it (`10`, `0.25`, `1e-7`) to nano-dollars.
 * `undefined` for what money cannot be here: NaN, infinities, negatives, more than 9 decimals, beyond 64 bits.
 */
export function nanoUsdFromUsd(value: unknown): NanoUsd | undefined {
  if (typeof value !== 'number') return undefined;
  const amount = decimalUnits(value, 9);
  return amount === undefined || amount < 0n || amount > MAX_NANO_USD ? undefined : nanoUsd(amount);
}

/** The same of an amount somebody kept as a float: to the nearest nano-dollar, where it has digits finer than that. */
export function nearestNanoUsd(value: unknown): NanoUsd | undefined {
  return (
    nanoUsdFromUsd(value) ??
    (typeof value === 'number' ? nanoUsdFromUsd(Number(value.toFixed(9))) : undefined)
  );
}

/** Nano-dollars to the USD number that goes on the wire. */
export function usdFromNanoUsd(amount: NanoUsd): number {
  return Number(usdText(amount));
}

/** Nano-dollars as an exact decimal text, for messages: `0.25`, `12`. */
export function usdText(amount: NanoUsd): string {
  const negative = amount < 0n;
  const digits = (negative ? -amount : amount).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return `${negative ? '-' : ''}${digits.slice(0, -9)}${fraction && `.${fraction}`}`;
}
