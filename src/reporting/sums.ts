import { type NanoUsd, nanoUsd, usdFromNanoUsd, ZERO_NANO_USD } from '../policy/money.js';

/** What some calls came to. */
export interface Sums {
  readonly costNanoUsd: NanoUsd;
  readonly calls: number;
  /** Of them, those that came to nothing: not billed. */
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
}

const NOTHING = {
  costNanoUsd: ZERO_NANO_USD,
  calls: 0,
  failed: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
} satisfies Sums;

const COUNTS = ['calls', 'failed', 'inputTokens', 'outputTokens', 'cachedInputTokens', 'cacheWriteTokens'] as const; // prettier-ignore

export function totalOf(rows: readonly { readonly sums: Sums }[]): Sums {
  const total = { ...NOTHING };
  for (const { sums } of rows) {
    total.costNanoUsd = nanoUsd(total.costNanoUsd + sums.costNanoUsd);
    for (const name of COUNTS) total[name] += sums[name];
  }
  return total;
}

export const usdOf = ({ costNanoUsd }: Sums) => usdFromNanoUsd(costNanoUsd);

export const tokensOf = ({ inputTokens, outputTokens }: Sums) => inputTokens + outputTokens;

/** Rows that are alike, in the order each kind first comes. */
export function grouped<T, K>(rows: readonly T[], alike: (row: T) => K): [K, T[]][] {
  const groups = new Map<K, T[]>();
  for (const row of rows) {
    const group = groups.get(alike(row));
    if (group) group.push(row);
    else groups.set(alike(row), [row]);
  }
  return [...groups];
}
