import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nanoUsd } from '../../policy/money.js';
import { lifetimeAccount, type LiveAccount } from '../account.js';
import { type BillingChain, newChain } from '../billing-chain.js';
import type { HoldResult } from '../spend.service.js';
import { type Reservation, Reservations } from './reservations.js';

const WAIT_MS = 100;
const NO_NAMES = {
  keyHash: null,
  keyAlias: null,
  userId: null,
  teamId: null,
  organizationId: null,
  endUserId: null,
};

/** Accounts with limits and calls that hold money on them: the part of `SpendService` around `Reservations`. */
class World {
  readonly reservations = new Reservations({ general: { budgetWaitMs: WAIT_MS } });
  readonly accounts: LiveAccount[];
  /** Amounts held, by call. */
  readonly open = new Map<number, { chain: BillingChain; amount: bigint }>();
  readonly results = new Map<number, HoldResult>();
  private readonly passing = new Set<number>();
  private calls = 0;

  constructor(readonly limits: bigint[]) {
    this.accounts = limits.map((_, i) => {
      const spec = lifetimeAccount('key', `k${i}`);
      return { id: spec.id, spec, spentNanoUsd: nanoUsd(0n), heldNanoUsd: nanoUsd(0n), unsettled: 0 };
    });
  }

  request(on: readonly number[], wanted: bigint, minimum: bigint, fair: bigint): Reservation {
    const accounts = on.map((i) => this.accounts[i]!);
    return {
      chain: newChain(NO_NAMES, accounts),
      budgets: on.map((i) => ({
        account: this.accounts[i]!,
        limitNanoUsd: nanoUsd(this.limits[i]!),
        scope: { kind: 'key', id: `k${i}` },
      })),
      demand: {
        wantedNanoUsd: nanoUsd(wanted),
        minimumNanoUsd: nanoUsd(minimum),
        fairShareNanoUsd: nanoUsd(fair),
      },
    };
  }

  /** `from`: an open call whose hold this one replaces. */
  take(reservation: Reservation, from?: number): number {
    const id = this.calls++;
    const old = this.open.get(from!);
    if (old) this.passing.add(from!);
    const record = (result: HoldResult) => {
      this.results.set(id, result);
      this.passing.delete(from!);
      if (!('amountNanoUsd' in result)) return;
      this.open.set(id, { chain: reservation.chain, amount: result.amountNanoUsd });
      if (!old) return;
      this.open.delete(from!);
      for (const account of old.chain.accounts) account.unsettled--;
    };
    const replaces = old && { hold: { chain: old.chain, boundNanoUsd: nanoUsd(old.amount) } };
    const pending = this.reservations.reserve({ ...reservation, replaces });
    if (pending instanceof Promise) void pending.then(record);
    else record(pending);
    return id;
  }

  /** Open calls that are not waiting for a replacement. */
  get running(): number[] {
    return [...this.open.keys()].filter((id) => !this.passing.has(id));
  }

  /** Ends an open call at a cost. */
  close(id: number, cost: bigint): void {
    const { chain, amount } = this.open.get(id)!;
    this.open.delete(id);
    for (const account of chain.accounts) {
      account.spentNanoUsd = nanoUsd(account.spentNanoUsd + cost);
      account.unsettled--;
    }
    this.reservations.release(chain, nanoUsd(amount));
  }

  check(): void {
    this.accounts.forEach((account, i) => {
      const heldAmount = [...this.open.values()]
        .filter(({ chain }) => chain.accounts.includes(account))
        .reduce((sum, { amount }) => sum + amount, 0n);
      expect(account.heldNanoUsd).toBe(heldAmount);
      expect(account.spentNanoUsd + account.heldNanoUsd <= this.limits[i]!).toBe(true);
    });
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());
const settle = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

describe('reservations', () => {
  it('serve waiting calls in their order, while they fit', async () => {
    const world = new World([100n]);
    const first = world.take(world.request([0], 100n, 100n, 100n));
    const waiting = [60n, 30n, 20n].map((amount) => world.take(world.request([0], amount, amount, amount)));
    expect(world.results.size).toBe(1);
    world.close(first, 0n);
    await settle();
    // 60 and 30 fit; 20 would fit neither beside them nor before them.
    expect([...world.open.values()].map(({ amount }) => amount)).toEqual([60n, 30n]);
    world.close(waiting[1]!, 0n);
    await settle();
    expect(world.results.get(waiting[2]!)).toEqual({ amountNanoUsd: 20n });
  });

  it('let no call pass the waiting calls', async () => {
    const world = new World([100n]);
    const first = world.take(world.request([0], 90n, 90n, 90n));
    world.take(world.request([0], 50n, 50n, 50n));
    const small = world.take(world.request([0], 5n, 5n, 5n));
    expect(world.results.has(small)).toBe(false);
    world.close(first, 0n);
    await settle();
    expect(world.results.size).toBe(3);
  });

  it('serve the next call when the one before it gives up', async () => {
    const world = new World([100n]);
    world.take(world.request([0], 60n, 60n, 60n));
    const big = world.take(world.request([0], 50n, 50n, 50n));
    vi.advanceTimersByTime(WAIT_MS / 2);
    const small = world.take(world.request([0], 30n, 30n, 30n));
    vi.advanceTimersByTime(WAIT_MS / 2);
    await settle();
    expect(world.results.get(big)).toHaveProperty('denials');
    expect(world.results.get(small)).toEqual({ amountNanoUsd: 30n });
  });

  it('are denied when a settlement made the wait hopeless', async () => {
    const world = new World([100n]);
    const first = world.take(world.request([0], 100n, 100n, 100n));
    const second = world.take(world.request([0], 60n, 60n, 60n));
    world.close(first, 50n);
    await settle();
    expect(world.results.get(second)).toMatchObject({ denials: [{ temporary: false }] });
  });

  it('pass money to the next attempt before waiting calls, and serve those with the rest', async () => {
    const world = new World([100n]);
    const first = world.take(world.request([0], 100n, 100n, 100n));
    const waiting = world.take(world.request([0], 40n, 40n, 40n));
    const next = world.take(world.request([0], 60n, 60n, 60n), first);
    expect(world.results.get(next)).toEqual({ amountNanoUsd: 60n });
    await settle();
    expect(world.results.get(waiting)).toEqual({ amountNanoUsd: 40n });
    world.check();
  });

  it('that need more than they replace wait first and keep the old hold', async () => {
    const world = new World([100n]);
    const other = world.take(world.request([0], 50n, 50n, 50n));
    const first = world.take(world.request([0], 50n, 50n, 50n));
    const waiting = world.take(world.request([0], 30n, 30n, 30n));
    const next = world.take(world.request([0], 80n, 80n, 80n), first);
    expect(world.accounts[0]!.heldNanoUsd).toBe(100n);
    world.close(other, 0n);
    await settle();
    expect(world.results.get(next)).toEqual({ amountNanoUsd: 80n });
    expect(world.results.has(waiting)).toBe(false);
    world.check();
  });

  it('keep every limit, lose no hold and give every call a result, in any order of events', async () => {
    const amount = (most: number) => fc.integer({ min: 0, max: most }).map(BigInt);
    const event = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('take' as const),
          on: fc.uniqueArray(fc.nat(2), { minLength: 1 }),
          wanted: amount(60),
          minimum: amount(60),
          fair: amount(60),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('close' as const), which: fc.nat(), part: fc.nat(100) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('pass' as const),
          on: fc.uniqueArray(fc.nat(2), { minLength: 1 }),
          wanted: amount(60),
          minimum: amount(60),
          fair: amount(60),
          which: fc.nat(),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.nat(WAIT_MS) }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(amount(200), { minLength: 3, maxLength: 3 }),
        fc.array(event, { maxLength: 25 }),
        async (limits, events) => {
          const world = new World(limits);
          let requested = 0;
          for (const one of events) {
            if (one.kind === 'take') {
              requested++;
              const minimum = one.minimum < one.wanted ? one.minimum : one.wanted;
              const never = one.on.some((i) => world.accounts[i]!.spentNanoUsd + minimum > limits[i]!);
              const free = (i: number) =>
                limits[i]! - world.accounts[i]!.spentNanoUsd - world.accounts[i]!.heldNanoUsd;
              const id = world.take(world.request(one.on, one.wanted, minimum, one.fair));
              const results = world.results.get(id);
              // A call is denied permanently exactly if its minimum can never fit.
              if (never && results)
                expect(results).toMatchObject({
                  denials: expect.arrayContaining([expect.objectContaining({ temporary: false })]),
                });
              if (results && 'denials' in results) expect(never).toBe(true);
              if (results && 'amountNanoUsd' in results)
                expect(results.amountNanoUsd >= minimum && results.amountNanoUsd <= one.wanted).toBe(true);
              // A waiting call lacks room or queues behind one that does.
              if (!results)
                expect(one.on.some((i) => free(i) < one.wanted) || world.results.size < requested - 1).toBe(
                  true,
                );
            } else if (one.kind === 'pass') {
              const ids = world.running;
              if (ids.length) {
                requested++;
                const from = ids[one.which % ids.length]!;
                const { chain, amount: had } = world.open.get(from)!;
                const minimum = one.minimum < one.wanted ? one.minimum : one.wanted;
                const isCovered =
                  one.wanted <= had && one.on.every((i) => chain.accounts.includes(world.accounts[i]!));
                const id = world.take(world.request(one.on, one.wanted, minimum, one.fair), from);
                // No other call takes the money in between: the old hold is enough for the same amount.
                if (isCovered) expect(world.results.get(id)).toHaveProperty('amountNanoUsd');
              }
            } else if (one.kind === 'close') {
              const ids = world.running;
              if (ids.length) {
                const id = ids[one.which % ids.length]!;
                world.close(id, (world.open.get(id)!.amount * BigInt(one.part)) / 100n);
              }
            } else vi.advanceTimersByTime(one.ms);
            await settle();
            world.check();
          }
          vi.advanceTimersByTime(WAIT_MS);
          await settle();
          expect(world.results.size).toBe(requested);
          for (const id of world.open.keys()) world.close(id, 0n);
          expect(
            world.accounts.every(({ heldNanoUsd, unsettled }) => heldNanoUsd === 0n && unsettled === 0),
          ).toBe(true);
        },
      ),
      { numRuns: 10_000 },
    );
  }, 120_000);
});
