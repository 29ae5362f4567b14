import { type NanoUsd, nanoUsd, usdFromNanoUsd, ZERO_NANO_USD } from '../policy/money.js';

/** The sums of some calls. */
export interface Sums {
  readonly costNanoUsd: NanoUsd;
  readonly calls: number;
  /** Calls that failed, billed or not. */
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

/** Groups rows, in the order of the first row of each group. */
export function groupRows<T, K>(rows: readonly T[], groupBy: (row: T) => K): [K, T[]][] {
  const groups = new Map<K, T[]>();
  for (const row of rows) {
    const group = groups.get(groupBy(row));
    if (group) group.push(row);
    else groups.set(groupBy(row), [row]);
  }
  return [...groups];
}
