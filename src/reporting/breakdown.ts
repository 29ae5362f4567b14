import type { Dimension, Row } from './activity.js';
import type { Breakdown, KeyMetrics, Metrics, NamedMetrics } from './daily-activity.dto.js';
import { grouped, type Sums, tokensOf, totalOf, usdOf } from './sums.js';

/** The most that are told by name in one breakdown: the dearest. What is above them counts all. */
const MOST_NAMES = 100;
/** The same of the keys of each such name: a day is as long as its names, not as its calls. */
const MOST_KEYS_EACH = 10;

/** What daily activity may be about. */
export type Entity = Extract<Dimension, 'user' | 'team' | 'organization' | 'endUser' | 'tag'>;

/** What calls of a day are told apart by, beside the entity. */
export const PARTS = ['model', 'provider', 'callType', 'key', 'team'] as const;
export type Part = Row<(typeof PARTS)[number]>;

/** What calls of a day came to, on whom and what. */
export function breakdownOf<P extends Part>(parts: readonly P[], entityOf: (part: P) => string): Breakdown {
  const models = named(parts, ({ model }) => model);
  return {
    mcp_servers: {},
    models,
    model_groups: models,
    providers: named(parts, ({ provider }) => provider),
    endpoints: named(parts, ({ callType }) => callType),
    api_keys: keysOf(parts, MOST_NAMES),
    entities: named(parts, entityOf),
  };
}

export const metricsOf = (sums: Sums): Metrics => ({
  spend: usdOf(sums),
  prompt_tokens: sums.inputTokens,
  completion_tokens: sums.outputTokens,
  cache_read_input_tokens: sums.cachedInputTokens,
  cache_creation_input_tokens: sums.cacheWriteTokens,
  total_tokens: tokensOf(sums),
  successful_requests: sums.calls - sums.failed,
  failed_requests: sums.failed,
  api_requests: sums.calls,
});

/** The dearest groups of rows by name; what has no name is in none. */
function dearest<T extends { readonly sums: Sums }>(
  rows: readonly T[],
  nameOf: (row: T) => string,
  most: number,
) {
  return grouped(rows, nameOf)
    .filter(([name]) => name !== '')
    .map(([name, of]) => ({ name, of, sums: totalOf(of) }))
    .toSorted((a, b) => Number(b.sums.costNanoUsd - a.sums.costNanoUsd))
    .slice(0, most);
}

const named = <P extends Part>(
  parts: readonly P[],
  nameOf: (part: P) => string,
): Record<string, NamedMetrics> =>
  Object.fromEntries(
    dearest(parts, nameOf, MOST_NAMES).map(({ name, of, sums }) => [
      name,
      { metrics: metricsOf(sums), metadata: {}, api_key_breakdown: keysOf(of, MOST_KEYS_EACH) },
    ]),
  );

const keysOf = (parts: readonly Part[], most: number): Record<string, KeyMetrics> =>
  Object.fromEntries(
    dearest(parts, ({ key }) => key, most).map(({ name, of, sums }) => [
      name,
      {
        metrics: metricsOf(sums),
        metadata: { key_alias: of[0]!.keyAlias, team_id: of[0]!.team || null },
      },
    ]),
  );
