import { join } from 'node:path';
import Libsql from 'libsql';
import pg from 'pg';
import { expect } from 'vitest';
import type { Upstream } from './upstream.js';

export interface BookedEntry {
  readonly id: string;
  readonly chainId: string;
  readonly state: 'open' | 'settled' | 'released';
  readonly mark: string | null;
  readonly bound: bigint;
  readonly cost: bigint | null;
  readonly model: string;
}

/** The ledger and the balances, read from the database itself. */
export interface LedgerContents {
  readonly entries: readonly BookedEntry[];
  readonly spent: ReadonlyMap<string, bigint>;
  /** Each account's sum over the entries whose chain posts to it. */
  readonly summed: ReadonlyMap<string, bigint>;
  /** Amounts held according to the rows; empty if memory counts them. */
  readonly held: ReadonlyMap<string, bigint>;
  /** Chains that name at least one account. */
  readonly chains: ReadonlySet<string>;
}

const ENTRIES = `SELECT id, chain_id AS "chainId", state, mark, model, CAST(bound_nano_usd AS TEXT) AS bound, CAST(cost_nano_usd AS TEXT) AS cost FROM ledger_entries`;
const ACCOUNTS = `SELECT id, CAST(spent_nano_usd AS TEXT) AS spent, CAST(held_nano_usd AS TEXT) AS held FROM accounts`;
const COSTS = `SELECT chain_id, cost_nano_usd FROM ledger_entries UNION ALL SELECT chain_id, cost_nano_usd FROM ledger_days`;
const SUMS = `SELECT p.account_id AS id, CAST(SUM(e.cost_nano_usd) AS TEXT) AS sum FROM (${COSTS}) AS e
   JOIN postings p ON p.chain_id = e.chain_id WHERE e.cost_nano_usd IS NOT NULL GROUP BY p.account_id`;

const CHAINS = `SELECT DISTINCT chain_id AS id FROM postings`;

type Row = Record<string, string | null>;

/**
 * Reads the same from a PostgreSQL database, and the number of deltas that are not folded into balances yet. It folds them as
 * every replica does each second, so that nobody waits for that.
 */
export async function readPostgresBooks(url: string): Promise<{ books: LedgerContents; deltas: number }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('SELECT tollgate_fold(10000)');
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const rows = async (sql: string) => (await client.query<Row>(sql)).rows;
    const books = booksOf(await rows(ENTRIES), await rows(ACCOUNTS), await rows(SUMS), await rows(CHAINS));
    return { books, deltas: (await rows('SELECT id FROM account_deltas')).length };
  } finally {
    await client.end();
  }
}

export function readBooks(dataFolder: string): LedgerContents {
  const file = new Libsql(join(dataFolder, 'tollgate.db'), { readonly: true });
  try {
    // One transaction reads entries and balances of the same instant.
    file.exec('BEGIN');
    return booksOf(rows(file, ENTRIES), rows(file, ACCOUNTS), rows(file, SUMS), rows(file, CHAINS));
  } finally {
    file.close();
  }
}

/** Runs a statement on a PostgreSQL database, or on the file in a data folder. */
export async function runSql(place: string, statement: string): Promise<Record<string, unknown>[]> {
  if (place.startsWith('postgres:')) {
    const client = new pg.Client({ connectionString: place });
    await client.connect();
    return client.query<Record<string, unknown>>(statement).then(({ rows }) => rows).finally(() => client.end()); // prettier-ignore
  }
  const file = new Libsql(join(place, 'tollgate.db'), { timeout: 5_000 });
  try {
    const prepared = file.prepare(statement);
    if (statement.startsWith('SELECT')) return prepared.all() as Record<string, unknown>[];
    prepared.run();
    return [];
  } finally {
    file.close();
  }
}

function rows(file: InstanceType<typeof Libsql>, sql: string): Row[] {
  return file.prepare(sql).all() as Row[];
}

function booksOf(
  entries: readonly Row[],
  accounts: readonly Row[],
  sums: readonly Row[],
  chains: readonly Row[],
): LedgerContents {
  return {
    entries: entries.map((row) => ({
      ...row,
      bound: BigInt(row.bound!),
      cost: row.cost == null ? null : BigInt(row.cost),
    })) as unknown as BookedEntry[],
    spent: new Map(accounts.map(({ id, spent }) => [id!, BigInt(spent!)])),
    held: new Map(accounts.flatMap(({ id, held }) => (held == null ? [] : [[id!, BigInt(held)] as const]))),
    chains: new Set(chains.map(({ id }) => id!)),
    summed: new Map(sums.map(({ id, sum }) => [id!, BigInt(sum!)])),
  };
}

const NANO_PER_TOKEN: Record<string, { input: bigint; output: bigint }> = {
  'm-out': { input: 0n, output: 1_000_000n },
  'm-deny': { input: 0n, output: 1_000_000n },
  'm-in': { input: 1_000_000n, output: 0n },
  'm-free': { input: 0n, output: 0n },
  'm-unpriced': { input: 0n, output: 0n },
  'm-embed': { input: 1_000n, output: 0n },
};

/** Returns the cost of finished calls by the upstream's own log, at the prices of the tests' models. */
export function costOfUpstream(upstream: Upstream): bigint {
  return upstream.calls.reduce((sum, { model, produced }) => {
    const price = NANO_PER_TOKEN[model.replace('up-', '')];
    return produced && price
      ? sum + BigInt(produced.promptTokens) * price.input + BigInt(produced.completionTokens) * price.output
      : sum;
  }, 0n);
}

/** Expects the invariants of money that a database at rest can prove. `upstream`: the log of the upstream that it alone used. */
export function expectBalancedLedger(books: LedgerContents, upstream?: Upstream): void {
  const { entries } = books;
  // 1: balances are sums of entries. 2: no entry is open, and no money is held.
  expect(entries.filter(({ state }) => state === 'open')).toEqual([]);
  for (const [id, spent] of books.spent)
    expect({ id, spent }).toEqual({ id, spent: books.summed.get(id) ?? 0n });
  for (const id of books.summed.keys()) expect(books.spent.has(id)).toBe(true);
  for (const [id, amount] of books.held) expect({ id, held: amount }).toEqual({ id, held: 0n });
  // 3: a cost is at most its hold, or the mark of the entry explains it. 6: every entry bills at least one account.
  expect(entries.filter((entry) => entry.cost! > entry.bound && !mayExceedHold(entry))).toEqual([]);
  expect(entries.filter(({ cost, mark }) => cost! < 0n && mark !== 'adjustment')).toEqual([]);
  expect(entries.filter(({ state, cost }) => state === 'released' && cost !== 0n)).toEqual([]);
  expect(entries.filter(({ chainId }) => !books.chains.has(chainId))).toEqual([]);
  // 5: every call that reached the upstream is in the ledger. Counting tokens is free.
  const attempts = entries.filter(({ mark }) => mark !== 'adjustment');
  const billable = upstream?.calls.filter(({ path }) => !/\/(?:count_tokens|input_tokens)$/.test(path)) ?? [];
  expect(attempts.length).toBeGreaterThanOrEqual(billable.length);
}

/** Marks of entries that may cost more than was held. */
const EXPLAINED: ReadonlySet<string> = new Set(['overrun', 'estimated', 'adjustment']);
/** A model without a price holds nothing, and may have a bill of its provider. */
const mayExceedHold = ({ mark, bound }: BookedEntry) =>
  EXPLAINED.has(mark!) || (mark === 'provider_bill' && bound === 0n);

export const total = (books: LedgerContents, which: (entry: BookedEntry) => boolean = () => true): bigint =>
  books.entries.filter(which).reduce((sum, { cost }) => sum + (cost ?? 0n), 0n);
