import { BoundedMap } from '../../cache/bounded-map.js';
import type { CacheKey } from '../../cache/change-epochs.js';
import type { RateLimit } from '../../rate-limits/rate-limits.js';
import type { Party } from '../../policy/facts.js';
import { nanoUsd, type NanoUsd } from '../../policy/money.js';
import { type AccountSpec, lifetimeAccount, type LiveAccount, windowAccount } from '../../ledger/account.js';
import { type BillingChain, type ChainNames, newChain } from '../../ledger/billing-chain.js';
import type { WatchedAccount } from '../../ledger/touched-accounts.js';
import type { ScopedBudget } from '../../ledger/spend.service.js';
import type { BudgetConfig, PartyConfig, Snapshot } from './caller.js';

/** The parties of a request with their open windows, and the chain its cost is billed to. */
export interface BillingContext {
  readonly parties: readonly Party[];
  readonly chain: BillingChain;
  /** All rate limits of the parties, for every model. */
  readonly rates: readonly RateLimit[];
  /** All budgets of the parties, each with its scope. */
  readonly budgets: readonly ScopedBudget[];
  /** First account and first budget of the caller's key, for the response headers. */
  readonly key: { readonly account?: LiveAccount | undefined; readonly budget?: ScopedBudget | undefined };
  /** Time at which the first window closes or increase ends, in epoch milliseconds. */
  readonly until: number;
  readonly accountsGeneration: number;
  /** The end user and the tags among the parties. */
  readonly snapshots: readonly Snapshot[];
  /** Revisions of the rows behind the caller and the named parties. */
  readonly rowRevisions: ReadonlyMap<CacheKey, number>;
  /** Accounts whose limits may cause an alert. */
  readonly alertAccounts: readonly WatchedAccount[];
}

const MAX_CONTEXTS_PER_CALLER = 1_000;

export const noBillingContexts = () => new BoundedMap<string, BillingContext>(MAX_CONTEXTS_PER_CALLER);

/** A party with its accounts in the open windows. All billing contexts of the party share it. */
export interface PartyAccounts {
  readonly party: PartyConfig;
  readonly budgets: readonly PlacedBudget[];
  /** Time at which the budgets change without a write, in epoch milliseconds. */
  readonly until: number;
  /** The names of the called model, if the party has budgets for models. */
  readonly modelNames: readonly string[];
  /** The same party with its accounts, while they are in memory. */
  opened?: Opened;
}

interface Opened {
  readonly accountsGeneration: number;
  readonly facts: Party & { readonly budgets: readonly ScopedBudget[] };
  readonly watched: readonly WatchedAccount[];
}

interface PlacedBudget {
  readonly limitNanoUsd: NanoUsd | null;
  readonly softLimitNanoUsd: NanoUsd | null;
  readonly account: AccountSpec;
  readonly model?: string;
  /** Time at which the limit or the window changes without a write, in epoch milliseconds. */
  readonly until: number;
}

/** Returns a party's budgets at `now`, for a model with these names. Missing parties and tokens have no accounts. */
export function loadPartyAccounts(
  party: PartyConfig,
  timeZone: string,
  now: Date,
  modelNames: readonly string[],
): PartyAccounts {
  const isBilled = party.exists && party.kind !== 'token';
  const budgets = isBilled ? placeBudgets(party, timeZone, now, modelNames) : [];
  return { party, budgets, until: Math.min(...budgets.map(({ until }) => until), Infinity), modelNames };
}

/** Returns the budgets of a party with their accounts: the lifetime account, one per window, and one for this model. */
function placeBudgets(
  party: PartyConfig,
  timeZone: string,
  now: Date,
  modelNames: readonly string[],
): PlacedBudget[] {
  const endless = lifetimeAccount(party.kind, party.scopeId);
  return [
    placed(party.budgets.find(({ window }) => !window) ?? NO_BUDGET, endless, now),
    ...party.budgets.flatMap((spec) =>
      spec.window
        ? [placed(spec, windowAccount(party.kind, party.scopeId, spec.window, timeZone, now), now)]
        : [],
    ),
    ...placedModelBudget(party, timeZone, now, modelNames),
  ];
}

function placedModelBudget(
  { kind, scopeId, modelBudgets }: PartyConfig,
  timeZone: string,
  now: Date,
  modelNames: readonly string[],
): PlacedBudget[] {
  const model = modelNames.find((name) => modelBudgets.has(name));
  if (model === undefined) return [];
  const spec = modelBudgets.get(model)!;
  const scope = [`${kind}+model`, `${scopeId}/${model}`] as const;
  const account = spec.window
    ? windowAccount(...scope, spec.window, timeZone, now)
    : lifetimeAccount(...scope);
  return [{ ...placed(spec, account, now), model }];
}

const NO_BUDGET: BudgetConfig = { limitNanoUsd: null, window: null };

function placed(
  { limitNanoUsd, increase, softLimitNanoUsd = null }: BudgetConfig,
  account: AccountSpec,
  now: Date,
): PlacedBudget {
  const windowEnd = account.window?.end.getTime() ?? Infinity;
  if (limitNanoUsd === null || !increase || increase.until <= now)
    return { limitNanoUsd, softLimitNanoUsd, account, until: windowEnd };
  return {
    limitNanoUsd: nanoUsd(limitNanoUsd + increase.amountNanoUsd),
    softLimitNanoUsd,
    account,
    until: Math.min(windowEnd, increase.until.getTime()),
  };
}

/** Builds the billing context of a caller and the parties that its call names. Their accounts must be in memory. */
export function buildBillingContext(
  billed: readonly PartyAccounts[],
  accounts: ReadonlyMap<string, LiveAccount>,
  names: ChainNames,
  accountsGeneration: number,
  caller: Snapshot,
  snapshots: readonly Snapshot[],
): BillingContext {
  const opened = billed.map((one) => openedAt(one, accounts, accountsGeneration));
  const chainAccounts = [
    ...new Set(billed.flatMap(({ budgets }) => budgets.map(({ account }) => accounts.get(account.id)!))),
  ];
  const parties = opened.map(({ facts }) => facts);
  return {
    parties,
    budgets: joined(parties.map(({ budgets }) => budgets)),
    key: {
      account: chainAccounts.find(({ spec }) => spec.scopeKind === 'key'),
      budget: parties.find(({ kind }) => kind === 'key')?.budgets[0],
    },
    rates: joined(billed.map(({ party }) => party.rates)),
    alertAccounts: joined(opened.map((one) => one.watched)),
    chain: newChain(names, chainAccounts),
    until: Math.min(...billed.map(({ until }) => until), Infinity),
    accountsGeneration,
    snapshots,
    rowRevisions: snapshots.some(({ rowRevisions }) => rowRevisions.size)
      ? new Map([caller, ...snapshots].flatMap(({ rowRevisions }) => [...rowRevisions]))
      : caller.rowRevisions,
  };
}

function openedAt(
  billed: PartyAccounts,
  accounts: ReadonlyMap<string, LiveAccount>,
  accountsGeneration: number,
): Opened {
  if (billed.opened?.accountsGeneration === accountsGeneration) return billed.opened;
  const { party, budgets } = billed;
  const opened = {
    accountsGeneration,
    facts: partyFacts(party, budgets, accounts),
    watched: watched(party, budgets, accounts),
  };
  billed.opened = opened;
  return opened;
}

/**
 * Joins lists. The copy saves memory: `flat()` reserves room for seventeen entries, and there is a context for every key.
 */
const joined = <T>(lists: readonly (readonly T[])[]): readonly T[] => lists.flat().slice() as T[];

function watched(
  { kind, id }: PartyConfig,
  budgets: readonly PlacedBudget[],
  accounts: ReadonlyMap<string, LiveAccount>,
): WatchedAccount[] {
  return budgets
    .filter(({ limitNanoUsd, softLimitNanoUsd }) => limitNanoUsd !== null || softLimitNanoUsd !== null)
    .map(({ limitNanoUsd, softLimitNanoUsd, account, model }) => ({
      scope: { kind, id },
      account: accounts.get(account.id)!,
      limitNanoUsd,
      softLimitNanoUsd,
      ...(model !== undefined && { model }),
      ...(account.window && { window: account.window }),
    }));
}

function partyFacts(
  { kind, id, exists, blocked, models, rules, budgetsLifted }: PartyConfig,
  budgets: readonly PlacedBudget[],
  accounts: ReadonlyMap<string, LiveAccount>,
): Party & { readonly budgets: readonly ScopedBudget[] } {
  const scope = { kind, id };
  return Object.freeze({
    kind,
    id,
    exists,
    blocked,
    models,
    rules,
    budgets: budgetsLifted
      ? []
      : tightest(budgets).map(({ limitNanoUsd, account, model }) => ({
          limitNanoUsd,
          scope,
          ...(model !== undefined && { model }),
          account: accounts.get(account.id)!,
          ...(account.window && { window: account.window }),
        })),
  });
}

/**
 * Returns the budgets that have a limit. If several share one account (a window configured twice), the smallest limit
 * remains.
 */
function tightest(budgets: readonly PlacedBudget[]): (PlacedBudget & { readonly limitNanoUsd: NanoUsd })[] {
  const byAccount = new Map<string, PlacedBudget & { readonly limitNanoUsd: NanoUsd }>();
  for (const budget of budgets) {
    const { account, limitNanoUsd } = budget;
    const known = byAccount.get(account.id);
    if (limitNanoUsd !== null && (!known || limitNanoUsd < known.limitNanoUsd))
      byAccount.set(account.id, { ...budget, limitNanoUsd });
  }
  return [...byAccount.values()];
}
