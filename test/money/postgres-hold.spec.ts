import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import type { Config } from '../../src/config/config.js';
import { Database } from '../../src/database/database.js';
import { databaseOptions } from '../../src/database-options.js';
import { decideHold } from '../../src/policy/hold-amount.js';
import { nanoUsd } from '../../src/policy/money.js';
import { lifetimeAccount, type LiveAccount } from '../../src/ledger/account.js';
import { newChain } from '../../src/ledger/billing-chain.js';
import type { ClosedEntry, HoldRequest, ScopedBudget } from '../../src/ledger/spend.service.js';
import { LedgerConnection } from '../../src/ledger/postgres/ledger-connection.js';
import {
  type HoldReply,
  type HoldCommand,
  LedgerStatements,
} from '../../src/ledger/postgres/ledger-statements.js';
import { PostgresAccounts } from '../../src/ledger/postgres/postgres-accounts.js';

const RUNS = 400;
const ACCOUNTS = 4;
const NOBODY = {
  keyHash: null,
  keyAlias: null,
  userId: null,
  teamId: null,
  organizationId: null,
  endUserId: null,
};

interface Call {
  /** Accounts of the call, with the limit on each; null: none. */
  readonly on: readonly { readonly account: number; readonly limit: bigint | null }[];
  readonly wanted: bigint;
  readonly minimum: bigint;
  readonly fair: bigint;
  readonly last: boolean;
}

type Step =
  | { readonly calls: readonly Call[] }
  | { readonly close: number; readonly costShare: number }
  | { readonly pass: number; readonly to: readonly Call[] };

const amount = fc.bigInt({ min: 0n, max: 300n });
const aCall: fc.Arbitrary<Call> = fc
  .record({
    on: fc.uniqueArray(
      fc.record({
        account: fc.nat(ACCOUNTS - 1),
        limit: fc.option(fc.bigInt({ min: 0n, max: 1_000n }), { freq: 5 }),
      }),
      { selector: ({ account }) => account, minLength: 1, maxLength: ACCOUNTS },
    ),
    wanted: amount,
    minimum: amount,
    fair: amount,
    last: fc.boolean(),
  })
  .map((call) => ({ ...call, minimum: call.minimum < call.wanted ? call.minimum : call.wanted }));

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ calls: fc.array(aCall, { minLength: 1, maxLength: 12 }) }) },
    { weight: 2, arbitrary: fc.record({ close: fc.nat(50), costShare: fc.nat(10) }) },
    {
      weight: 2,
      arbitrary: fc.record({ pass: fc.nat(50), to: fc.array(aCall, { minLength: 1, maxLength: 3 }) }),
    },
  ),
  { minLength: 1, maxLength: 6 },
);

/** Returns the expected replies to a batch by the pure function. The order counts, and each call gets all or nothing. */
function expected(calls: readonly Call[], balances: { spent: bigint; held: bigint }[]): HoldReply[] {
  const awaited = new Set<number>();
  return calls.map(({ on, wanted, minimum, fair, last }) => {
    const budgets = on.flatMap(({ account, limit }) =>
      limit === null
        ? []
        : [
            {
              limitNanoUsd: nanoUsd(limit),
              account: {
                id: String(account),
                spentNanoUsd: nanoUsd(balances[account]!.spent),
                heldNanoUsd: nanoUsd(balances[account]!.held),
              },
            },
          ],
    );
    const answer = decideHold(budgets, {
      wantedNanoUsd: nanoUsd(wanted),
      minimumNanoUsd: nanoUsd(minimum),
      fairShareNanoUsd: nanoUsd(fair),
    });
    const replyOf = (kind: 'short' | 'refused', by: readonly { account: { id: string } }[]): HoldReply => ({
      kind,
      blockedBy: by.map(({ account: { id } }) => ({ accountId: id, ...balances[Number(id)]! })),
    });
    if (answer.kind === 'refused') return replyOf('refused', answer.by);
    const behind =
      last || wanted === 0n ? undefined : budgets.find(({ account }) => awaited.has(Number(account.id)));
    if (behind) return replyOf('short', [behind]);
    const granted = answer.kind === 'granted' ? answer.amountNanoUsd : last ? answer.nowNanoUsd : undefined;
    if (granted === undefined) {
      const { by } = answer as Extract<typeof answer, { kind: 'short' }>;
      if (last) return replyOf('refused', by);
      awaited.add(Number(by[0]!.account.id));
      return replyOf('short', by);
    }
    for (const { account } of on) balances[account]!.held += granted;
    return { kind: 'granted', amount: granted };
  });
}

interface OpenHold {
  readonly id: string;
  readonly amount: bigint;
  readonly on: Call['on'];
}

/** Returns the same for a call with an open hold, which counts as released. The hold stays if nothing is granted. */
function expectedToPass(
  { on, amount: had }: OpenHold,
  call: Call,
  balances: { spent: bigint; held: bigint }[],
) {
  for (const { account } of on) balances[account]!.held -= had;
  const answers = expected([call], balances);
  if (answers[0]!.kind !== 'granted') for (const { account } of on) balances[account]!.held += had;
  return answers;
}

describe.skipIf(!(await postgresIsThere()))('tollgate_hold', () => {
  let dataSource: DataSource;
  let connection: LedgerConnection;
  let statements: LedgerStatements;
  let accounts: PostgresAccounts;
  let drop: () => Promise<void>;
  let serial = 0;

  beforeAll(async () => {
    const fresh = await migratedPostgres();
    drop = fresh.drop;
    dataSource = await new DataSource(databaseOptions(fresh.url, '')).initialize();
    await dataSource.runMigrations();
    connection = new LedgerConnection({ databaseUrl: fresh.url } as Config);
    statements = new LedgerStatements(connection);
    accounts = new PostgresAccounts(new Database(dataSource), () => new Date());
  });
  afterAll(async () => {
    await connection.close();
    await dataSource.destroy();
    await drop();
  });

  const opened = (limitNanoUsd: bigint | null) => {
    const world = ++serial;
    return accounts.load(
      Array.from({ length: ACCOUNTS }, (_, i) => ({
        account: lifetimeAccount('key', `${world}-${i}`),
        limitNanoUsd: limitNanoUsd === null ? null : nanoUsd(limitNanoUsd),
      })),
    );
  };

  const asked = (
    id: string,
    call: Call,
    live: readonly LiveAccount[],
    more: Partial<HoldRequest> = {},
  ): HoldCommand => ({
    id,
    isLastTry: call.last,
    ending: more.replaces && released(more.replaces.hold.id),
    request: {
      chain: newChain(
        NOBODY,
        call.on.map(({ account }) => live[account]!),
      ),
      budgets: call.on.flatMap(({ account, limit }): ScopedBudget[] =>
        limit === null
          ? []
          : [{ scope: { kind: 'key', id: 'k' }, account: live[account]!, limitNanoUsd: nanoUsd(limit) }],
      ),
      demand: {
        wantedNanoUsd: nanoUsd(call.wanted),
        minimumNanoUsd: nanoUsd(call.minimum),
        fairShareNanoUsd: nanoUsd(call.fair),
      },
      inputBoundNanoUsd: nanoUsd(0n),
      requestId: 'r',
      callType: 'chat_completion',
      model: 'm',
      deploymentId: 'd',
      provider: 'openai',
      factRevisions: new Map(),
      tags: [],
      alertAccounts: [],
      canBeRecounted: false,
      ...more,
    },
  });

  const released = (id: string): ClosedEntry => ({ id, state: 'released', costNanoUsd: nanoUsd(0n), mark: null, usage: null, closedAt: new Date() }); // prettier-ignore

  const insteadOf = (old: OpenHold | undefined, live: readonly LiveAccount[]): Partial<HoldRequest> => {
    if (!old) return {};
    const chain = newChain(NOBODY, old.on.map(({ account }) => live[account]!)); // prettier-ignore
    return { replaces: { hold: { id: old.id, chain, boundNanoUsd: nanoUsd(old.amount), watched: [] }, mark: null } }; // prettier-ignore
  };

  const closed = (id: string, cost: bigint, state: 'settled' | 'released' = 'settled') =>
    statements.settle([
      { id, state, costNanoUsd: nanoUsd(cost), mark: null, usage: null, closedAt: new Date() },
    ]);

  const balancesOf = async (live: readonly LiveAccount[]) => {
    await accounts.refresh(live);
    return live.map(({ spentNanoUsd, heldNanoUsd }) => ({
      spent: spentNanoUsd as bigint,
      held: heldNanoUsd as bigint,
    }));
  };

  it('answers every batch as the pure function does, one call after the other', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (world) => {
        const live = await opened(1n);
        const balances = live.map(() => ({ spent: 0n, held: 0n }));
        const open: OpenHold[] = [];
        for (const step of world) {
          if ('close' in step) {
            const [one] = open.splice(step.close % Math.max(open.length, 1), 1);
            if (!one) continue;
            const cost = (one.amount * BigInt(step.costShare)) / 10n;
            await closed(one.id, cost, step.costShare ? 'settled' : 'released');
            for (const { account } of one.on) {
              balances[account]!.held -= one.amount;
              balances[account]!.spent += cost;
            }
          } else {
            const passing = 'pass' in step;
            const olds = passing ? open.splice(step.pass % Math.max(open.length, 1), step.to.length) : [];
            const calls = passing ? step.to.slice(0, olds.length) : step.calls;
            if (!calls.length) continue;
            const right = passing
              ? calls.flatMap((call, i) => expectedToPass(olds[i]!, call, balances))
              : expected(calls, balances);
            const asks = calls.map((call, i) => asked(`${serial}-${Math.random()}`, call, live, insteadOf(olds[i], live))); // prettier-ignore
            const { replies: answers } = await statements.hold('replica', asks, false);
            const withPositions = (answer: HoldReply): HoldReply =>
              'blockedBy' in answer
                ? {
                    ...answer,
                    blockedBy: answer.blockedBy.map((one) => ({
                      ...one,
                      accountId: String(live.findIndex(({ id }) => id === one.accountId)),
                    })),
                  }
                : answer;
            expect(answers.map(withPositions)).toEqual(right);
            answers.forEach((answer, i) => {
              if (answer.kind === 'granted')
                open.push({ id: asks[i]!.id, amount: answer.amount, on: calls[i]!.on });
              else if (olds[i]) open.push(olds[i]);
            });
          }
          expect(await balancesOf(live)).toEqual(balances);
        }
      }),
      { numRuns: RUNS },
    );
  });

  const call = (limit: bigint | null, wanted = 100n): Call => ({
    on: [{ account: 0, limit }],
    wanted,
    minimum: wanted,
    fair: wanted,
    last: true,
  });

  it('grants the same hold once, however often it is asked for', async () => {
    const live = await opened(1n);
    const ask = asked('again', call(150n), live);
    for (const again of [false, true, true]) {
      const { replies: answers } = await statements.hold('replica', [ask], again);
      expect(answers).toEqual([{ kind: 'granted', amount: 100n }]);
    }
    expect((await balancesOf(live))[0]).toEqual({ spent: 0n, held: 100n });
    await closed('again', 40n);
    await closed('again', 70n);
    expect((await balancesOf(live))[0]).toEqual({ spent: 40n, held: 0n });
    expect((await statements.hold('replica', [ask], true)).replies).toEqual([{ kind: 'closed' }]);
  });

  it('passes a hold on once, however often it is asked for, and lets another process stand in line meanwhile', async () => {
    const live = await opened(1n);
    await statements.hold('replica', [asked('first', call(100n), live)], false);
    const old = { id: 'first', amount: 100n, on: call(100n).on };
    const next = asked('second', call(100n, 80n), live, insteadOf(old, live));
    for (const again of [false, true, true]) {
      expect((await statements.hold('replica', [next], again)).replies).toEqual([{ kind: 'granted', amount: 80n }]); // prettier-ignore
      expect((await balancesOf(live))[0]).toEqual({ spent: 0n, held: 80n });
    }
    const states = await dataSource.query(
      `SELECT id, state FROM ledger_entries WHERE id IN ('first', 'second') ORDER BY id`,
    );
    expect(states).toEqual([
      { id: 'first', state: 'released' },
      { id: 'second', state: 'open' },
    ]);
  });

  it('leaves a hold as it is when the next one gets nothing, and keeps the accounts of its chain', async () => {
    const live = await opened(1n);
    await statements.hold('replica', [asked('kept', call(100n), live)], false);
    const more = { ...call(100n, 120n), on: [0, 1].map((account) => ({ account, limit: 100n })) };
    const ask = asked(
      'refused',
      more,
      live,
      insteadOf({ id: 'kept', amount: 100n, on: call(100n).on }, live),
    );
    expect((await statements.hold('replica', [ask], false)).replies[0]!.kind).toBe('refused');
    expect((await balancesOf(live))[0]).toEqual({ spent: 0n, held: 100n });
    await closed('kept', 0n, 'released');
    const fits = { ...ask, id: 'fits', ending: undefined, request: { ...ask.request, demand: asked('', call(1n, 10n), live).request.demand } }; // prettier-ignore
    await statements.hold('replica', [fits], false);
    expect((await balancesOf(live)).map(({ held }) => held)).toEqual([10n, 10n, 0n, 0n]);
    await closed('fits', 10n);
    expect((await balancesOf(live)).map(({ spent }) => spent)).toEqual([10n, 10n, 0n, 0n]);
  });

  it('never holds more than fits, whatever many connections ask at once, in whatever order', async () => {
    const live = await opened(1n);
    const both = (order: readonly number[]): Call => ({
      ...call(1_000n),
      on: order.map((account) => ({ account, limit: 1_000n })),
    });
    const others = Array.from({ length: 3 }, () => new LedgerConnection({ databaseUrl: dataSource.options.type && (dataSource.options as { url: string }).url } as Config)); // prettier-ignore
    const batches = Array.from({ length: 30 }, (_, i) => {
      const orders = [
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [1, 3],
        [2, 0],
      ];
      const asks = Array.from({ length: 5 }, (_, j) =>
        asked(`race-${i}-${j}`, both(orders[(i + j) % 4]!), live),
      );
      return new LedgerStatements(others[i % 3]!).hold('replica', asks, false);
    });
    const granted = (await Promise.all(batches)).flatMap(({ replies: answers }) =>
      answers.filter(({ kind }) => kind === 'granted'),
    );
    for (const one of others) await one.close();
    for (const { spent, held } of await balancesOf(live)) expect(spent + held <= 1_000n).toBe(true);
    expect(granted.length).toBeGreaterThanOrEqual(10);
  });

  it('counts what is held and spent already when an account gets its first limit', async () => {
    const unlimited = await opened(null);
    const [account] = unlimited as [LiveAccount];
    await statements.hold('replica', [asked('before-1', call(null), unlimited), asked('before-2', call(null, 50n), unlimited)], false); // prettier-ignore
    await closed('before-2', 30n);
    expect(
      (await statements.hold('replica', [asked('too-early', call(500n), unlimited)], false)).replies,
    ).toEqual([{ kind: 'outdated' }]);
    await accounts.load([{ account: account.spec, limitNanoUsd: nanoUsd(500n) }]);
    expect((await balancesOf(unlimited))[0]).toEqual({ spent: 30n, held: 100n });
    const { replies: answers } = await statements.hold(
      'replica',
      [asked('after', call(129n), unlimited)],
      false,
    );
    expect(answers[0]).toMatchObject({ kind: 'refused', blockedBy: [{ spent: 30n, held: 100n }] });
    await closed('before-1', 100n);
    expect((await balancesOf(unlimited))[0]).toEqual({ spent: 130n, held: 0n });
  });

  it('grants nothing on facts that are old', async () => {
    const live = await opened(1n);
    const madeOf = new Map([['team_id:t', 1]]);
    const ask = (id: string, revision: number) => asked(id, call(1_000n), live, { factRevisions: new Map([['team_id:t', revision]]) }); // prettier-ignore
    await dataSource.query(
      `INSERT INTO revisions (subject, revision, changed_in, changed_at) VALUES ('team_id:t', 2, 1, 1)`,
    );
    const { replies: answers, changedKeys: moved } = await statements.hold(
      'replica',
      [ask('old', 1), ask('new', 2), ask('never', 0)],
      false,
    );
    expect(answers.map(({ kind }) => kind)).toEqual(['outdated', 'granted', 'outdated']);
    expect([...new Set(moved)]).toEqual([...madeOf.keys()]);
  });

  it('folds deltas into balances, each once', async () => {
    const live = await opened(null);
    for (let i = 0; i < 10; i++) {
      await statements.hold('replica', [asked(`fold-${i}`, call(null), live)], false);
      await closed(`fold-${i}`, BigInt(i));
    }
    const stored = async () =>
      (await dataSource.query(`SELECT spent_nano_usd AS spent FROM accounts WHERE id = $1`, [
        live[0]!.id,
      ])) as unknown;
    expect(await stored()).toEqual([{ spent: '0' }]);
    await Promise.all(Array.from({ length: 4 }, () => dataSource.query('SELECT tollgate_fold(3)')));
    while (((await dataSource.query('SELECT tollgate_fold(3) AS more')) as [{ more: boolean }])[0].more);
    expect(await stored()).toEqual([{ spent: '45' }]);
    expect((await balancesOf(live))[0]).toEqual({ spent: 45n, held: 0n });
  });

  it('bills the calls of processes that are gone, and corrects one entry when the truth comes late', async () => {
    const live = await opened(1n);
    await dataSource.query(`INSERT INTO replicas (id, started_at, seen_at) VALUES ('alive', 1, 1)`);
    await statements.hold(
      'dead',
      [asked('lost', call(1_000n), live), asked('late', call(1_000n), live, { tags: ['a', 'b'] })],
      false,
    );
    await statements.hold('alive', [asked('mine', call(1_000n), live)], false);
    const abandon = async () =>
      ((await dataSource.query(`SELECT tollgate_abandon('bound', 500) AS count`)) as [{ count: number }])[0]
        .count;
    while (await abandon());
    expect((await balancesOf(live))[0]).toEqual({ spent: 200n, held: 100n });
    await closed('late', 30n);
    await closed('late', 30n);
    expect((await balancesOf(live))[0]).toEqual({ spent: 130n, held: 100n });
    const entries: { mark: string; cost: string; tags: string | null }[] = await dataSource.query(
      `SELECT mark, cost_nano_usd AS cost, request_tags AS tags FROM ledger_entries WHERE id IN ('lost', 'late', md5('late/late')) ORDER BY cost_nano_usd, request_tags`,
    );
    expect(entries).toEqual([
      { mark: 'adjustment', cost: '-70', tags: '["a","b"]' },
      { mark: 'abandoned', cost: '100', tags: '["a","b"]' },
      { mark: 'abandoned', cost: '100', tags: null },
    ]);
  });
});
