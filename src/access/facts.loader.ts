import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { TokenOwners } from '../jwt/token-owners.js';
import { type RefusedToken, Tokens, type VerifiedToken } from '../jwt/tokens.js';
import { limitsFor, type RateLimit, RateLimits } from '../limits/rate-limits.js';
import { Catalogue } from '../models/catalogue.service.js';
import { mayCount, tokenBound } from '../policy/bound.js';
import type { AccessFacts, CredentialFacts, ModelFacts, RequestFacts, RouteFacts } from '../policy/facts.js';
import { fits } from '../policy/fits.js';
import { groupLevels } from '../policy/group-levels.js';
import { listAllows } from '../policy/model-list.js';
import type { RateFacts } from '../policy/rates.js';
import { type Wish, wishFor } from '../policy/wish.js';
import { keyHint, secretHash } from '../secrets.js';
import { Accounts } from '../spend/accounts.js';
import type { ScopedBudget } from '../spend/spend.service.js';
import { MAX_COUNTED_BYTES, TokenCounter } from '../tokens/token-counter.js';
import type { CallerSnapshot } from './caller.js';
import { Callers } from './callers.js';
import type { Presented } from './credential.js';
import { type LlmRequest, readParams } from './llm-request.js';
import type { Standing } from './standing.js';
import { type Named, Standings, tagsOfCall } from './standings.js';

/** What a request asks to be let in for. */
export interface Ask {
  readonly presented: Presented;
  readonly route: RouteFacts;
  /** `x-litellm-team-id`: which of its teams a token is to act for. */
  readonly teamId?: string | undefined;
  /** Read only once the caller is known. Absent on routes that call no model. */
  readonly llm?: (() => LlmRequest) | undefined;
  /** Nobody calls: what a call would make is not made. */
  readonly isDry?: boolean;
}

/** Whom a question is about: a key by its hash, or who would call with a key of theirs that has no limits of its own. */
interface Subject {
  readonly type: 'key' | 'user' | 'team' | 'end_user';
  readonly id: string;
}

/** The facts of one request, and what acting on them needs. */
export interface LoadedFacts {
  readonly facts: AccessFacts;
  readonly caller?: CallerSnapshot | undefined;
  readonly standing?: Standing | undefined;
  /** The rate limits this call counts on. */
  readonly rates?: readonly RateLimit[] | undefined;
  readonly llm?: LlmRequest | undefined;
  /** Of this call: its own, its key's and its team's. */
  readonly tags: readonly string[];
}

/** Makes the facts of a request, of what `Callers` read from rows. Warm, it asks nobody: one map look-up per caller, end user and tag. A prompt is counted where its bytes do not fit a budget. */
@Injectable()
export class FactsLoader {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly callers: Callers,
    private readonly standings: Standings,
    private readonly accounts: Accounts,
    private readonly rateLimits: RateLimits,
    private readonly tokenCounter: TokenCounter,
    private readonly catalogue: Catalogue,
    private readonly tokens: Tokens,
    private readonly tokenOwners: TokenOwners,
  ) {}

  /** The facts of a request; without a promise when everything about the caller is in memory and nothing is to be counted. Throws when rows or balances cannot be read. */
  load(ask: Ask): LoadedFacts | Promise<LoadedFacts> {
    const { presented } = ask;
    if (presented.kind !== 'presented') return this.stranger(ask, presented);
    const { secret } = presented;
    const hash = secretHash(secret);
    const caller = this.callers.inMemory(hash);
    if (caller) return this.withCaller(ask, caller);
    if (this.callers.isMasterKey(hash)) return this.withCaller(ask, this.callers.master);
    if (this.tokens.looksLikeToken(secret)) return this.ofToken(hash, secret, ask);
    return this.callers
      .ofKey(hash)
      .then((loaded) =>
        loaded
          ? this.withCaller(ask, loaded)
          : this.stranger(ask, { kind: 'unknown', hint: keyHint(secret) }),
      );
  }

  /** Is this nobody's credential? Without a promise where its caller is in memory. Rejects when rows or an issuer's keys cannot be read. */
  isStranger(presented: Presented): boolean | Promise<boolean> {
    if (presented.kind !== 'presented') return true;
    const { secret } = presented;
    const hash = secretHash(secret);
    if (this.callers.inMemory(hash) || this.callers.isMasterKey(hash)) return false;
    if (!this.tokens.looksLikeToken(secret)) return this.callers.ofKey(hash).then((caller) => !caller);
    if (this.tokens.known(hash)) return false;
    return this.tokens.verify(hash, secret).then((token) => 'code' in token);
  }

  /** The facts of a request with a token: verified, unless it was before. */
  private ofToken(hash: string, secret: string, ask: Ask): LoadedFacts | Promise<LoadedFacts> {
    const token = this.tokens.known(hash);
    const caller = token && !hasChoice(token, ask) && this.callers.inMemory(callerIdOf(token, ask));
    if (caller) return this.withCaller(ask, caller);
    return this.tokenCaller(hash, secret, ask).then((found) =>
      'code' in found ? this.stranger(ask, { kind: 'refused', ...found }) : this.withCaller(ask, found),
    );
  }

  /** The caller a token stands for: acting for the team asked for, or the first of its teams that may call the model. */
  private async tokenCaller(hash: string, secret: string, ask: Ask): Promise<CallerSnapshot | RefusedToken> {
    const token = this.tokens.known(hash) ?? (await this.tokens.verify(hash, secret));
    if ('code' in token) return token;
    if (!hasChoice(token, ask)) return this.callerFor(token, ask);
    let first: CallerSnapshot | RefusedToken | undefined;
    for (const teamId of token.holder.teamIds) {
      const caller = await this.callerFor(token, { teamId });
      if (!('code' in caller) && this.teamMayCall(caller, this.llmOf(ask, caller))) return caller;
      first ??= caller;
    }
    return first!;
  }

  private async callerFor(
    token: VerifiedToken,
    { teamId }: Pick<Ask, 'teamId'>,
  ): Promise<CallerSnapshot | RefusedToken> {
    const id = callerIdOf(token, { teamId });
    const known = this.callers.inMemory(id);
    if (known) return known;
    const owners = await this.tokenOwners.find(token.holder, teamId);
    if ('code' in owners) return owners;
    return this.callers.ofToken(id, token, owners);
  }

  private teamMayCall(caller: CallerSnapshot, llm: LlmRequest | undefined): boolean {
    const team = caller.parties.find(({ kind }) => kind === 'team');
    if (!team?.exists) return false;
    return llm?.model === undefined || listAllows(team.models, this.modelFacts(llm.model, llm, caller).near);
  }

  /** Returns what a caller wants: on behalf of the end user its credential names, whatever the request says, and of the model that is meant. */
  private llmOf({ llm }: Pick<Ask, 'llm'>, caller: CallerSnapshot): LlmRequest | undefined {
    const read = llm?.();
    if (!read) return undefined;
    const model = this.withoutSuffix(read, caller);
    const { endUserId } = caller;
    if (model === undefined && endUserId === undefined) return read;
    return {
      ...read,
      ...(model !== undefined && { model, rewritesModel: true }),
      ...(endUserId !== undefined && { endUserId }),
    };
  }

  /** The model that Claude Code's `[1m]` stands behind, if it is served and nothing is by the whole name. */
  private withoutSuffix({ model, kind }: LlmRequest, caller: CallerSnapshot): string | undefined {
    if (!model?.endsWith(']') || !LONG_CONTEXT.test(model) || !LONG_CONTEXT_PATHS.has(kind.path))
      return undefined;
    const { teamId } = caller.names;
    const catalogue = this.catalogue.current();
    const names = [catalogue.names(teamId), Object.keys(caller.teamAliases), Object.keys(caller.keyAliases)];
    if (names.some((some) => some.includes(model))) return undefined;
    const rest = model.replace(LONG_CONTEXT, '');
    return catalogue.modelFacts(rest, caller, teamId).known ? rest : undefined;
  }

  /** The facts of a request by somebody who is known: what is asked for, who pays, and from what. */
  private withCaller(
    ask: Omit<Ask, 'presented'>,
    caller: CallerSnapshot,
  ): LoadedFacts | Promise<LoadedFacts> {
    const now = this.clock();
    const llm = this.llmOf(ask, caller);
    const request = llm && this.requestFacts(llm, caller);
    const standing = this.standings.of(caller, llm ?? NOBODY, request?.model, ask.isDry);
    return standing instanceof Promise
      ? standing.then((loaded) => this.counted(ask.route, caller, loaded, llm, request, now))
      : this.counted(ask.route, caller, standing, llm, request, now);
  }

  /** The facts; where the bound by bytes does not fit as a whole, of a prompt that was counted. */
  private counted(
    route: RouteFacts,
    caller: CallerSnapshot,
    standing: Standing,
    llm: LlmRequest | undefined,
    request: RequestFacts | undefined,
    now: Date,
  ): LoadedFacts | Promise<LoadedFacts> {
    const wish = request?.model?.wish;
    if (!llm || !wish || request.problem || !mayCount(llm.size) || fitsWhole(standing.budgets, wish))
      return this.facts(route, caller, standing, llm, request, now);
    if (llm.bytes.length > MAX_COUNTED_BYTES) return this.facts(route, caller, standing, llm, request, now);
    return this.tokenCounter.count(llm.bytes, ownerOf(caller)).then((counted) => {
      const size = { ...llm.size, ...(counted ? { counted } : { isUncounted: true as const }) };
      const smaller = { ...llm, size };
      return this.facts(route, caller, standing, smaller, this.requestFacts(smaller, caller), now);
    });
  }

  private facts(
    route: RouteFacts,
    caller: CallerSnapshot,
    standing: Standing,
    llm: LlmRequest | undefined,
    request: RequestFacts | undefined,
    now: Date,
  ): LoadedFacts {
    const rates = request?.model ? limitsFor(standing.rates, request.model) : NO_RATES;
    const facts: AccessFacts = {
      now,
      credential: caller.credential,
      route,
      parties: standing.parties,
      rates: rates.length && this.rateLimits.areInMemory ? this.measured(rates) : NO_FACTS,
      balances: this.accounts.areBalances ? 'known' : 'atHold',
      settings: this.settingsFor(caller),
      request,
    };
    const tags = tagsOfCall(caller, llm ?? NOBODY);
    return { facts, caller, standing, rates, tags, llm };
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

  private requestFacts(llm: LlmRequest, caller: CallerSnapshot): RequestFacts {
    return {
      params: caller.enforcedParams
        ? { ...llm.params, ...readParams(llm, caller.enforcedParams) }
        : llm.params,
      fallbacks: llm.namedFallbacks.map((name) => this.modelFacts(name, llm, caller)),
      problem: llm.problem,
      model: llm.model === undefined ? undefined : this.modelFacts(llm.model, llm, caller),
    };
  }

  /** What is known of a model for this caller, and what calling it would need. */
  modelFacts(requested: string, llm: Pick<LlmRequest, 'size'>, caller: CallerSnapshot): ModelFacts {
    const catalogue = this.catalogue.current();
    const known = catalogue.modelFacts(requested, caller, caller.names.teamId);
    const within = known.deploymentGroups && groupLevels(caller.parties, known);
    const { size } = llm;
    const price = size.isFree ? 'free' : within ? catalogue.priceOf(known.name, within) : known.price;
    const limits = catalogue.limits(known.name, within);
    const wish =
      price === 'priced'
        ? wishFor(size, limits, catalogue.ceilingOf(known.name, within), this.config.general)
        : undefined;
    const { inputTokens, outputTokens } = wish?.tokens ?? tokenBound(size, limits, this.config.general);
    return {
      boundTokens: size.isFree ? 0 : inputTokens + outputTokens,
      wish,
      ...known,
      price,
      ...(within && { within }),
    };
  }

  /** The same facts as if this model had been asked for: a fallback is asked about like any other. */
  async factsFor(requested: string, { facts, llm, caller }: LoadedFacts): Promise<AccessFacts> {
    const { request } = facts;
    if (!request || !llm || !caller) return facts;
    const model = this.modelFacts(requested, llm, caller);
    const { parties } = await this.standings.of(caller, llm, model);
    return { ...facts, parties, request: { ...request, model, fallbacks: [] } };
  }

  private stranger({ route }: Pick<Ask, 'route'>, credential: CredentialFacts): LoadedFacts {
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

  /** Has anything about this caller, end user or tags changed since these facts were made? */
  isStale({ caller, standing, tags }: LoadedFacts): boolean {
    return (
      (caller !== undefined && !this.callers.isCurrent(caller)) ||
      !(standing?.named ?? []).every((one) => this.callers.isCurrent(one)) ||
      !this.callers.tagsInMemory(tags)
    );
  }

  /** The facts of a request that somebody might make: for those who ask beforehand. Makes nothing. */
  async loadSubject(subject: Subject, ask: Omit<Ask, 'presented' | 'isDry'>): Promise<LoadedFacts> {
    const dry = { ...ask, isDry: true };
    const caller = await this.callerNamed(subject);
    if (!caller) return this.stranger(ask, { kind: 'unknown', hint: 'sk-...' });
    const loaded = await this.withCaller(dry, caller);
    return this.completed(loaded, () => this.withCaller(dry, caller));
  }

  private async callerNamed({ type, id }: Subject): Promise<CallerSnapshot | undefined> {
    if (type === 'key') return this.callers.ofKey(id);
    return this.callers.bare({
      ...(type === 'user' && { userId: id }),
      ...(type === 'team' && { teamId: id }),
    });
  }

  /** The hash a key is known by, given that of any secret that works. Undefined when there is no such key. */
  async keyOf(hash: string): Promise<string | undefined> {
    return (await this.callers.ofKey(hash))?.names.keyHash ?? undefined;
  }

  /** The same of a request with this token. */
  async loadToken(secret: string, ask: Omit<Ask, 'presented'>): Promise<LoadedFacts> {
    const load = () => this.load({ ...ask, isDry: true, presented: { kind: 'presented', secret } });
    return this.completed(await load(), load);
  }

  /** With everything that is the hold's to find out, as it is now: for explanations. */
  async completed(
    loaded: LoadedFacts,
    again: () => LoadedFacts | Promise<LoadedFacts>,
  ): Promise<LoadedFacts> {
    const { standing, rates = NO_RATES } = loaded;
    if (standing && !this.accounts.areBalances) {
      await this.accounts.refresh(standing.chain.accounts);
      loaded = await again();
    }
    const facts = { ...loaded.facts, balances: 'known' as const };
    if (this.rateLimits.areInMemory || !rates.length) return { ...loaded, facts };
    return { ...loaded, facts: { ...facts, rates: await this.rateLimits.measure(rates) } };
  }
}

/** Would all of it fit if nobody else held anything? Then waiting may help, and counting would not. */
const fitsWhole = (budgets: readonly ScopedBudget[], { wantedNanoUsd }: Wish) =>
  budgets.every(({ account, limitNanoUsd }) => fits(account, limitNanoUsd, wantedNanoUsd) !== 'spent');

/** Returns the key or token whose prompts take one another's place when they are counted. */
const ownerOf = ({ names: { keyHash }, tokenId }: CallerSnapshot) => keyHash ?? tokenId ?? '';

/** May a token act for several teams, and the request does not say for which? */
const hasChoice = ({ holder: { teamIds } }: VerifiedToken, { teamId }: Pick<Ask, 'teamId'>) =>
  teamId === undefined && teamIds.length > 1;

/** What a token's caller is kept by: the token, and the team it was asked to act for. */
const callerIdOf = ({ hash }: VerifiedToken, { teamId = '' }: Pick<Ask, 'teamId'>) => `${hash}/${teamId}`;

/** How Claude Code asks for a context of a million tokens. */
const LONG_CONTEXT = /\[1m\]$/i;
const LONG_CONTEXT_PATHS: ReadonlySet<string> = new Set([
  '/chat/completions',
  '/messages',
  '/messages/count_tokens',
  '/responses',
]);

const NO_FACTS: readonly RateFacts[] = [];
const NO_RATES: readonly RateLimit[] = [];

const NOBODY: Named = { tags: [] };
