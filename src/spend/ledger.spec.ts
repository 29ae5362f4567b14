import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freshPostgres, postgresIsThere } from '../../test/postgres.js';
import type { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { databaseOptions } from '../database/options.js';
import type { Scope } from '../policy/decision.js';
import { nanoUsd } from '../policy/money.js';
import { endlessAccount, type LiveAccount } from './account.js';
import { Accounts } from './accounts.js';
import { type BillingChain, newChain } from './chain.js';
import { Ledger } from './ledger.js';
import { Meters } from '../metrics/meters.js';
import { Reservations } from './reservations.js';
import { type Hold, SpendService } from './spend.service.js';

const NOBODY = { keyHash: null, keyAlias: null, userId: null, teamId: null, organizationId: null };
const scope: Scope = { kind: 'key', id: 'k' };

/** Money on a real database. */
class Money {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly spend: SpendService;
  account!: LiveAccount;
  chain!: BillingChain;

  constructor(
    readonly dataSource: DataSource,
    private readonly cleanUp: () => unknown,
  ) {
    this.database = new Database(dataSource);
    this.accounts = new Accounts(this.database, () => new Date());
    const config = { general: { abandonedHolds: 'bound', budgetWaitMs: 0 } } as Config;
    const reservations = new Reservations(config);
    this.spend = new SpendService(
      new Ledger(this.database),
      reservations,
      new Meters(),
      this.accounts,
      this.database,
      () => new Date(),
      config,
    );
  }

  async open(): Promise<this> {
    [this.account] = (await this.accounts.load([endlessAccount('key', 'k')])) as [LiveAccount];
    this.chain = newChain({ ...NOBODY, endUserId: null }, [this.account]);
    return this;
  }

  hold(bound: bigint, limit = 1_000n, chain = this.chain) {
    return this.spend.hold({
      chain,
      budgets: [{ scope, account: this.account, limitNanoUsd: nanoUsd(limit) }],
      wish: { wantedNanoUsd: nanoUsd(bound), minimumNanoUsd: nanoUsd(bound), fairNanoUsd: nanoUsd(bound) },
      inputBoundNanoUsd: nanoUsd(1n),
      requestId: 'r',
      callType: 'chat_completion',
      model: 'm',
      deploymentId: 'd',
      provider: 'openai',
    });
  }

  async held(bound: bigint, limit?: bigint): Promise<Hold> {
    const taken = await this.hold(bound, limit);
    if (!('hold' in taken)) throw new Error('It did not fit.');
    return taken.hold;
  }

  get balance() {
    return {
      spent: this.account.spentNanoUsd,
      held: this.account.heldNanoUsd,
      unsettled: this.account.unsettled,
    };
  }

  async stored(): Promise<{ spent: bigint; states: string[] }> {
    const spent = await this.accounts.spentOn([this.account.spec]);
    const rows: { state: string }[] = await this.dataSource.query(
      'SELECT state FROM ledger_entries ORDER BY id',
    );
    return { spent: spent.get(this.account.id) ?? 0n, states: rows.map(({ state }) => state) };
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
    await this.cleanUp();
  }
}

let money: Money;
const opened = async (url: string | undefined, folder: string, cleanUp: () => unknown) => {
  const dataSource = await new DataSource(databaseOptions(url, folder)).initialize();
  await dataSource.runMigrations();
  return new Money(dataSource, cleanUp).open();
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
      const { url, drop } = await freshPostgres();
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
    const hold = await money.held(100n);
    expect(money.balance).toEqual({ spent: 0n, held: 100n, unsettled: 1 });
    expect(await money.stored()).toEqual({ spent: 0n, states: ['open'] });
    await money.spend.settle(hold, nanoUsd(40n), null);
    expect(money.balance).toEqual({ spent: 40n, held: 0n, unsettled: 0 });
    expect(await money.stored()).toEqual({ spent: 40n, states: ['settled'] });
  });

  it.skipIf(skip)('closes an entry once, whoever tries again', async () => {
    const hold = await money.held(100n);
    await Promise.all([money.spend.settle(hold, nanoUsd(40n), null), money.spend.settle(hold, nanoUsd(70n), null), money.spend.release(hold)]); // prettier-ignore
    expect(money.balance).toEqual({ spent: 40n, held: 0n, unsettled: 0 });
    expect((await money.stored()).spent).toBe(40n);
  });

  it.skipIf(skip)('bills what was really used, also beyond the bound', async () => {
    const hold = await money.held(100n);
    await money.spend.settle(hold, nanoUsd(2_000n), null);
    expect(money.balance.spent).toBe(2_000n);
    const [{ mark }] = (await money.dataSource.query('SELECT mark FROM ledger_entries')) as [
      { mark: string },
    ];
    expect(mark).toBe('overrun');
  });

  it.skipIf(skip)('holds no more than fits, however many ask in one tick', async () => {
    const taken = await Promise.all(Array.from({ length: 50 }, () => money.hold(100n)));
    const held = taken.flatMap((one) => ('hold' in one ? [one.hold] : []));
    expect(held).toHaveLength(10);
    const refused = taken.flatMap((one) => ('denials' in one ? one.denials : []));
    expect(refused.every(({ temporary }) => temporary)).toBe(true);
    await Promise.all(held.map((hold) => money.spend.release(hold)));
    expect(money.balance).toEqual({ spent: 0n, held: 0n, unsettled: 0 });
  });

  it.skipIf(skip)('gives the money back when the open entry cannot be written', async () => {
    vi.spyOn(money.database, 'write').mockRejectedValue(new Error('disk full'));
    vi.spyOn(money.database, 'read').mockRejectedValue(new Error('disk full'));
    await expect(money.hold(100n)).rejects.toThrow('disk full');
    expect(money.balance).toEqual({ spent: 0n, held: 0n, unsettled: 0 });
  });

  it.skipIf(skip)(
    'keeps the hold while a settlement cannot be written, and counts it once when it can',
    async () => {
      const hold = await money.held(100n);
      const write = vi.spyOn(money.database, 'write').mockRejectedValueOnce(new Error('busy'));
      const settled = money.spend.settle(hold, nanoUsd(40n), null);
      await vi.waitFor(() => expect(write).toHaveBeenCalledTimes(1));
      expect(money.balance).toEqual({ spent: 0n, held: 100n, unsettled: 1 });
      await settled;
      expect(money.balance).toEqual({ spent: 40n, held: 0n, unsettled: 0 });
      expect((await money.stored()).spent).toBe(40n);
    },
  );

  it.skipIf(skip)('counts a settlement once that was committed though the answer was lost', async () => {
    const hold = await money.held(100n);
    const write = money.database.write.bind(money.database);
    vi.spyOn(money.database, 'write').mockImplementationOnce(async (...args) => {
      await write(...args);
      throw new Error('connection lost after commit');
    });
    await money.spend.settle(hold, nanoUsd(40n), null);
    expect(await money.stored()).toEqual({ spent: 40n, states: ['settled'] });
  });

  it.skipIf(skip)('lets only the entry fail that is at fault', async () => {
    const poisoned = newChain({ ...NOBODY, endUserId: null }, [
      { ...money.account, spec: undefined as never },
    ]);
    const good = Array.from({ length: 7 }, () => money.hold(10n));
    const bad = money.hold(10n, 1_000n, poisoned);
    const more = Array.from({ length: 6 }, () => money.hold(10n));
    await expect(bad).rejects.toThrow();
    const taken = await Promise.all([...good, ...more]);
    expect(taken.every((one) => 'hold' in one)).toBe(true);
    expect((await money.stored()).states).toEqual(Array(13).fill('open'));
  });
});
