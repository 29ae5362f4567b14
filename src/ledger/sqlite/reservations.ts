import type { MaybePromise } from '../../platform/maybe-promise.js';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { type HoldDecision, decideHold } from '../../policy/hold-amount.js';
import { nanoUsd, type NanoUsd, ZERO_NANO_USD } from '../../policy/money.js';
import type { LiveAccount } from '../account.js';
import type { BillingChain } from '../billing-chain.js';
import { holdDenial } from '../hold-denial.js';
import type { Hold, HoldRequest, ScopedBudget, HoldResult } from '../spend.service.js';

type ReservedHold = Pick<Hold, 'chain' | 'boundNanoUsd'>;

/** The accounts and the amount that a call wants to hold. */
export interface Reservation extends Pick<HoldRequest, 'chain' | 'budgets' | 'demand'> {
  /** The hold of the call's failed attempt, which ends when this reservation succeeds. */
  readonly replaces?: { readonly hold: ReservedHold } | undefined;
}

interface Waiter {
  readonly reservation: Reservation;
  readonly resolve: (result: HoldResult) => void;
  readonly timer: NodeJS.Timeout;
  readonly arrival: number;
}

/** The most calls that wait on one account. Further calls are refused and may retry. */
const MAX_WAITERS = 1_000;

/**
 * Sets money aside in memory, on every account of a chain or on none. If other calls' holds leave too little, the
 * call queues (FIFO per account) for at most `budget_wait_ms`. Then it takes what fits, if that is its minimum or
 * more.
 */
@Injectable()
export class Reservations {
  private readonly queues = new Map<string, Waiter[]>();
  private arrivals = 0;

  constructor(
    @Inject(CONFIG) private readonly config: { readonly general: Pick<Config['general'], 'budgetWaitMs'> },
  ) {}

  /** Returns the result at once unless the call has to wait. */
  reserve(reservation: Reservation): MaybePromise<HoldResult> {
    const queue = this.queuedAccountId(reservation);
    if (!queue) {
      const decision = this.attempt(reservation);
      if (decision.kind !== 'short') return decision.result;
      return this.join(reservation, decision.account.id, decision.takeWhatFits);
    }
    return this.join(reservation, queue, () => this.takeWhatFits(reservation));
  }

  /** Releases an amount and serves waiting calls in their order, while they fit. */
  release(chain: BillingChain, amountNanoUsd: NanoUsd): void {
    addToHeld(chain, -amountNanoUsd);
    this.serveAll(chain);
  }

  /** Restores the original hold after the replacement hold failed to commit. */
  restore({ chain, boundNanoUsd }: ReservedHold): void {
    addToHeld(chain, boundNanoUsd);
  }

  private serveAll({ accounts }: BillingChain): void {
    if (!this.queues.size) return;
    for (const { id } of accounts) this.serve(id);
  }

  private serve(accountId: string): void {
    const queue = this.queues.get(accountId);
    while (queue?.length) {
      const [head] = queue as [Waiter];
      const decision = this.attempt(head.reservation);
      if (decision.kind === 'short') {
        if (decision.account.id !== accountId) {
          queue.shift();
          this.enqueue(decision.account.id, head);
          continue;
        }
        return;
      }
      queue.shift();
      clearTimeout(head.timer);
      head.resolve(decision.result);
    }
    this.queues.delete(accountId);
  }

  private join(
    reservation: Reservation,
    accountId: string,
    takeWhatFits: () => HoldResult,
  ): MaybePromise<HoldResult> {
    const { budgetWaitMs } = this.config.general;
    const queue = this.queues.get(accountId);
    if (!budgetWaitMs || (queue && queue.length >= MAX_WAITERS)) return takeWhatFits();
    return new Promise<HoldResult>((resolve) => {
      const waiter: Waiter = {
        reservation,
        resolve,
        // A call that replaces a hold comes before all that wait.
        arrival: reservation.replaces ? -1 : this.arrivals++,
        timer: setTimeout(() => {
          this.leave(waiter);
          resolve(this.takeWhatFits(reservation));
        }, budgetWaitMs),
      };
      this.enqueue(accountId, waiter);
    });
  }

  private enqueue(accountId: string, waiter: Waiter): void {
    const queue = this.queues.get(accountId) ?? [];
    const later = queue.findIndex(({ arrival }) => arrival > waiter.arrival);
    queue.splice(later < 0 ? queue.length : later, 0, waiter);
    this.queues.set(accountId, queue);
  }

  private leave(waiter: Waiter): void {
    for (const [accountId, queue] of this.queues) {
      const index = queue.indexOf(waiter);
      if (index < 0) continue;
      queue.splice(index, 1);
      if (!queue.length) this.queues.delete(accountId);
      // The next call may fit where the leaving one did not.
      else if (index === 0) queueMicrotask(() => this.serve(accountId));
      return;
    }
  }

  /** Returns the first account of the reservation that has a queue. The call must join that queue. */
  private queuedAccountId({ budgets, demand, replaces }: Reservation): string | undefined {
    if (!this.queues.size || !this.config.general.budgetWaitMs || demand.wantedNanoUsd === ZERO_NANO_USD)
      return undefined;
    if (replaces) return undefined;
    return budgets.find(({ account }) => this.queues.has(account.id))?.account.id;
  }

  private attempt(
    reservation: Reservation,
  ):
    | { kind: 'done'; result: HoldResult }
    | { kind: 'short'; account: LiveAccount; takeWhatFits: () => HoldResult } {
    const decision = decideHold(budgetsFor(reservation), reservation.demand);
    if (decision.kind !== 'short') return { kind: 'done', result: this.outcome(reservation, decision) };
    return {
      kind: 'short',
      account: decision.by[0]!.account as LiveAccount,
      takeWhatFits: () => this.outcome(reservation, decision),
    };
  }

  private takeWhatFits(reservation: Reservation): HoldResult {
    return this.outcome(reservation, decideHold(budgetsFor(reservation), reservation.demand));
  }

  /** Turns a decision into a result and sets the granted money aside. */
  private outcome(
    { chain, demand, replaces }: Reservation,
    decision: HoldDecision<ScopedBudget>,
  ): HoldResult {
    const amountNanoUsd =
      decision.kind === 'granted'
        ? decision.amountNanoUsd
        : decision.kind === 'short'
          ? decision.nowNanoUsd
          : undefined;
    if (amountNanoUsd === undefined) {
      const { by } = decision as Exclude<HoldDecision<ScopedBudget>, { kind: 'granted' }>;
      return { denials: by.map((budget) => holdDenial(budget, demand.minimumNanoUsd)) };
    }
    addToHeld(chain, amountNanoUsd);
    for (const account of chain.accounts) account.unsettled++;
    if (replaces) {
      const { hold } = replaces;
      addToHeld(hold.chain, -hold.boundNanoUsd);
      // Deferred, because the call being served may be this one.
      queueMicrotask(() => this.serveAll(hold.chain));
    }
    return { amountNanoUsd };
  }
}

function addToHeld({ accounts }: BillingChain, amount: bigint): void {
  for (const account of accounts) account.heldNanoUsd = nanoUsd(account.heldNanoUsd + amount);
}

/** Returns the budgets as if the replaced hold were already released. */
function budgetsFor({ budgets, replaces }: Reservation): readonly ScopedBudget[] {
  if (!replaces) return budgets;
  const { chain, boundNanoUsd } = replaces.hold;
  return budgets.map((budget) => {
    const { account } = budget;
    if (!chain.accounts.some(({ id }) => id === account.id)) return budget;
    return { ...budget, account: { ...account, heldNanoUsd: nanoUsd(account.heldNanoUsd - boundNanoUsd) } };
  });
}
