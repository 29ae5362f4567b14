import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import { databaseOptions } from '../../src/database-options.js';
import { lifetimeAccount, windowAccount } from '../../src/ledger/account.js';
import { spentBeforeWindow } from '../../src/ledger/spent-before-window.js';

const NOON = new Date('2030-06-01T12:00:00Z');
const YESTERDAY = new Date('2030-05-31T12:00:00Z');
const rule = { duration: '1d', anchor: new Date(0), since: new Date(0) };
const dayOf = (at: Date) => windowAccount('team', 't', rule, 'UTC', at);

let source: DataSource;
let cleanUp: () => unknown;
afterEach(async () => {
  await source.destroy();
  await cleanUp();
});

describe.each([
  {
    name: 'SQLite',
    skip: false,
    open: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'tollgate-windows-'));
      cleanUp = () => rmSync(folder, { recursive: true });
      return databaseOptions(undefined, folder);
    },
  },
  {
    name: 'PostgreSQL',
    skip: !(await postgresIsThere()),
    open: async () => {
      const { url, drop } = await migratedPostgres();
      cleanUp = drop;
      return databaseOptions(url, '');
    },
  },
])('what a window begins with on $name', ({ skip, open }) => {
  const billed = async (chain: string, accounts: readonly string[], cost: bigint) => {
    await source.query(`INSERT INTO chains (id) VALUES ('${chain}')`);
    for (const id of accounts)
      await source.query(`INSERT INTO postings (chain_id, account_id) VALUES ('${chain}', '${id}')`);
    const at = NOON.getTime();
    await source.query(
      `INSERT INTO ledger_entries (id, chain_id, state, bound_nano_usd, input_bound_nano_usd, cost_nano_usd,
         request_id, call_type, model, deployment_id, provider, opened_at, closed_at)
       VALUES ('${chain}', '${chain}', 'settled', 0, 0, ${cost}, 'r', 'c', 'm', 'd', 'p', ${at}, ${at})`,
    );
  };

  it.skipIf(skip)('is what was billed since it opened, but not to the window before it', async () => {
    source = await new DataSource(await open()).initialize();
    await source.runMigrations();
    const endless = lifetimeAccount('team', 't').id;
    await billed('without a window', [endless], 5n);
    await billed('to a month', [endless, 'team/t/month@UTC/0'], 20n);
    // A replica whose clock was behind booked a call on yesterday's window.
    await billed('to yesterday', [endless, dayOf(YESTERDAY).id], 300n);
    await billed('of another team', [lifetimeAccount('team', 't2').id], 4_000n);
    const database = { isPostgres: source.options.type === 'postgres' };
    const spent = await spentBeforeWindow(source.manager, database, [dayOf(NOON), dayOf(NOON)]);
    expect([...spent.values()]).toEqual([25n]);
  });
});
