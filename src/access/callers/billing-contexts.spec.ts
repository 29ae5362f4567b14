import { describe, expect, it } from 'vitest';
import type { Config } from '../../config/config.js';
import { nanoUsd, ZERO_NANO_USD } from '../../policy/money.js';
import type { LiveAccount } from '../../ledger/account.js';
import type { AccountNeed, Accounts } from '../../ledger/accounts.js';
import type { CallerSnapshot, PartyConfig } from './caller.js';
import type { CallerCache } from './caller-cache.js';
import { missingParty } from './party-config.js';
import { noBillingContexts } from './billing-context.js';
import type { CalledNameQuota } from '../called-name-quota.js';
import { BillingContexts } from './billing-contexts.js';

const NOBODY = { tags: [] };
const DAY_MS = 86_400_000;
const NOON = new Date('2026-03-01T12:00:00Z');

const party = (kind: 'key' | 'team', id: string, anchor?: Date): PartyConfig => ({
  ...missingParty(kind, id),
  exists: true,
  scopeId: id,
  budgets: [
    { limitNanoUsd: nanoUsd(100n), window: anchor ? { duration: '1d', anchor, since: anchor } : null },
  ],
});

const callerWith = (...parties: PartyConfig[]) =>
  ({
    parties,
    names: { keyHash: null, keyAlias: null, userId: null, teamId: null, organizationId: null },
    tags: [],
    rowRevisions: new Map(),
    billingContexts: noBillingContexts(),
  }) as unknown as CallerSnapshot;

/** Accounts in memory that can be evicted. */
class Memory {
  generation = 1;
  private accounts = new Map<string, LiveAccount>();
  afterLoad = () => {};

  load(needs: readonly AccountNeed[]): Promise<LiveAccount[]> {
    const loaded = needs.map(({ account }) => {
      const known = this.accounts.get(account.id);
      const live = known ?? { id: account.id, spec: account, spentNanoUsd: ZERO_NANO_USD, heldNanoUsd: ZERO_NANO_USD, unsettled: 0 }; // prettier-ignore
      this.accounts.set(account.id, live);
      return live;
    });
    this.afterLoad();
    return Promise.resolve(loaded);
  }

  forgetAll(): void {
    this.accounts = new Map();
    this.generation++;
  }

  has(account: unknown): boolean {
    return [...this.accounts.values()].includes(account as LiveAccount);
  }
}

function world() {
  let now = NOON;
  const memory = new Memory();
  const callers = { cachedTags: () => [], tagsWithRow: () => Promise.resolve([]), isFresh: () => true };
  const billingContexts = new BillingContexts(
    { litellm: { timezone: 'UTC' } } as Config,
    () => now,
    callers as unknown as CallerCache,
    memory as unknown as Accounts,
    { isUsedUp: () => false } as unknown as CalledNameQuota,
  );
  return { memory, billingContexts, at: (later: Date) => void (now = later) };
}

describe('billing contexts', () => {
  it('of two keys have what stands behind both of them in common', async () => {
    const { billingContexts } = world();
    const team = party('team', 't');
    const [one, other] = [callerWith(party('key', 'a'), team), callerWith(party('key', 'b'), team)];
    const [first, second] = [
      await billingContexts.of(one, NOBODY, undefined),
      await billingContexts.of(other, NOBODY, undefined),
    ];
    expect(second.parties[1]).toBe(first.parties[1]);
    expect(second.parties[0]).not.toBe(first.parties[0]);
  });

  it('are of the windows that are open, whoever was there before they were', async () => {
    const { billingContexts, at } = world();
    const team = party('team', 't', NOON);
    const before = await billingContexts.of(callerWith(team), NOBODY, undefined);
    at(new Date(NOON.getTime() + DAY_MS));
    const after = await billingContexts.of(callerWith(team), NOBODY, undefined);
    const windowsOf = ({ budgets }: typeof before) => budgets.map(({ account }) => account.id);
    expect(windowsOf(after)).toEqual(['team/t/day@UTC/1772409600000']);
    expect(windowsOf(after)).not.toEqual(windowsOf(before));
  });

  it('are of accounts that are in memory, also when others left it while they were loaded', async () => {
    const { billingContexts, memory } = world();
    const team = party('team', 't');
    await billingContexts.of(callerWith(team), NOBODY, undefined);
    memory.afterLoad = () => {
      memory.forgetAll();
      memory.afterLoad = () => {};
    };
    const { chain, budgets } = await billingContexts.of(
      callerWith(party('key', 'a'), team),
      NOBODY,
      undefined,
    );
    expect(chain.accounts.map((account) => memory.has(account))).toEqual([true, true]);
    expect(budgets.map(({ account }) => memory.has(account))).toEqual([true, true]);
  });
});
