import { Column } from 'typeorm';
import { NanoUsdColumn } from '../database/columns.js';
import type { NanoUsd } from '../policy/money.js';

/** The sums of entries that agree in all their other columns. */
export abstract class EntryAggregates {
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

/** The column names of the sums. */
export const AGGREGATES = ['entries', 'cost_nano_usd', 'input_tokens', 'output_tokens', 'cached_input_tokens', 'cache_write_tokens'] as const; // prettier-ignore

/** Returns SQL for the amounts that one entry (alias `e`) adds to each sum. */
export function aggregateColumns({ isPostgres }: { readonly isPostgres: boolean }): string[] {
  const usage = isPostgres ? 'CAST(e.usage AS jsonb)' : 'e.usage';
  const tokens = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'cacheWriteTokens'].map(
    (name) => `coalesce(CAST(${usage}->>'${name}' AS bigint), 0)`,
  );
  return ['1', 'e.cost_nano_usd', ...tokens];
}

/** Returns SQL that adds the sums of new rows to existing rows with the same `groupColumns`. */
export const addOnConflict = (table: string, groupColumns: string) =>
  `ON CONFLICT (${groupColumns}) DO UPDATE SET ${AGGREGATES.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(', ')}`;
