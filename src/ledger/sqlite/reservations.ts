import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { type HoldDecision, decideHold } from '../../policy/hold-amount.js';
import { nanoUsd, type NanoUsd, ZERO_NANO_USD } from '../../policy/money.js';
import type { LiveAccount } from '../account.js';
import type { BillingChain } from '../billing-chain.js';
import { holdDenial } from '../hold-denial.js';
import type { Hold, HoldRequest, ScopedBudget, HoldResult } from '../spend.service.js';

type Held = Pick<Hold, 'chain' | 'boundNanoUsd'>;

/** What a call would hold, and of what. */
export interface Reservation extends Pick<HoldRequest, 'chain' | 'budgets' | 'demand'> {
  /** What it holds already, which ends in the step that takes this. */
  readonly replaces?: { readonly hold: Held } | undefined;
}

interface Waiter {
  readonly reservation: Reservation;
  readonly tell: (taken: HoldResult) => void;
  readonly timer: NodeJS.Timeout;
  readonly arrival: number;
}

/** Who may wait on one account; whoever comes later is told to try again. */
const MAX_WAITERS = 1_000;

/**
 * Sets money aside in memory: on every account of a chain or on none. What others' holds are in the way of waits for
 * them, first come, first served per account, for a bounded time; then it takes what fits, if that is enough.
 */
@Injectable()
export class Reservations {
  private readonly queues = new Map<string, Waiter[]>();
  private arrivals = 0;

  constructor(
    @Inject(CONFIG) private readonly config: { readonly general: Pick<Config['general'], 'budgetWaitMs'> },
  ) {}

  /** Without a promise when it need not wait. */
  take(reservation: Reservation): HoldResult | Promise<HoldResult> {
    const queue = this.queueBefore(reservation);
    if (!queue) {
      const answer = this.tryToTake(reservation);
      if (answer.kind !== 'short') return answer.taken;
      return this.join(reservation, answer.account.id, answer.atOnce);
    }
    return this.join(reservation, queue, () => this.lastTry(reservation));
  }

  /** What was taken is not held any more: whoever waits for it is served in turn, while it fits. */
  giveBack(chain: BillingChain, amountNanoUsd: NanoUsd): void {
    addToHeld(chain, -amountNanoUsd);
    this.serveAll(chain);
  }

  /** What was taken instead of this was not committed, so neither was its end: it is held as before. */
  putBack({ chain, boundNanoUsd }: Held): void {
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
      const answer = this.tryToTake(head.reservation);
      if (answer.kind === 'short') {
        if (answer.account.id !== accountId) {
          queue.shift();
          this.enqueue(answer.account.id, head);
          continue;
        }
        return;
      }
      queue.shift();
      clearTimeout(head.timer);
      head.tell(answer.taken);
    }
    this.queues.delete(accountId);
  }

  private join(
    reservation: Reservation,
    accountId: string,
    atOnce: () => HoldResult,
  ): HoldResult | Promise<HoldResult> {
    const { budgetWaitMs } = this.config.general;
    const queue = this.queues.get(accountId);
    if (!budgetWaitMs || (queue && queue.length >= MAX_WAITERS)) return atOnce();
    return new Promise<HoldResult>((resolve) => {
      const waiter: Waiter = {
        reservation,
        tell: resolve,
        // Who holds something already came before all who wait.
        arrival: reservation.replaces ? -1 : this.arrivals++,
        timer: setTimeout(() => {
          this.leave(waiter);
          resolve(this.lastTry(reservation));
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
      const at = queue.indexOf(waiter);
      if (at < 0) continue;
      queue.splice(at, 1);
      if (!queue.length) this.queues.delete(accountId);
      // Whoever stood behind may fit where the one that left did not.
      else if (at === 0) queueMicrotask(() => this.serve(accountId));
      return;
    }
  }

  /** An account others wait for already: whoever comes now stands behind them. */
  private queueBefore({ budgets, demand, replaces }: Reservation): string | undefined {
    if (!this.queues.size || !this.config.general.budgetWaitMs || demand.wantedNanoUsd === ZERO_NANO_USD)
      return undefined;
    if (replaces) return undefined;
    return budgets.find(({ account }) => this.queues.has(account.id))?.account.id;
  }

  private tryToTake(
    reservation: Reservation,
  ): { kind: 'done'; taken: HoldResult } | { kind: 'short'; account: LiveAccount; atOnce: () => HoldResult } {
    const answer = decideHold(budgetsFor(reservation), reservation.demand);
    if (answer.kind !== 'short') return { kind: 'done', taken: this.outcome(reservation, answer) };
    return {
      kind: 'short',
      account: answer.by[0]!.account as LiveAccount,
      atOnce: () => this.outcome(reservation, answer),
    };
  }

  private lastTry(reservation: Reservation): HoldResult {
    return this.outcome(reservation, decideHold(budgetsFor(reservation), reservation.demand));
  }

  /** Whatever is granted now is set aside now. */
  private outcome({ chain, demand, replaces }: Reservation, answer: HoldDecision<ScopedBudget>): HoldResult {
    const amountNanoUsd =
      answer.kind === 'granted'
        ? answer.amountNanoUsd
        : answer.kind === 'short'
          ? answer.nowNanoUsd
          : undefined;
    if (amountNanoUsd === undefined) {
      const { by } = answer as Exclude<HoldDecision<ScopedBudget>, { kind: 'granted' }>;
      return { denials: by.map((budget) => holdDenial(budget, demand.minimumNanoUsd)) };
    }
    addToHeld(chain, amountNanoUsd);
    for (const account of chain.accounts) account.unsettled++;
    if (replaces) {
      const { hold } = replaces;
      addToHeld(hold.chain, -hold.boundNanoUsd);
      // Not now: whoever is being served may be this one.
      queueMicrotask(() => this.serveAll(hold.chain));
    }
    return { amountNanoUsd };
  }
}

function addToHeld({ accounts }: BillingChain, amount: bigint): void {
  for (const account of accounts) account.heldNanoUsd = nanoUsd(account.heldNanoUsd + amount);
}

/** Its budgets, as they are without what it holds already. */
function budgetsFor({ budgets, replaces }: Reservation): readonly ScopedBudget[] {
  if (!replaces) return budgets;
  const { chain, boundNanoUsd } = replaces.hold;
  return budgets.map((budget) => {
    const { account } = budget;
    if (!chain.accounts.some(({ id }) => id === account.id)) return budget;
    return { ...budget, account: { ...account, heldNanoUsd: nanoUsd(account.heldNanoUsd - boundNanoUsd) } };
  });
}
