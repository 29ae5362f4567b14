import type { Dimension, Row } from './activity.js';
import type { Breakdown, KeyMetrics, Metrics, NamedMetrics } from './daily-activity.dto.js';
import { groupRows, type Sums, tokensOf, totalOf, usdOf } from './sums.js';

/** The most names in one breakdown, highest spend first. The totals count all. */
const MAX_NAMES = 100;
/** The most keys per name. It bounds the size of a day. */
const MAX_KEYS_PER_NAME = 10;

/** The entities that daily activity can be grouped by. */
export type Entity = Extract<Dimension, 'user' | 'team' | 'organization' | 'endUser' | 'tag'>;

/** The dimensions of a day's breakdown, beside the entity. */
export const PARTS = ['model', 'provider', 'callType', 'key', 'team'] as const;
export type Part = Row<(typeof PARTS)[number]>;

/** Returns the breakdown of a day's calls. */
export function breakdownOf<P extends Part>(parts: readonly P[], entityOf: (part: P) => string): Breakdown {
  const models = metricsByName(parts, ({ model }) => model);
  return {
    mcp_servers: {},
    models,
    model_groups: models,
    providers: metricsByName(parts, ({ provider }) => provider),
    endpoints: metricsByName(parts, ({ callType }) => callType),
    api_keys: keysOf(parts, MAX_NAMES),
    entities: metricsByName(parts, entityOf),
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

/** Groups rows by name and returns the groups with the highest spend. Rows without a name are left out. */
function topGroups<T extends { readonly sums: Sums }>(
  rows: readonly T[],
  nameOf: (row: T) => string,
  limit: number,
) {
  return groupRows(rows, nameOf)
    .filter(([name]) => name !== '')
    .map(([name, members]) => ({ name, members, sums: totalOf(members) }))
    .toSorted((a, b) => Number(b.sums.costNanoUsd - a.sums.costNanoUsd))
    .slice(0, limit);
}

const metricsByName = <P extends Part>(
  parts: readonly P[],
  nameOf: (part: P) => string,
): Record<string, NamedMetrics> =>
  Object.fromEntries(
    topGroups(parts, nameOf, MAX_NAMES).map(({ name, members, sums }) => [
      name,
      { metrics: metricsOf(sums), metadata: {}, api_key_breakdown: keysOf(members, MAX_KEYS_PER_NAME) },
    ]),
  );

const keysOf = (parts: readonly Part[], limit: number): Record<string, KeyMetrics> =>
  Object.fromEntries(
    topGroups(parts, ({ key }) => key, limit).map(({ name, members, sums }) => [
      name,
      {
        metrics: metricsOf(sums),
        metadata: { key_alias: members[0]!.keyAlias, team_id: members[0]!.team || null },
      },
    ]),
  );
