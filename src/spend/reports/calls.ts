import { DAY_MS } from '../../clock.js';

/** Figures that add up, by the name of their column. */
export const SUMMED = ['entries', 'cost_nano_usd', 'input_tokens', 'output_tokens', 'cached_input_tokens', 'cache_write_tokens'] as const; // prettier-ignore

const USAGE = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'cacheWriteTokens'];

/**
 * SQL for the closed calls among these entries (alias `e`), each as a row of `activity_days`; `tagged`: one for each tag of
 * each. Corrections that belong to no call are none of them.
 */
export function callsIn(
  { isPostgres }: { readonly isPostgres: boolean },
  tagged: boolean,
  which: string,
): string {
  const [usage, tags] = isPostgres
    ? ['CAST(CAST(e.usage AS jsonb)', 'jsonb_array_elements_text(CAST(e.request_tags AS jsonb)) AS t(value)']
    : ['CAST(e.usage', 'json_each(e.request_tags) AS t'];
  const tokens = USAGE.map((name, i) => `coalesce(${usage}->>'${name}' AS bigint), 0) AS ${SUMMED[i + 2]!}`);
  return `SELECT ${tagged ? 't.value' : "''"} AS tag, e.opened_at - e.opened_at % ${DAY_MS} AS day, e.chain_id AS chain_id,
      e.state AS state, e.call_type AS call_type, e.model AS model, e.provider AS provider,
      1 AS entries, e.cost_nano_usd AS cost_nano_usd, ${tokens.join(', ')}
    FROM ledger_entries e ${tagged ? `CROSS JOIN ${tags}` : ''}
    WHERE ${which} AND e.state <> 'open' AND e.model <> '' ${tagged ? 'AND e.request_tags IS NOT NULL' : ''}`;
}
