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
  /** Every rate limit of the parties, whatever the model. */
  readonly rates: readonly RateLimit[];
  /** Every budget among the parties, with whose it is. */
  readonly budgets: readonly ScopedBudget[];
  /** The first account of the caller's key, and its first budget: what its calls are told of it. */
  readonly key: { readonly account?: LiveAccount | undefined; readonly budget?: ScopedBudget | undefined };
  /** When one of the windows closes or an increase ends, epoch milliseconds. */
  readonly until: number;
  readonly accountsGeneration: number;
  /** The end user and the tags among the parties. */
  readonly named: readonly Snapshot[];
  /** The rows all of this was read from. */
  readonly rowRevisions: ReadonlyMap<CacheKey, number>;
  /** Accounts somebody wants to hear about. */
  readonly alertAccounts: readonly WatchedAccount[];
}

const STANDINGS_PER_CALLER = 1_000;

export const noBillingContexts = () => new BoundedMap<string, BillingContext>(STANDINGS_PER_CALLER);

/** A party and what it is billed on in the windows that are open. All standings it is in share it. */
export interface PartyAccounts {
  readonly party: PartyConfig;
  readonly budgets: readonly PlacedBudget[];
  /** When that changes by itself, epoch milliseconds. */
  readonly until: number;
  /** The names of the model this is for, where the party has budgets of models. */
  readonly modelNames: readonly string[];
  /** The same with its accounts, while they are in memory. */
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
  /** When the limit or the window changes by itself, epoch milliseconds. */
  readonly until: number;
}

/** A party at `now`, when a model with these names is called. What is not there, and a token's own limits, are billed nothing. */
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

/** Which accounts a party is billed on: the endless one, one for every window, and that of its budget for this model. */
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

/** Parties and chain for one caller and whom its call names, once their accounts are in memory. */
export function buildBillingContext(
  billed: readonly PartyAccounts[],
  accounts: ReadonlyMap<string, LiveAccount>,
  names: ChainNames,
  accountsGeneration: number,
  caller: Snapshot,
  named: readonly Snapshot[],
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
    named,
    rowRevisions: named.some(({ rowRevisions }) => rowRevisions.size)
      ? new Map([caller, ...named].flatMap(({ rowRevisions }) => [...rowRevisions]))
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

/** There is a standing for every key: `flat()` makes room for seventeen in each list, a copy only for what is in it. */
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

/** Those with a limit; of several for one account, as of a window that is configured twice, the smallest. */
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
