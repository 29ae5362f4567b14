import { Column } from 'typeorm';
import { NanoUsdColumn } from '../database/columns.js';
import type { NanoUsd } from '../policy/money.js';

/** What entries that are alike came to. */
export abstract class Summed {
  @Column({ type: 'bigint' })
  entries: string;

  @NanoUsdColumn({ name: 'cost_nano_usd' })
  costNanoUsd: NanoUsd;

  @Column({ name: 'input_tokens', type: 'bigint' })
  inputTokens: string;

  @Column({ name: 'output_tokens', type: 'bigint' })
  outputTokens: string;

  @Column({ name: 'cached_input_tokens', type: 'bigint' })
  cachedInputTokens: string;

  @Column({ name: 'cache_write_tokens', type: 'bigint' })
  cacheWriteTokens: string;
}

/** Those figures, by the name of their column … */
export const AGGREGATES = ['entries', 'cost_nano_usd', 'input_tokens', 'output_tokens', 'cached_input_tokens', 'cache_write_tokens'] as const; // prettier-ignore

/** … and SQL for what an entry (alias `e`) adds to each. */
export function aggregateColumns({ isPostgres }: { readonly isPostgres: boolean }): string[] {
  const usage = isPostgres ? 'CAST(e.usage AS jsonb)' : 'e.usage';
  const tokens = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'cacheWriteTokens'].map(
    (name) => `coalesce(CAST(${usage}->>'${name}' AS bigint), 0)`,
  );
  return ['1', 'e.cost_nano_usd', ...tokens];
}

/** SQL that adds the figures of rows to those of rows that are alike by these columns. */
export const addOnConflict = (table: string, alike: string) =>
  `ON CONFLICT (${alike}) DO UPDATE SET ${AGGREGATES.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(', ')}`;
