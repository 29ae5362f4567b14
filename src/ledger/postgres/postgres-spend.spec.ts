import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Config } from '../../config/config.js';
import type { DatabaseLock } from '../../database/database-lock.js';
import { WriteHealth } from '../../database/write-health.js';
import { Metrics } from '../../metrics/metrics.js';
import { nanoUsd } from '../../policy/money.js';
import { lifetimeAccount, type LiveAccount } from '../account.js';
import { newChain } from '../billing-chain.js';
import { TouchedAccounts } from '../touched-accounts.js';
import type { HoldRequest } from '../spend.service.js';
import type { HoldReply, HoldCommand, HoldOutcome, LedgerStatements } from './ledger-statements.js';
import type { Replicas } from './replicas.js';
import { PostgresSpend } from './postgres-spend.js';

const AMOUNT = nanoUsd(10n);
const spec = lifetimeAccount('key', 'k');
const account: LiveAccount = {
  id: spec.id,
  spec,
  spentNanoUsd: nanoUsd(0n),
  heldNanoUsd: nanoUsd(0n),
  unsettled: 0,
};
const names = {
  keyHash: null,
  keyAlias: null,
  userId: null,
  teamId: null,
  organizationId: null,
  endUserId: null,
};

const request = (requestId: string): HoldRequest => ({
  chain: newChain(names, [account]),
  budgets: [{ scope: { kind: 'key', id: 'k' }, account, limitNanoUsd: nanoUsd(100n) }],
  demand: { wantedNanoUsd: AMOUNT, minimumNanoUsd: AMOUNT, fairShareNanoUsd: AMOUNT },
  inputBoundNanoUsd: nanoUsd(0n),
  requestId,
  tags: [],
  callType: 'c',
  model: 'm',
  deploymentId: 'd',
  provider: 'p',
  alertAccounts: [],
  factRevisions: new Map(),
  canBeRecounted: false,
});

/** The statements sent to the database. The test gives their replies. */
let statementsSent: { readonly requestIds: string[]; readonly reply: (kind: 'short' | 'granted') => void }[];
let spend: PostgresSpend;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  statementsSent = [];
  const statements = {
    hold: (_: string, commands: readonly HoldCommand[]) =>
      new Promise<HoldOutcome>((resolve) => {
        const replyOf = (kind: 'short' | 'granted'): HoldReply =>
          kind === 'granted'
            ? { kind, amount: AMOUNT }
            : { kind, blockedBy: [{ accountId: account.id, spent: 0n, held: 100n }] };
        statementsSent.push({
          requestIds: commands.map((ask) => ask.request.requestId),
          reply: (kind) =>
            resolve({ replies: commands.map(() => replyOf(kind)), changedKeys: [], balances: [] }),
        });
      }),
  } as unknown as LedgerStatements;
  spend = new PostgresSpend(
    statements,
    { id: 'r' } as Replicas,
    {} as never,
    { isOurs: true, expectOurs: () => {} } as DatabaseLock,
    new WriteHealth(),
    { general: { budgetWaitMs: 2_000 } } as Config,
    new TouchedAccounts(),
    new Metrics(),
    () => new Date(),
  );
});
afterEach(() => void vi.useRealTimers());

const turns = async () => {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
};

it('queues a new call behind the calls that are retrying', async () => {
  const first = spend.hold(request('first'));
  await turns();
  statementsSent[0]!.reply('short');
  await turns();
  vi.advanceTimersByTime(50);
  await turns();
  const second = spend.hold(request('second'));
  await turns();
  statementsSent[1]!.reply('short');
  await turns();
  vi.advanceTimersByTime(50);
  await turns();
  expect(statementsSent.map(({ requestIds }) => requestIds)).toEqual([
    ['first'],
    ['first'],
    ['first', 'second'],
  ]);
  statementsSent[2]!.reply('granted');
  expect(await Promise.all([first, second])).toMatchObject([{ hold: {} }, { hold: {} }]);
});
