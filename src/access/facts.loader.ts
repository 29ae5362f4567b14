import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { limitsFor, type RateLimit, RateLimits } from '../rate-limits/rate-limits.js';
import type { MaybePromise } from '../platform/maybe-promise.js';
import { mayCount } from '../policy/bound.js';
import type { AccessFacts, CredentialFacts, ModelFacts, RequestFacts, RouteFacts } from '../policy/facts.js';
import { fits } from '../policy/fits.js';
import { type RateFacts, takesMuch } from '../policy/rates.js';
import type { HoldDemand } from '../policy/hold-demand.js';
import { keyHint, secretHash } from '../platform/secrets.js';
import { Accounts } from '../ledger/accounts.js';
import type { ScopedBudget } from '../ledger/spend.service.js';
import { MAX_COUNTED_BYTES, TokenCounter } from '../tokenizer/token-counter.js';
import type { AccessRequest } from './access-request.js';
import type { CallerSnapshot } from './callers/caller.js';
import { CallerCache } from './callers/caller-cache.js';
import type { PresentedCredential } from './credential.js';
import type { LlmRequest } from './llm-request.js';
import { RequestFactsLoader } from './request-facts.loader.js';
import type { BillingContext } from './callers/billing-context.js';
import { type CallNames, BillingContexts, tagsOfCall } from './callers/billing-contexts.js';
import { KnownEndUsers } from './callers/known-end-users.js';
import { TokenCallers } from './callers/token-callers.js';

/** Facts of one request, with the caller, the billing context and the limits that an effect of the decision needs. */
export interface LoadedFacts {
  readonly facts: AccessFacts;
  readonly caller?: CallerSnapshot | undefined;
  readonly billingContext?: BillingContext | undefined;
  /** The rate limits this call counts on. */
  readonly rates?: readonly RateLimit[] | undefined;
  readonly llm?: LlmRequest | undefined;
  /** The tags of this call: its own, its key's and its team's. */
  readonly tags: readonly string[];
}

/** A request whose caller is known, before its prompt is counted. */
interface KnownRequest {
  readonly now: Date;
  readonly route: RouteFacts;
  readonly caller: CallerSnapshot;
  readonly llm: LlmRequest | undefined;
  readonly request: RequestFacts | undefined;
}

/** Builds the facts of a request. A warm call reads no row. It makes one map look-up per caller, end user and tag. */
@Injectable()
export class FactsLoader {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly callers: CallerCache,
    private readonly tokenCallers: TokenCallers,
    private readonly requestFacts: RequestFactsLoader,
    private readonly billingContexts: BillingContexts,
    private readonly accounts: Accounts,
    private readonly rateLimits: RateLimits,
    private readonly tokenCounter: TokenCounter,
    private readonly knownEndUsers: KnownEndUsers,
  ) {}

  /** Loads the facts of a request. Throws or rejects if rows or balances cannot be read. */
  load(request: AccessRequest): MaybePromise<LoadedFacts> {
    const { presented, route } = request;
    if (presented.kind !== 'presented') return this.unauthenticatedFacts(route, presented);
    const { secret } = presented;
    const hash = secretHash(secret);
    const caller = this.callers.cached(hash);
    if (caller) return this.ofCaller(request, caller);
    if (this.callers.isMasterKey(hash)) return this.ofCaller(request, this.callers.master);
    if (this.tokenCallers.looksLikeToken(secret)) return this.ofToken(hash, secret, request);
    return this.callers
      .ofKey(hash)
      .then((loaded) =>
        loaded
          ? this.ofCaller(request, loaded)
          : this.unauthenticatedFacts(route, { kind: 'unknown', hint: keyHint(secret) }),
      );
  }

  /** Tells whether a credential authenticates no caller. Rejects if rows or an issuer's keys cannot be read. */
  isUnauthenticated(presented: PresentedCredential): MaybePromise<boolean> {
    if (presented.kind !== 'presented') return true;
    const { secret } = presented;
    const hash = secretHash(secret);
    if (this.callers.cached(hash) || this.callers.isMasterKey(hash)) return false;
    return this.tokenCallers.looksLikeToken(secret)
      ? this.tokenCallers.isValid(hash, secret).then((isValid) => !isValid)
      : this.callers.ofKey(hash).then((caller) => !caller);
  }

  /** Loads the facts of a request by a known caller: the model it asks for, the parties that pay, and their accounts. */
  ofCaller(request: Omit<AccessRequest, 'presented'>, caller: CallerSnapshot): MaybePromise<LoadedFacts> {
    const now = this.clock();
    const llm = this.requestFacts.llmRequestOf(request, caller);
    const { endUserId } = llm ?? NO_END_USER;
    if (endUserId === undefined || caller.endUserId !== undefined || !this.knownEndUsers.areRequired)
      return this.ofCall(request, caller, llm, now);
    const isKnown = this.knownEndUsers.has(endUserId);
    return isKnown instanceof Promise
      ? isKnown.then((known) => this.ofCall(request, caller, known ? llm : withoutEndUser(llm!), now))
      : this.ofCall(request, caller, isKnown ? llm : withoutEndUser(llm!), now);
  }

  private ofCall(
    { route, isDryRun }: Omit<AccessRequest, 'presented'>,
    caller: CallerSnapshot,
    llm: LlmRequest | undefined,
    now: Date,
  ): MaybePromise<LoadedFacts> {
    const known = { now, route, caller, llm, request: llm && this.requestFacts.requestFacts(llm, caller) };
    const billingContext = this.billingContexts.of(
      caller,
      llm ?? NO_END_USER,
      known.request?.model,
      isDryRun,
    );
    return billingContext instanceof Promise
      ? billingContext.then((loaded) => this.withCountedPrompt(known, loaded))
      : this.withCountedPrompt(known, billingContext);
  }

  /** Returns the facts of a request that authenticates no caller. */
  unauthenticatedFacts(route: RouteFacts, credential: CredentialFacts): LoadedFacts {
    return {
      facts: {
        now: this.clock(),
        credential,
        route,
        parties: [],
        rates: [],
        balances: 'known',
        settings: this.config.general,
      },
      tags: [],
    };
  }

  /** Returns the same facts, with this model as the requested one. */
  async factsFor(requested: string, { facts, llm, caller }: LoadedFacts): Promise<AccessFacts> {
    const { request } = facts;
    if (!request || !llm || !caller) return facts;
    const model = this.requestFacts.modelFacts(requested, llm, caller);
    const { parties } = await this.billingContexts.of(caller, llm, model);
    return { ...facts, parties, request: { ...request, model, fallbacks: [] } };
  }

  /** Tells whether a row of the caller, the end user or a tag changed since these facts were loaded. */
  isStale({ caller, billingContext, tags }: LoadedFacts): boolean {
    return (
      (caller !== undefined && !this.callers.isFresh(caller)) ||
      !(billingContext?.snapshots ?? []).every((one) => this.callers.isFresh(one)) ||
      !this.callers.cachedTags(tags)
    );
  }

  private ofToken(hash: string, secret: string, request: AccessRequest): MaybePromise<LoadedFacts> {
    const caller = this.tokenCallers.cached(hash, request);
    if (caller) return this.ofCaller(request, caller);
    return this.tokenCallers
      .find(hash, secret, request)
      .then((found) =>
        'code' in found
          ? this.unauthenticatedFacts(request.route, { kind: 'refused', ...found })
          : this.ofCaller(request, found),
      );
  }

  /** Counts the prompt if its bytes exceed a budget or much of a token limit. Other prompts are not counted. */
  private withCountedPrompt(known: KnownRequest, billingContext: BillingContext): MaybePromise<LoadedFacts> {
    const { llm, request, caller } = known;
    const model = request?.model;
    if (
      !llm ||
      !model ||
      request.problem ||
      !mayCount(llm.size) ||
      (fitsWhole(billingContext.budgets, model.demand) && !takesMuchOfRates(billingContext.rates, model))
    )
      return this.facts(known, billingContext);
    if (llm.bytes.length > MAX_COUNTED_BYTES) return this.facts(known, billingContext);
    return this.tokenCounter.count(llm.bytes, ownerOf(caller)).then((counted) => {
      const size = { ...llm.size, ...(counted ? { counted } : { isUncounted: true as const }) };
      const smaller = { ...llm, size };
      const requestFacts = this.requestFacts.requestFacts(smaller, caller);
      return this.facts({ ...known, llm: smaller, request: requestFacts }, billingContext);
    });
  }

  private facts(
    { now, route, caller, llm, request }: KnownRequest,
    billingContext: BillingContext,
  ): LoadedFacts {
    const rates = request?.model ? limitsFor(billingContext.rates, request.model) : NO_RATES;
    const facts: AccessFacts = {
      now,
      credential: caller.credential,
      route,
      parties: billingContext.parties,
      rates: rates.length && this.rateLimits.areInMemory ? this.measured(rates) : NO_FACTS,
      balances: this.accounts.areBalances ? 'known' : 'unknownUntilHold',
      settings: this.settingsFor(caller),
      request,
    };
    const tags = tagsOfCall(caller, llm ?? NO_END_USER);
    return { facts, caller, billingContext, rates, tags, llm };
  }

  private settingsFor({ enforcedParams }: CallerSnapshot): AccessFacts['settings'] {
    const { general } = this.config;
    return enforcedParams
      ? { ...general, enforcedParams: [...general.enforcedParams, ...enforcedParams] }
      : general;
  }

  private measured(rates: readonly RateLimit[]): readonly RateFacts[] {
    return this.rateLimits.measure(rates) as readonly RateFacts[];
  }
}

/**
 * Tells whether the wanted amount would fit without the holds of other calls. Then waiting may help, and a count would not.
 */
const fitsWhole = (budgets: readonly ScopedBudget[], demand: HoldDemand | undefined) =>
  !demand ||
  budgets.every(({ account, limitNanoUsd }) => fits(account, limitNanoUsd, demand.wantedNanoUsd) !== 'spent');

/** Tells whether the prompt by its bytes takes much of a token limit. */
const takesMuchOfRates = (rates: readonly RateLimit[], model: ModelFacts) =>
  rates.length > 0 && takesMuch(limitsFor(rates, model), model);

/** Returns the key or token that owns a prompt. One prompt of each owner is counted at a time. */
const ownerOf = ({ names: { keyHash }, tokenId }: CallerSnapshot) => keyHash ?? tokenId ?? '';

/** Returns a call that names no end user. */
function withoutEndUser(llm: LlmRequest): LlmRequest {
  const { endUserId: _, ...rest } = llm;
  return rest;
}

const NO_FACTS: readonly RateFacts[] = [];
const NO_RATES: readonly RateLimit[] = [];

const NO_END_USER: CallNames = { tags: [] };
