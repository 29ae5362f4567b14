import { Inject, Injectable } from '@nestjs/common';
import { SharedBound } from '../../cache/shared-bound.js';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { CONFIG, type Config } from '../../config/config.js';
import type { MaybePromise } from '../../platform/maybe-promise.js';
import type { ModelFacts } from '../../policy/facts.js';
import { Accounts } from '../../ledger/accounts.js';
import type { CallerSnapshot, PartyConfig, Snapshot } from './caller.js';
import { CalledNameQuota } from '../called-name-quota.js';
import { CallerCache } from './caller-cache.js';
import type { LlmRequest } from '../llm-request.js';
import { sortedUnique } from '../request-tags.js';
import {
  type PartyAccounts,
  loadPartyAccounts,
  buildBillingContext,
  type BillingContext,
} from './billing-context.js';

/** The most contexts of all callers together. A client may name any number of end users with each key. */
const MAX_CONTEXTS = 100_000;

/** The end user and the tags that a call names. */
export type CallNames = Pick<LlmRequest, 'endUserId' | 'tags'>;

/**
 * Billing contexts of callers, one for each combination of caller and named parties. A context is kept until a window
 * closes, an increase ends, a row changes or its accounts leave memory.
 */
@Injectable()
export class BillingContexts {
  private readonly contexts = new SharedBound<BillingContext>(MAX_CONTEXTS);
  /** The last accounts of each party. All callers of the party share them. */
  private readonly lastBilled = new WeakMap<PartyConfig, PartyAccounts>();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly callers: CallerCache,
    private readonly accounts: Accounts,
    private readonly quota: CalledNameQuota,
  ) {}

  /** Returns the billing context of a call of this model, without a promise if it is in memory. */
  of(
    caller: CallerSnapshot,
    callNames: CallNames,
    model: ModelFacts | undefined,
    isDryRun = false,
  ): MaybePromise<BillingContext> {
    const now = this.clock();
    return this.inMemory(caller, callNames, model, now) ?? this.load(caller, callNames, model, now, isDryRun);
  }

  /** Tells whether the windows are still open, the limits still apply, and the accounts are still in memory. */
  isOpen({ until, accountsGeneration }: BillingContext, now = this.clock()): boolean {
    return now.getTime() < until && accountsGeneration === this.accounts.generation;
  }

  private inMemory(
    caller: CallerSnapshot,
    callNames: CallNames,
    model: ModelFacts | undefined,
    now: Date,
  ): BillingContext | undefined {
    const { endUserId } = callNames;
    const endUser = endUserId === undefined ? undefined : this.callers.lastEndUser(endUserId);
    const tags = this.callers.cachedTags(tagsOfCall(caller, callNames));
    const modelNames = budgetedNames(model, [caller, ...(endUser ? [endUser] : []), ...(tags ?? [])]);
    const billingContext = tags && caller.billingContexts.get(contextKey(endUserId, tags, modelNames));
    const current =
      billingContext &&
      this.isOpen(billingContext, now) &&
      billingContext.snapshots.every((one) => this.callers.isFresh(one));
    return current ? billingContext : undefined;
  }

  private async load(
    caller: CallerSnapshot,
    callNames: CallNames,
    model: ModelFacts | undefined,
    now: Date,
    isDryRun: boolean,
  ): Promise<BillingContext> {
    const { endUserId } = callNames;
    const endUser =
      endUserId === undefined
        ? undefined
        : await this.callers.endUser(endUserId, !this.quota.isUsedUp(caller));
    const tags = await this.callers.tagsWithRow(tagsOfCall(caller, callNames));
    const snapshots = [...(endUser ? [endUser] : []), ...tags];
    const modelNames = budgetedNames(model, [caller, ...snapshots]);
    const last = caller.parties.length - 1;
    const parties = caller.parties.toSpliced(last, 0, ...snapshots.flatMap((one) => one.parties));
    const billed = parties
      .filter(({ exists, kind }) => exists || kind !== 'end_user')
      .map((party) => this.billed(party, now, party.modelBudgets.size ? modelNames : NO_NAMES));
    const { accounts, generation } = await this.accountsOf(billed);
    const names = { endUserId: endUserId ?? null, ...caller.names };
    const billingContext = buildBillingContext(billed, accounts, names, generation, caller, snapshots);
    if (!isDryRun && !isProvisional(billingContext))
      this.contexts.set(caller.billingContexts, contextKey(endUserId, tags, modelNames), billingContext);
    return billingContext;
  }

  /** Loads the accounts of these parties, so that all of them are in memory at this instant. */
  private async accountsOf(billed: readonly PartyAccounts[]) {
    const needs = billed.flatMap(({ budgets }) => budgets);
    for (;;) {
      const { generation } = this.accounts;
      const loaded = await this.accounts.load(needs);
      if (generation === this.accounts.generation)
        return { accounts: new Map(loaded.map((account) => [account.id, account])), generation };
    }
  }

  private billed(party: PartyConfig, now: Date, modelNames: readonly string[]): PartyAccounts {
    const last = this.lastBilled.get(party);
    const isSame =
      last?.modelNames.length === modelNames.length &&
      last.modelNames.every((name, i) => name === modelNames[i]);
    if (last && isSame && now.getTime() < last.until) return last;
    const billed = loadPartyAccounts(party, this.config.litellm.timezone, now, modelNames);
    // No other caller shares a key.
    if (party.kind !== 'key') this.lastBilled.set(party, billed);
    return billed;
  }
}

/** Tells whether the context has an end user whose row does not exist yet. */
export const isProvisional = ({ snapshots }: BillingContext): boolean =>
  snapshots.some((one) => one.isProvisional);

/** Returns the names of a model if a party has a budget for it; otherwise none. */
function budgetedNames(model: ModelFacts | undefined, snapshots: readonly Snapshot[]): readonly string[] {
  if (!model) return NO_NAMES;
  const { requested, name, otherName } = model;
  const hasOne = ({ modelBudgets }: PartyConfig) =>
    modelBudgets.size > 0 &&
    (modelBudgets.has(requested) ||
      modelBudgets.has(name) ||
      (otherName !== undefined && modelBudgets.has(otherName)));
  if (!snapshots.some(({ parties }) => parties.some(hasOne))) return NO_NAMES;
  return otherName === undefined ? [requested, name] : [requested, name, otherName];
}

const NO_NAMES: readonly string[] = [];

/** Returns the tags of a call: the caller's own and those that the call names. */
export const tagsOfCall = ({ tags: own }: CallerSnapshot, { tags }: CallNames) =>
  tags.length ? sortedUnique([...own, ...tags]) : own;

/**
 * Returns the key of a context within its caller. No end user's id and no tag contains the separator. Tags without a row
 * are left out. They change nothing, and a client may invent any number of them.
 */
const contextKey = (endUserId = '', tags: readonly Snapshot[], modelNames: readonly string[]) =>
  tags.length || modelNames.length
    ? [endUserId, ...modelNames, '', ...tags.map(({ parties }) => parties[0]!.id)].join('\0')
    : endUserId;
