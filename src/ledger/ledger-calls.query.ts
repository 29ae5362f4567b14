import { DAY_MS } from '../platform/clock.js';
import { hasFailingMark } from './failed-entry.js';
import { aggregateColumns, AGGREGATES } from './entry-aggregates.js';

const HAS_FAILING_MARK = hasFailingMark('e.mark');

/** Returns SQL for the tags of an entry (alias `e`), one row per tag: `t.value`. */
export const tagsOfEntry = ({ isPostgres }: { readonly isPostgres: boolean }): string =>
  isPostgres
    ? 'jsonb_array_elements_text(CAST(e.request_tags AS jsonb)) AS t(value)'
    : 'json_each(e.request_tags) AS t';

/** The kinds of names that a call has for the program that made it. */
export const CLIENT_NAME_KINDS = ['product', 'user_agent', 'originator'] as const;
export type ClientNameKind = (typeof CLIENT_NAME_KINDS)[number];

/**
 * Returns SQL for the names that an entry (alias `e`) has for its program, one row per kind: `t.key`, `t.value`. Of a
 * `user-agent` these are the product, and its first word: the product, mostly with its version.
 */
const clientsOfEntry = ({ isPostgres }: { readonly isPostgres: boolean }): string =>
  isPostgres
    ? `jsonb_each_text(jsonb_build_object('product', split_part(split_part(e.user_agent, ' ', 1), '/', 1),
        'user_agent', split_part(e.user_agent, ' ', 1),
        'originator', e.originator)) AS t(key, value)`
    : `json_each(json_object('product', substr(e.user_agent, 1, min(instr(e.user_agent || ' ', ' '), instr(e.user_agent || '/', '/')) - 1),
        'user_agent', substr(e.user_agent, 1, instr(e.user_agent || ' ', ' ') - 1),
        'originator', e.originator)) AS t`;

/** The rows of a call: one, one per tag, or one per name of its program. */
export type CallRows = 'one' | 'per tag' | 'per client name';

/**
 * Returns SQL for the closed calls that match `which` (entries have the alias `e`), as rows of `activity_days`. `rows`
 * per client name are rows of `client_days`, whose names are in `tag`. Leaves out corrections, which belong to no call.
 */
export function ledgerCalls(
  database: { readonly isPostgres: boolean },
  rows: CallRows,
  which: string,
): string {
  const figures = aggregateColumns(database).map((figure, i) => `${figure} AS ${AGGREGATES[i]!}`);
  const { columns, from, condition } = SOURCES[rows](database);
  return `SELECT ${columns}, e.opened_at - e.opened_at % ${DAY_MS} AS day, e.chain_id AS chain_id,
      CASE WHEN ${HAS_FAILING_MARK} THEN 'failed' ELSE e.state END AS state, e.call_type AS call_type, e.model AS model, e.provider AS provider, ${figures.join(', ')}
    FROM ledger_entries e ${from}
    WHERE ${which} AND e.state <> 'open' AND e.model <> '' ${condition}`;
}

/** SQL of the names of a call, and of the calls that have any. */
const SOURCES: Readonly<
  Record<
    CallRows,
    (database: { readonly isPostgres: boolean }) => Readonly<Record<'columns' | 'from' | 'condition', string>>
  >
> = {
  one: () => ({ columns: "'' AS tag", from: '', condition: '' }),
  'per tag': (database) => ({
    columns: 't.value AS tag',
    from: `CROSS JOIN ${tagsOfEntry(database)}`,
    condition: 'AND e.request_tags IS NOT NULL',
  }),
  'per client name': (database) => ({
    columns: 't.key AS kind, t.value AS tag',
    from: `CROSS JOIN ${clientsOfEntry(database)}`,
    condition: "AND (e.user_agent IS NOT NULL OR e.originator IS NOT NULL) AND t.value <> ''",
  }),
};
