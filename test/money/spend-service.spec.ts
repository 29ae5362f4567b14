import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { ChangeEpochs } from '../../src/cache/change-epochs.js';
import { RedisRowCache } from '../../src/cache/redis-row-cache.js';
import { Installation } from '../../src/installation/installation.js';
import { Redis } from '../../src/redis/redis.js';
import { Revisions } from '../../src/cache/revisions.js';
import { RowCache } from '../../src/cache/row-cache.js';
import { SteadyClock } from '../../src/platform/clock.js';
import type { Config } from '../../src/config/config.js';
import { Database } from '../../src/database/database.js';
import type { DatabaseLock } from '../../src/database/database-lock.js';
import { WriteHealth } from '../../src/database/write-health.js';
import { databaseOptions } from '../../src/database-options.js';
import { Metrics } from '../../src/metrics/metrics.js';
import type { Scope } from '../../src/policy/decision.js';
import { nanoUsd } from '../../src/policy/money.js';
import type { Usage } from '../../src/policy/price.js';
import { lifetimeAccount, type LiveAccount } from '../../src/ledger/account.js';
import type { Accounts } from '../../src/ledger/accounts.js';
import { type BillingChain, newChain } from '../../src/ledger/billing-chain.js';
import { SqliteAccounts } from '../../src/ledger/sqlite/sqlite-accounts.js';
import { SqliteSpend } from '../../src/ledger/sqlite/sqlite-spend.js';
import { Ledger } from '../../src/ledger/sqlite/ledger.js';
import { Reservations } from '../../src/ledger/sqlite/reservations.js';
import { TouchedAccounts } from '../../src/ledger/touched-accounts.js';
import { LedgerConnection } from '../../src/ledger/postgres/ledger-connection.js';
import { LedgerStatements } from '../../src/ledger/postgres/ledger-statements.js';
import { Replicas } from '../../src/ledger/postgres/replicas.js';
import { PostgresAccounts } from '../../src/ledger/postgres/postgres-accounts.js';
import { PostgresSpend } from '../../src/ledger/postgres/postgres-spend.js';
import { DAY_MS } from '../../src/platform/clock.js';
import { ActivitySums } from '../../src/reporting/activity-sums.js';
import { Retention } from '../../src/reporting/retention.js';
import type { Hold, SpendService } from '../../src/ledger/spend.service.js';
import { verifyLedger } from '../../src/ledger/verify-ledger.js';

const NOBODY = { keyHash: null, keyAlias: null, userId: null, teamId: null, organizationId: null };
const scope: Scope = { kind: 'key', id: 'k' };

interface SpendServices {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly spend: SpendService;
  /** Makes the next commits of the spend service fail. With `after` the commit succeeds and only its reply is lost. */
  readonly breakCommits: (times: number, after?: 'committed') => void;
  readonly cleanUp: () => Promise<unknown>;
}

const WAIT_MS = 0;

function sqliteServices(dataSource: DataSource): SpendServices {
  const database = new Database(dataSource);
  const config = { general: { abandonedHolds: 'bound', budgetWaitMs: WAIT_MS } } as Config;
  const clock = () => new Date();
  const write = database.writePrepared.bind(database);
  return {
    database,
    accounts: new SqliteAccounts(database, clock),
    spend: new SqliteSpend(
      new Ledger(database),
      new Reservations(config),
      database,
      config,
      new TouchedAccounts(),
      new Metrics(),
      clock,
    ),
    breakCommits: (times, after) => {
      const spy = vi.spyOn(database, 'writePrepared');
      for (; times; times--)
        spy.mockImplementationOnce(async (...args) => {
          if (after) await write(...args);
          throw new Error('connection lost');
        });
    },
    cleanUp: async () => {},
  };
}

function postgresServices(dataSource: DataSource, databaseUrl: string): SpendServices {
  const database = new Database(dataSource);
  const general = { abandonedHolds: 'bound', budgetWaitMs: WAIT_MS, replicaTimeoutMs: 15_000 };
  const config = { databaseUrl, general } as Config;
  const clock = new SteadyClock();
  const connection = new LedgerConnection(config);
  const installation = new Installation('here');
  const cache = createCache({ stores: [new Keyv()] });
  const rows = new RowCache(
    cache,
    new ChangeEpochs(),
    new Revisions(database),
    new RedisRowCache(new Redis({}), installation, { saltKey: 'salt' }, clock.now),
    new Metrics(),
  );
  const call = connection.call.bind(connection);
  return {
    database,
    accounts: new PostgresAccounts(database, clock.now),
    spend: new PostgresSpend(
      new LedgerStatements(connection),
      new Replicas(connection, clock, new Metrics(), config, installation, new WriteHealth()),
      rows,
      { isOurs: true, expectOurs: () => {} } as DatabaseLock,
      new WriteHealth(),
      config,
      new TouchedAccounts(),
      new Metrics(),
      clock.now,
    ),
    breakCommits: (times, after) => {
      const spy = vi.spyOn(connection, 'call');
      for (; times; times--)
        spy.mockImplementationOnce(async (...args) => {
          if (after) await call(...args);
          throw new Error('connection lost');
        });
    },
    cleanUp: () => connection.close(),
  };
}

/** Money on a real database. */
class Money {
  account!: LiveAccount;
  chain!: BillingChain;

  constructor(
    readonly dataSource: DataSource,
    readonly services: SpendServices,
    private readonly cleanUp: () => unknown,
  ) {}

  get spend(): SpendService {
    return this.services.spend;
  }

  async open(): Promise<this> {
    [this.account] = (await this.services.accounts.load([
      { account: lifetimeAccount('key', 'k'), limitNanoUsd: nanoUsd(1n) },
    ])) as [LiveAccount];
    this.chain = newChain({ ...NOBODY, endUserId: null }, [this.account]);
    return this;
  }

  hold(bound: bigint, limit = 1_000n, chain = this.chain, instead?: Hold) {
    return this.spend.hold({
      chain,
      budgets: [{ scope, account: this.account, limitNanoUsd: nanoUsd(limit) }],
      demand: {
        wantedNanoUsd: nanoUsd(bound),
        minimumNanoUsd: nanoUsd(bound),
        fairShareNanoUsd: nanoUsd(bound),
      },
      inputBoundNanoUsd: nanoUsd(1n),
      ...(instead && { replaces: { hold: instead, mark: 'unconfirmed' } }),
      requestId: 'r',
      callType: 'chat_completion',
      model: 'm',
      deploymentId: 'd',
      provider: 'openai',
      factRevisions: new Map(),
      tags: [],
      alertAccounts: [],
      canBeRecounted: false,
    });
  }

  async mustHold(bound: bigint, limit?: bigint): Promise<Hold> {
    const attempt = await this.hold(bound, limit);
    if (!('hold' in attempt)) throw new Error('It did not fit.');
    return attempt.hold;
  }

  /** Returns the balance from memory if it is there, else from the rows. */
  async balance(): Promise<{ spent: bigint; held: bigint }> {
    await this.services.accounts.refresh([this.account]);
    return { spent: this.account.spentNanoUsd, held: this.account.heldNanoUsd };
  }

  async stored(): Promise<{ spent: bigint; states: string[] }> {
    const spent = await this.services.accounts.spentOn([this.account.spec]);
    const rows: { state: string }[] = await this.dataSource.query(
      'SELECT state FROM ledger_entries ORDER BY id',
    );
    return { spent: spent.get(this.account.id) ?? 0n, states: rows.map(({ state }) => state) };
  }

  async close(): Promise<void> {
    await this.services.cleanUp();
    await this.dataSource.destroy();
    await this.cleanUp();
  }
}

let money: Money;
const opened = async (url: string | undefined, folder: string, cleanUp: () => unknown) => {
  const dataSource = await new DataSource(databaseOptions(url, folder)).initialize();
  await dataSource.runMigrations();
  const services = url ? postgresServices(dataSource, url) : sqliteServices(dataSource);
  return new Money(dataSource, services, cleanUp).open();
};

describe.each([
  {
    name: 'SQLite',
    skip: false,
    open: () => {
      const folder = mkdtempSync(join(tmpdir(), 'tollgate-ledger-'));
      return opened(undefined, folder, () => rmSync(folder, { recursive: true }));
    },
  },
  {
    name: 'PostgreSQL',
    skip: !(await postgresIsThere()),
    open: async () => {
      const { url, drop } = await migratedPostgres();
      return opened(url, '', drop);
    },
  },
])('the ledger on $name', ({ open, skip }) => {
  beforeEach(async () => {
    if (!skip) money = await open();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    if (!skip) await money.close();
  });

  it.skipIf(skip)('has the open entry before a hold is told, and the balance with its end', async () => {
    const hold = await money.mustHold(100n);
    expect(await money.balance()).toEqual({ spent: 0n, held: 100n });
    expect(await money.stored()).toEqual({ spent: 0n, states: ['open'] });
    await money.spend.settle(hold, nanoUsd(40n), null);
    expect(await money.balance()).toEqual({ spent: 40n, held: 0n });
    expect(await money.stored()).toEqual({ spent: 40n, states: ['settled'] });
  });

  it.skipIf(skip)('moves the balance of an account whatever its name', async () => {
    const spec = lifetimeAccount('key+model', 'k/a "quoted" \\ name');
    const [endUserAccount] = await money.services.accounts.load([
      { account: spec, limitNanoUsd: nanoUsd(1n) },
    ]);
    const chain = newChain({ ...NOBODY, endUserId: null }, [money.account, endUserAccount!]);
    const attempt = await money.hold(100n, 1_000n, chain);
    await money.spend.settle((attempt as { hold: Hold }).hold, nanoUsd(40n), null);
    expect(await money.services.accounts.spentOn([spec])).toEqual(new Map([[spec.id, 40n]]));
  });

  it.skipIf(skip)('closes an entry once, whoever tries again', async () => {
    const hold = await money.mustHold(100n);
    await Promise.all([money.spend.settle(hold, nanoUsd(40n), null), money.spend.settle(hold, nanoUsd(70n), null), money.spend.release(hold)]); // prettier-ignore
    expect(await money.balance()).toEqual({ spent: 40n, held: 0n });
    expect((await money.stored()).spent).toBe(40n);
  });

  it.skipIf(skip)('passes a hold on to the next attempt, one entry each', async () => {
    const first = await money.mustHold(900n);
    const attempt = await money.hold(1_000n, 1_000n, money.chain, first);
    expect(await money.balance()).toEqual({ spent: 0n, held: 1_000n });
    await money.spend.release(first);
    await money.spend.settle((attempt as { hold: Hold }).hold, nanoUsd(40n), null);
    expect(await money.balance()).toEqual({ spent: 40n, held: 0n });
    expect(await money.stored()).toEqual({ spent: 40n, states: ['settled', 'settled'] });
  });

  it.skipIf(skip)('keeps a hold where the next attempt gets nothing, or cannot be written', async () => {
    const first = await money.mustHold(900n);
    expect(await money.hold(1_001n, 1_000n, money.chain, first)).toHaveProperty('denials');
    expect(await money.balance()).toEqual({ spent: 0n, held: 900n });
    money.services.breakCommits(3);
    await expect(money.hold(1_000n, 1_000n, money.chain, first)).rejects.toThrow('connection lost');
    vi.restoreAllMocks();
    expect(await money.balance()).toEqual({ spent: 0n, held: 900n });
    await money.spend.release(first);
    expect(await money.balance()).toEqual({ spent: 0n, held: 0n });
  });

  it.skipIf(skip)('bills what was really used, also beyond the bound', async () => {
    const hold = await money.mustHold(100n);
    await money.spend.settle(hold, nanoUsd(2_000n), null);
    expect((await money.balance()).spent).toBe(2_000n);
    const [{ mark }] = (await money.dataSource.query('SELECT mark FROM ledger_entries')) as [
      { mark: string },
    ];
    expect(mark).toBe('overrun');
  });

  it.skipIf(skip)('holds no more than fits, however many ask in one tick', async () => {
    const attempts = await Promise.all(Array.from({ length: 50 }, () => money.hold(100n)));
    const holds = attempts.flatMap((one) => ('hold' in one ? [one.hold] : []));
    expect(holds).toHaveLength(10);
    const refused = attempts.flatMap((one) => ('denials' in one ? one.denials : []));
    expect(refused.every(({ temporary }) => temporary)).toBe(true);
    await Promise.all(holds.map((hold) => money.spend.release(hold)));
    expect(await money.balance()).toEqual({ spent: 0n, held: 0n });
  });

  it.skipIf(skip)('gives the money back when the open entry cannot be written', async () => {
    money.services.breakCommits(3);
    await expect(money.hold(100n)).rejects.toThrow('connection lost');
    expect(await money.balance()).toEqual({ spent: 0n, held: 0n });
  });

  it.skipIf(skip)(
    'keeps the hold while a settlement cannot be written, and counts it once when it can',
    async () => {
      const hold = await money.mustHold(100n);
      money.services.breakCommits(1);
      const settled = money.spend.settle(hold, nanoUsd(40n), null);
      await new Promise(setImmediate);
      expect(await money.balance()).toEqual({ spent: 0n, held: 100n });
      await settled;
      expect(await money.balance()).toEqual({ spent: 40n, held: 0n });
      expect((await money.stored()).spent).toBe(40n);
    },
  );

  it.skipIf(skip)('counts a settlement once that was committed though the answer was lost', async () => {
    const hold = await money.mustHold(100n);
    money.services.breakCommits(1, 'committed');
    await money.spend.settle(hold, nanoUsd(40n), null);
    expect(await money.stored()).toEqual({ spent: 40n, states: ['settled'] });
    expect(await money.balance()).toEqual({ spent: 40n, held: 0n });
  });

  it.skipIf(skip)(
    'folds what is old into sums per day, and knows what a window spent before it was opened',
    async () => {
      const day = Date.parse('2026-01-10T00:00:00Z');
      const settledAt = async (at: number, cost: bigint, usage: Usage | null = null) => {
        const hold = await money.mustHold(100n);
        await money.spend.settle(hold, nanoUsd(cost), usage);
        await money.dataSource.query(`UPDATE ledger_entries SET opened_at = ${at}, closed_at = ${at + 5} WHERE id = '${hold.id}'`); // prettier-ignore
      };
      await settledAt(day - 1, 1n);
      await settledAt(day, 10n, { inputTokens: 3, outputTokens: 4 });
      await settledAt(day + DAY_MS - 1, 20n, { inputTokens: 5, outputTokens: 6, cachedInputTokens: 2 });
      await settledAt(day + DAY_MS, 40n);
      const open = await money.mustHold(100n);
      await money.dataSource.query(`UPDATE ledger_entries SET opened_at = ${day} WHERE id = '${open.id}'`);

      const retention = new Retention(money.services.database, {} as Config, () => new Date());
      expect(await retention.fold(new Date(day + DAY_MS))).toBe(2);
      expect(await retention.fold(new Date(day + DAY_MS + 5))).toBe(1);
      expect(await retention.fold(new Date(day + DAY_MS + 5))).toBe(0);
      const days: object[] = await money.dataSource.query(
        `SELECT day, mark, CAST(entries AS text) AS entries, CAST(cost_nano_usd AS text) AS cost, CAST(input_tokens AS text) AS input,
         CAST(output_tokens AS text) AS output, CAST(cached_input_tokens AS text) AS cached FROM ledger_days ORDER BY day`,
      );
      expect(days.map((row) => ({ ...row, day: Number((row as { day: string }).day) }))).toEqual([
        { day: day - DAY_MS, mark: '', entries: '1', cost: '1', input: '0', output: '0', cached: '0' },
        { day, mark: '', entries: '2', cost: '30', input: '8', output: '10', cached: '2' },
      ]);
      expect((await money.stored()).states.toSorted()).toEqual(['open', 'settled']);

      // Reports count every call once: folded before it was summed up, behind an open one, or neither.
      const sums = new ActivitySums(money.services.database, undefined as never, () => new Date());
      const summed = async () => {
        await sums.sumUp(new Date());
        const [row] = await money.dataSource.query<object[]>(
          `SELECT CAST(sum(entries) AS text) AS entries, CAST(sum(cost_nano_usd) AS text) AS cost FROM activity_days`,
        );
        return row;
      };
      expect(await summed()).toEqual({ entries: '3', cost: '31' });
      await money.spend.release(open);
      expect(await summed()).toEqual({ entries: '5', cost: '71' });
      expect(await summed()).toEqual({ entries: '5', cost: '71' });

      expect((await verifyLedger(money.dataSource)).differences).toEqual([]);

      const window = { ...lifetimeAccount('key', 'k'), windowId: 'w', countsFrom: new Date(day + 1) };
      for (const [id, countsFrom, spent] of [
        ['midnight', day, 70n],
        ['in the middle: the whole day', day + 1, 70n],
        ['the next day', day + DAY_MS, 40n],
      ] as const) {
        const account = { ...window, id, countsFrom: new Date(countsFrom) };
        const [live] = await money.services.accounts.load([{ account, limitNanoUsd: nanoUsd(1n) }]);
        expect([id, live!.spentNanoUsd]).toEqual([id, spent]);
      }
    },
  );

  it.skipIf(skip)('fills a window with all that was spent since a correction took off more', async () => {
    const { accounts, database } = money.services;
    const day = Math.floor(Date.now() / DAY_MS) * DAY_MS - 5 * DAY_MS;
    const at = (ms: number) =>
      money.dataSource.query(`UPDATE ledger_entries SET opened_at = ${ms}, closed_at = ${ms} WHERE closed_at > ${day + DAY_MS}`); // prettier-ignore
    const spend = async (cost: bigint) => money.spend.settle(await money.mustHold(cost), nanoUsd(cost), null);
    await spend(100n);
    await at(day - 1);
    const correction = {
      account: money.account.spec,
      spentNanoUsd: nanoUsd(0n),
      siblings: [],
      modelAccounts: [],
      names: {},
    };
    await database.write((tx) => accounts.correct(tx, [correction]));
    await at(day + 2);
    await spend(40n);
    await at(day + 3);
    const filled = async (id: string, countsFrom: number) => {
      const account = { ...lifetimeAccount('key', 'k'), id, windowId: 'w', countsFrom: new Date(countsFrom) };
      const [live] = await accounts.load([{ account, limitNanoUsd: nanoUsd(1n) }]);
      return live!.spentNanoUsd;
    };
    expect([await filled('since', day + 1), await filled('before', day - 1)]).toEqual([40n, 40n]);
    expect(await new Retention(database, {} as Config, () => new Date()).fold(new Date(day + 4))).toBe(3);
    expect([await filled('folded', day + 1), await filled('folded before', day - 1)]).toEqual([40n, 40n]);
    expect((await verifyLedger(money.dataSource)).differences).toEqual([]);
  });

  it.skipIf(skip)('lets only the entry fail that is at fault', async () => {
    const unwritable = {
      toJSON: () => {
        throw new TypeError('No database takes this.');
      },
    };
    const good = Array.from({ length: 7 }, () => money.hold(10n));
    const bad = money.hold(10n, 1_000n, {
      ...money.chain,
      id: 'poison',
      names: { ...money.chain.names, keyHash: unwritable as never },
      stored: false,
    });
    const more = Array.from({ length: 6 }, () => money.hold(10n));
    await expect(bad).rejects.toThrow();
    const attempts = await Promise.all([...good, ...more]);
    expect(attempts.every((one) => 'hold' in one)).toBe(true);
    expect((await money.stored()).states).toEqual(Array(13).fill('open'));
  });
});

describe.skipIf(!(await postgresIsThere()))('a hold nobody knows the end of', () => {
  beforeEach(async () => {
    const { url, drop } = await migratedPostgres();
    money = await opened(url, '', drop);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await money.close();
  });

  it('is asked for again under the same id, and counts once', async () => {
    money.services.breakCommits(1, 'committed');
    const hold = await money.mustHold(100n);
    expect(await money.balance()).toEqual({ spent: 0n, held: 100n });
    await money.spend.settle(hold, nanoUsd(40n), null);
    expect(await money.balance()).toEqual({ spent: 40n, held: 0n });
    expect((await money.stored()).states).toEqual(['settled']);
  });

  it('is refused when it stays unknown, and what was committed after all is given back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'], shouldAdvanceTime: true, advanceTimeDelta: 200 });
    money.services.breakCommits(3, 'committed');
    await expect(money.hold(100n)).rejects.toThrow('The database did not answer');
    expect(await money.balance()).toEqual({ spent: 0n, held: 100n });
    // A process that is shutting down releases it, too.
    await money.spend.drain(60_000);
    expect(await money.balance()).toEqual({ spent: 0n, held: 0n });
    expect((await money.stored()).states).toEqual(['released']);
    vi.useRealTimers();
  });
});
