import { DAY_MS } from '../platform/clock.js';
import { hasFailingMark } from './failed-entry.js';
import { aggregateColumns, AGGREGATES } from './entry-aggregates.js';

const HAS_FAILING_MARK = hasFailingMark('e.mark');

/** Returns SQL for the tags of an entry (alias `e`), one row per tag: `t.value`. */
export const tagsOfEntry = ({ isPostgres }: { readonly isPostgres: boolean }): string =>
  isPostgres
    ? 'jsonb_array_elements_text(CAST(e.request_tags AS jsonb)) AS t(value)'
    : 'json_each(e.request_tags) AS t';

/**
 * Returns SQL for the closed calls that match `which` (entries have the alias `e`), as rows of `activity_days`.
 * `tagged`: one row for each tag of each call. Leaves out corrections, which belong to no call.
 */
export function ledgerCalls(
  database: { readonly isPostgres: boolean },
  tagged: boolean,
  which: string,
): string {
  const figures = aggregateColumns(database).map((figure, i) => `${figure} AS ${AGGREGATES[i]!}`);
  return `SELECT ${tagged ? 't.value' : "''"} AS tag, e.opened_at - e.opened_at % ${DAY_MS} AS day, e.chain_id AS chain_id,
      CASE WHEN ${HAS_FAILING_MARK} THEN 'failed' ELSE e.state END AS state, e.call_type AS call_type, e.model AS model, e.provider AS provider, ${figures.join(', ')}
    FROM ledger_entries e ${tagged ? `CROSS JOIN ${tagsOfEntry(database)}` : ''}
    WHERE ${which} AND e.state <> 'open' AND e.model <> '' ${tagged ? 'AND e.request_tags IS NOT NULL' : ''}`;
}
