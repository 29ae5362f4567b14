import { fits } from './fits.js';
import type { BudgetFacts } from './facts.js';
import { nanoUsd, type NanoUsd } from './money.js';
import { type HoldDemand, outputTokensFor } from './hold-demand.js';

type Amounts = Pick<HoldDemand, 'wantedNanoUsd' | 'minimumNanoUsd' | 'fairShareNanoUsd'>;

/** The amount that budgets allow for a demand. */
export type HoldDecision<B extends BudgetFacts> =
  | { readonly kind: 'granted'; readonly amountNanoUsd: NanoUsd }
  /** Other calls' holds take what the demand could have. `nowNanoUsd` fits already, if it is at least the minimum. */
  | { readonly kind: 'short'; readonly by: readonly B[]; readonly nowNanoUsd?: NanoUsd }
  /** Not even the minimum fits with what is spent. */
  | { readonly kind: 'refused'; readonly by: readonly B[] };

const SHARE = 8n;
/** A call that leaves more than this share of every budget free delays no other call. */
const HALF = 2n;

/**
 * Returns how much of a demand these budgets allow, all of them or none. What is spent shortens the demand. While other
 * calls hold on an account, one call gets at most an eighth of what is free or its fair share, unless the whole demand
 * leaves half of every limit free. The amount is never below the minimum. PostgreSQL has the same rule in
 * `ledger/postgres/sql/tollgate_hold.sql`: change both, there with a new migration.
 */
export function decideHold<B extends BudgetFacts>(budgets: readonly B[], demand: Amounts): HoldDecision<B> {
  const { minimumNanoUsd: minimum, fairShareNanoUsd: fair } = demand;
  const never = budgets.filter(
    ({ account, limitNanoUsd }) => fits(account, limitNanoUsd, minimum) === 'spent',
  );
  if (never.length) return { kind: 'refused', by: never };

  const isSmall = budgets.every(
    ({ account: { spentNanoUsd, heldNanoUsd }, limitNanoUsd }) =>
      demand.wantedNanoUsd <= limitNanoUsd / HALF - spentNanoUsd - heldNanoUsd,
  );
  let target: bigint = demand.wantedNanoUsd;
  let now: bigint | undefined;
  for (const { account, limitNanoUsd } of budgets) {
    const left = limitNanoUsd - account.spentNanoUsd;
    const free = left - account.heldNanoUsd;
    const share = account.heldNanoUsd > 0n && !isSmall ? larger(free / SHARE, fair) : left;
    target = larger(minimum, smaller(target, smaller(left, share)));
    now = now === undefined ? free : smaller(now, free);
  }
  if (now === undefined || target <= now) return { kind: 'granted', amountNanoUsd: nanoUsd(target) };
  return {
    kind: 'short',
    by: budgets.filter(
      ({ account, limitNanoUsd }) => fits(account, limitNanoUsd, nanoUsd(target)) === 'held',
    ),
    ...(minimum <= now && { nowNanoUsd: nanoUsd(now) }),
  };
}

/** Returns the output limit of each response that these budgets give a call now. Undefined if they give none. */
export function outputLimitNow(budgets: readonly BudgetFacts[], demand: HoldDemand): number | undefined {
  const decision = decideHold(budgets, demand);
  if (decision.kind === 'refused') return undefined;
  const amount = decision.kind === 'granted' ? decision.amountNanoUsd : decision.nowNanoUsd;
  if (amount === undefined) return undefined;
  const asked = Math.floor(demand.tokens.outputTokens / demand.answers);
  return amount < demand.wantedNanoUsd ? Math.min(asked, outputTokensFor(amount, demand)) : asked;
}

const smaller = (a: bigint, b: bigint) => (a < b ? a : b);
const larger = (a: bigint, b: bigint) => (a > b ? a : b);
