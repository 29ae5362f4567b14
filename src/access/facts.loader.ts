import { Inject, Injectable } from '@nestjs/common';
import { BudgetsService } from '../budgets/budgets.service.js';
import { BoundedMap } from '../cache/bounded-map.js';
import { type CacheKey, cacheKey, Changes } from '../cache/changes.js';
import { Revisions } from '../cache/revisions.js';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { EndUsersService } from '../end-users/end-users.service.js';
import { type Owners, TokenOwners } from '../jwt/token-owners.js';
import { type RefusedToken, Tokens, type VerifiedToken } from '../jwt/tokens.js';
import { KeysService } from '../keys/keys.service.js';
import { secretEnd } from '../keys/virtual-key.entity.js';
import { type RateLimit, RateLimits } from '../limits/rate-limits.js';
import { Catalogue } from '../models/catalogue.service.js';
import { OrganizationsService } from '../orgs/organizations.service.js';
import type { LimitsRow } from '../parties/limits-row.js';
import type { AccessFacts, CredentialFacts, ModelFacts, RequestFacts, RouteFacts } from '../policy/facts.js';
import { listAllows } from '../policy/model-list.js';
import { nanoUsdFromUsd } from '../policy/money.js';
import { tokenBound } from '../policy/bound.js';
import { type Wish, wishFor } from '../policy/wish.js';
import { roleOf } from '../policy/authority.js';
import { fits } from '../policy/fits.js';
import type { ScopedBudget } from '../spend/spend.service.js';
import type { RateFacts } from '../policy/rates.js';
import { compileRouteList } from '../policy/routes.js';
import { keyHint, secretHash, secretMatcher } from '../secrets.js';
import { GLOBAL_ID } from '../spend/account.js';
import { Accounts } from '../spend/accounts.js';
import { tagsOf } from '../parties/tags-of.js';
import { TagsService } from '../tags/tags.service.js';
import { teamMemberDefaults } from '../teams/team-member-defaults.js';
import { TeamsService } from '../teams/teams.service.js';
import { TokenCounter } from '../tokens/token-counter.js';
import type { User } from '../users/user.entity.js';
import { Unanswered } from '../unanswered.js';
import { UsersService } from '../users/users.service.js';
import {
  type CallerSnapshot,
  isCurrent,
  makeStanding,
  noStandings,
  type PartySpec,
  placeBudgets,
  type Snapshot,
  type Standing,
} from './caller.js';
import type { Presented } from './credential.js';
import type { LlmRequest } from './llm-request.js';
import { missingParty, partySpec, tokenParty } from './party-specs.js';

/** What a request asks to be let in for. */
export interface Ask {
  readonly presented: Presented;
  readonly route: RouteFacts;
  /** `x-litellm-team-id`: which of its teams a token is to act for. */
  readonly teamId?: string;
  /** Read only once the caller is known. Absent on routes that call no model. */
  readonly llm?: () => LlmRequest;
}

/** The facts of one request, and what acting on them needs. */
export interface LoadedFacts {
  readonly facts: AccessFacts;
  readonly caller?: CallerSnapshot;
  readonly standing?: Standing;
  /** The rate limits this call counts on. */
  readonly rates?: readonly RateLimit[];
  readonly llm?: LlmRequest;
  /** Of this call: its own, its key's and its team's. */
  readonly tags: readonly string[];
}

/** Who else stands behind a call because it says so. */
export type Named = Pick<LlmRequest, 'endUserId' | 'tags'>;

const SNAPSHOT_TTL_MS = 60_000;
const MAX_SNAPSHOTS = 200_000;
const MAX_READS = 5;
/** Who the master key acts for, LiteLLM's name. */
const MASTER_CALLER_ID = 'default_user_id';

/** The only place where rows become facts. Warm, it asks nobody: one map look-up per caller, end user and tag. */
@Injectable()
export class FactsLoader {
  private readonly callers = new BoundedMap<string, CallerSnapshot>(MAX_SNAPSHOTS);
  private readonly endUsers = new BoundedMap<string, Snapshot>(MAX_SNAPSHOTS);
  /** Also of names that have no row: any a client thinks of. */
  private readonly tags = new BoundedMap<string, Snapshot>(MAX_SNAPSHOTS);
  private readonly master: CallerSnapshot;
  private readonly isMasterKey: (hash: string) => boolean;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly changes: Changes,
    private readonly revisions: Revisions,
    private readonly accounts: Accounts,
    private readonly rateLimits: RateLimits,
    private readonly tokenCounter: TokenCounter,
    private readonly catalogue: Catalogue,
    private readonly keysService: KeysService,
    private readonly usersService: UsersService,
    private readonly teamsService: TeamsService,
    private readonly organizationsService: OrganizationsService,
    private readonly endUsersService: EndUsersService,
    private readonly tagsService: TagsService,
    private readonly budgetsService: BudgetsService,
    private readonly tokens: Tokens,
    private readonly tokenOwners: TokenOwners,
  ) {
    this.isMasterKey = secretMatcher(config.masterKey);
    this.master = {
      parties: [this.everyone()],
      dependsOn: [],
      madeOf: new Map(),
      staleAt: Infinity,
      epoch: 0,
      credential: { kind: 'master', role: 'proxy_admin' },
      names: { keyHash: null, keyAlias: null, userId: MASTER_CALLER_ID, teamId: null, organizationId: null },
      callerId: MASTER_CALLER_ID,
      tags: [],
      teamAliases: {},
      keyAliases: {},
      standings: noStandings(),
    };
  }

  /** The facts of a request; without a promise when everything about the caller is in memory. Throws when rows or balances cannot be read. */
  load(ask: Ask): LoadedFacts | Promise<LoadedFacts> {
    const { presented } = ask;
    if (presented.kind !== 'presented') return this.stranger(ask, presented);
    const { secret } = presented;
    const hash = secretHash(secret);
    if (this.isMasterKey(hash)) return this.withCaller(ask, this.master);
    if (this.tokens.looksLikeToken(secret)) return this.loadToken(hash, secret, ask);
    const caller = this.currentCaller(hash);
    if (caller) return this.withCaller(ask, caller);
    return this.loadCaller(hash).then((loaded) =>
      loaded ? this.withCaller(ask, loaded) : this.stranger(ask, { kind: 'unknown', hint: keyHint(secret) }),
    );
  }

  /** The same for a token: verified, unless it was before. */
  private loadToken(hash: string, secret: string, ask: Ask): LoadedFacts | Promise<LoadedFacts> {
    const token = this.tokens.known(hash);
    const caller = token && !hasChoice(token, ask) && this.currentCaller(callerIdOf(token, ask));
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
      if (this.teamMayCall(caller, ask.llm?.())) return caller;
      first ??= caller;
    }
    return first!;
  }

  private async callerFor(
    token: VerifiedToken,
    { teamId }: Pick<Ask, 'teamId'>,
  ): Promise<CallerSnapshot | RefusedToken> {
    const id = callerIdOf(token, { teamId });
    const known = this.currentCaller(id);
    if (known) return known;
    const owners = await this.tokenOwners.find(token.holder, teamId);
    if ('code' in owners) return owners;
    return (await this.loadCaller(id, () => this.readTokenCaller(id, token, owners)))!;
  }

  private teamMayCall(caller: CallerSnapshot | RefusedToken, llm: LlmRequest | undefined): boolean {
    if ('code' in caller) return false;
    const team = caller.parties.find(({ kind }) => kind === 'team');
    if (!team?.exists) return false;
    return llm?.model === undefined || listAllows(team.models, this.modelFacts(llm.model, llm, caller).near);
  }

  private currentCaller(id: string): CallerSnapshot | undefined {
    const caller = this.callers.get(id);
    return caller && isCurrent(caller, this.changes, this.clock().getTime()) ? caller : undefined;
  }

  /** The same question about a key named by its hash: for those who ask beforehand. */
  async loadByHash(hash: string, ask: Omit<Ask, 'presented'>): Promise<LoadedFacts> {
    const caller = this.isMasterKey(hash) ? this.master : await this.loadCaller(hash);
    if (!caller) return this.stranger(ask, { kind: 'unknown', hint: 'sk-...' });
    const loaded = await this.withCaller(ask, caller);
    return this.completed(loaded, () => this.withCaller(ask, caller));
  }

  /** The same question about a token itself. */
  async loadByToken(secret: string, ask: Omit<Ask, 'presented'>): Promise<LoadedFacts> {
    const load = () => this.load({ ...ask, presented: { kind: 'presented', secret } });
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

  private measured(rates: readonly RateLimit[]): readonly RateFacts[] {
    return this.rateLimits.measure(rates) as readonly RateFacts[];
  }

  /** Has anything about this caller, end user or tags changed since these facts were made? */
  isStale({ caller, standing, tags }: LoadedFacts): boolean {
    const now = this.clock().getTime();
    return (
      (caller !== undefined && !isCurrent(caller, this.changes, now)) ||
      !(standing?.named ?? []).every((one) => isCurrent(one, this.changes, now)) ||
      !this.tagsInMemory(tags, now)
    );
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

  private withCaller(
    ask: Omit<Ask, 'presented'>,
    caller: CallerSnapshot,
  ): LoadedFacts | Promise<LoadedFacts> {
    const now = this.clock();
    const llm = llmOf(ask, caller);
    const request = llm && this.requestFacts(llm, caller);
    const standing = this.standing(caller, llm ?? NOBODY, request?.model);
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
    if (!llm || !wish || request.problem || llm.size.hasMedia || fitsWhole(standing.budgets, wish))
      return this.facts(route, caller, standing, llm, request, now);
    return this.tokenCounter.count(llm.bytes).then((counted) => {
      if (!counted) return this.facts(route, caller, standing, llm, request, now);
      const smaller = { ...llm, size: { ...llm.size, counted } };
      return this.facts(route, caller, standing, smaller, this.requestFacts(smaller, caller), now);
    });
  }

  /** Who pays for a call of this model, and from what; without a promise when it is in memory. */
  standing(
    caller: CallerSnapshot,
    named: Named,
    model: ModelFacts | undefined,
  ): Standing | Promise<Standing> {
    const now = this.clock();
    return this.standingInMemory(caller, named, model, now) ?? this.loadStanding(caller, named, model, now);
  }

  private facts(
    route: RouteFacts,
    caller: CallerSnapshot,
    standing: Standing,
    llm: LlmRequest | undefined,
    request: RequestFacts | undefined,
    now: Date,
  ): LoadedFacts {
    const rates = request?.model ? ratesFor(standing.rates, request.model) : NO_RATES;
    const facts: AccessFacts = {
      now,
      credential: caller.credential,
      route,
      parties: standing.parties,
      rates: rates.length && this.rateLimits.areInMemory ? this.measured(rates) : NO_FACTS,
      balances: this.accounts.areBalances ? 'known' : 'atHold',
      settings: this.config.general,
      ...(request && { request }),
    };
    const tags = tagsOfCall(caller, llm ?? NOBODY);
    return { facts, caller, standing, rates, tags, ...(llm && { llm }) };
  }

  private requestFacts(llm: LlmRequest, caller: CallerSnapshot): RequestFacts {
    return {
      params: llm.params,
      fallbacks: llm.namedFallbacks.map((name) => this.modelFacts(name, llm, caller)),
      ...(llm.problem && { problem: llm.problem }),
      ...(llm.model !== undefined && { model: this.modelFacts(llm.model, llm, caller) }),
    };
  }

  /** What is known of a model for this caller, and what calling it would need. */
  modelFacts(requested: string, llm: Pick<LlmRequest, 'size'>, caller: CallerSnapshot): ModelFacts {
    const catalogue = this.catalogue.current();
    const known = catalogue.modelFacts(requested, caller);
    const facts =
      llm.size.hasFees && known.price === 'priced' ? { ...known, price: 'unbounded' as const } : known;
    const wish =
      facts.price === 'priced' || facts.price === 'unbounded'
        ? wishFor(
            llm.size,
            catalogue.limits(facts.name),
            catalogue.ceilingOf(facts.name),
            this.config.general,
          )
        : undefined;
    const { inputTokens, outputTokens } = wish?.tokens ?? tokenBound(llm.size, catalogue.limits(facts.name));
    return { ...facts, boundTokens: inputTokens + outputTokens, ...(wish && { wish }) };
  }

  private standingInMemory(
    caller: CallerSnapshot,
    named: Named,
    model: ModelFacts | undefined,
    now: Date,
  ): Standing | undefined {
    const { endUserId } = named;
    const endUser = endUserId === undefined ? undefined : this.endUsers.get(endUserId);
    const tags = this.tagsInMemory(tagsOfCall(caller, named), now.getTime());
    const modelNames = budgetedNames(model, [caller, ...(endUser ? [endUser] : []), ...(tags ?? [])]);
    const standing = tags && caller.standings.get(standingKey(endUserId, tags, modelNames));
    const current =
      standing &&
      now.getTime() < standing.until &&
      standing.accountsGeneration === this.accounts.generation &&
      standing.named.every((one) => isCurrent(one, this.changes, now.getTime()));
    return current ? standing : undefined;
  }

  private async loadStanding(
    caller: CallerSnapshot,
    named: Named,
    model: ModelFacts | undefined,
    now: Date,
  ): Promise<Standing> {
    const { endUserId } = named;
    const endUser = endUserId === undefined ? undefined : await this.loadEndUser(endUserId);
    const loaded = await Promise.all(tagsOfCall(caller, named).map((tag) => this.loadTag(tag)));
    const tags = loaded.filter(hasRow);
    const snapshots = [...(endUser ? [endUser] : []), ...tags];
    const modelNames = budgetedNames(model, [caller, ...snapshots]);
    const last = caller.parties.length - 1;
    const parties = caller.parties.toSpliced(last, 0, ...snapshots.flatMap((one) => one.parties));
    const placed = parties
      .filter(({ exists, kind }) => exists || kind !== 'end_user')
      .map((party) => ({
        party,
        budgets:
          party.exists && party.kind !== 'token'
            ? placeBudgets(party, this.config.litellm.timezone, now, modelNames)
            : [],
      }));
    const accounts = await this.accounts.load(placed.flatMap(({ budgets }) => budgets));
    const standing = makeStanding(
      placed,
      new Map(accounts.map((account) => [account.id, account])),
      { ...caller.names, endUserId: endUserId ?? null },
      this.accounts.generation,
      caller,
      snapshots,
    );
    caller.standings.set(standingKey(endUserId, tags, modelNames), standing);
    return standing;
  }

  /** Those of a call's tags that have a row; undefined when that has to be read. */
  private tagsInMemory(tags: readonly string[], now: number): readonly Snapshot[] | undefined {
    if (!tags.length) return NO_TAGS;
    const known = tags.map((tag) => this.tags.get(tag));
    return known.every((tag) => tag !== undefined && isCurrent(tag, this.changes, now))
      ? (known as Snapshot[]).filter(hasRow)
      : undefined;
  }

  /** Other processes may change a row between two reads: then they are of different times, and read again. */
  private async loadCaller(
    id: string,
    read = (): Promise<CallerSnapshot | undefined> => this.readCaller(id),
  ): Promise<CallerSnapshot | undefined> {
    for (let tries = 1; ; tries++) {
      const { epoch } = this.changes;
      const caller = await read();
      const isWhole = !caller || !this.changes.changedSince(epoch, caller.dependsOn);
      if (isWhole && caller) this.callers.set(id, caller);
      if (isWhole || !this.revisions.areShared) return caller;
      if (tries === MAX_READS)
        throw new Unanswered('database', 'a caller changes faster than it can be read');
    }
  }

  private async readCaller(hash: string): Promise<CallerSnapshot | undefined> {
    const { epoch } = this.changes;
    const dependsOn: CacheKey[] = [cacheKey.key(hash)];
    const tier = (budgetId: string | null) => this.tier(budgetId, dependsOn);

    const key = await this.keysService.getByHash(hash);
    if (!key) return undefined;
    const expiresAt = secretEnd(key, hash);
    const own = partySpec('key', key.keyAlias ?? key.keyName, key, await tier(key.budgetId), {
      blocked: key.blocked,
      models: key.models,
    });
    const { parties, user, team, organizationId } = await this.readBehind(key, dependsOn);

    const now = this.clock().getTime();
    const alive = expiresAt && expiresAt.getTime() > now ? expiresAt.getTime() : Infinity;
    return {
      parties: Object.freeze([own, ...parties, this.everyone()]),
      dependsOn,
      madeOf: this.revisions.ofAll(dependsOn),
      // A call that waits longer than its key lives is asked about again.
      staleAt: Math.min(now + SNAPSHOT_TTL_MS, alive),
      epoch,
      credential: Object.freeze({
        kind: 'key',
        role: roleOf(user, key),
        hint: key.keyName,
        blocked: key.blocked,
        expiresAt,
        allowedRoutes: compileRouteList(key.allowedRoutes),
      }),
      names: {
        keyHash: key.secretHash,
        keyAlias: key.keyAlias,
        userId: key.userId,
        teamId: key.teamId,
        organizationId,
      },
      callerId: key.userId ?? key.keyAlias ?? key.keyName,
      tags: eachOnce([...tagsOf(key), ...(team ? tagsOf(team) : [])]),
      teamAliases: team?.modelAliases ?? {},
      keyAliases: key.aliases ?? {},
      standings: noStandings(),
    };
  }

  private async readTokenCaller(
    id: string,
    { holder, expiresAt }: VerifiedToken,
    owners: Owners,
  ): Promise<CallerSnapshot> {
    const { epoch } = this.changes;
    const dependsOn: CacheKey[] = [];
    const { parties, user, team, organizationId } = await this.readBehind(owners, dependsOn);
    const { userId, teamId } = owners;
    const name = userId ?? holder.userId ?? holder.subject ?? teamId ?? 'jwt';
    return {
      parties: Object.freeze([
        ...holder.models.map((models) => tokenParty(name, models)),
        ...parties,
        this.everyone(),
      ]),
      dependsOn,
      madeOf: this.revisions.ofAll(dependsOn),
      staleAt: Math.min(this.clock().getTime() + SNAPSHOT_TTL_MS, expiresAt.getTime()),
      epoch,
      credential: Object.freeze({
        kind: 'token',
        role: holder.role ?? roleOf(user, { userId, teamId, organizationId }),
        routes: holder.routes,
      }),
      names: { keyHash: null, keyAlias: null, userId, teamId, organizationId },
      callerId: name,
      tokenId: id,
      tags: team ? eachOnce(tagsOf(team)) : [],
      ...(holder.endUserId !== undefined && { endUserId: holder.endUserId }),
      teamAliases: team?.modelAliases ?? {},
      keyAliases: {},
      standings: noStandings(),
    };
  }

  /** Member, team, user and organization, as their rows describe them. */
  private async readBehind(owners: Owners, dependsOn: CacheKey[]) {
    const tier = (budgetId: string | null) => this.tier(budgetId, dependsOn);
    const parties: PartySpec[] = [];

    const team = owners.teamId === null ? null : await this.teamsService.get(owners.teamId);
    if (owners.teamId !== null) {
      dependsOn.push(cacheKey.team(owners.teamId));
      const member =
        owners.userId === null ? null : await this.teamsService.getMember(owners.teamId, owners.userId);
      if (owners.userId !== null) dependsOn.push(cacheKey.membership(owners.teamId, owners.userId));
      if (member) {
        const defaults = (await tier(member.budgetId)) ?? (team && teamMemberDefaults(team));
        parties.push(partySpec('member', member.userId, member, defaults));
      }
      parties.push(
        team
          ? partySpec('team', team.teamId, team, await tier(team.budgetId))
          : missingParty('team', owners.teamId),
      );
    }

    let user: Readonly<User> | null = null;
    if (owners.userId !== null) {
      dependsOn.push(cacheKey.user(owners.userId));
      user = await this.usersService.get(owners.userId);
      const lifted = owners.teamId !== null && this.config.general.skipUserBudgetOnTeamKey;
      parties.push(
        user
          ? { ...partySpec('user', user.userId, user, await tier(user.budgetId)), budgetsLifted: lifted }
          : missingParty('user', owners.userId),
      );
    }

    const organizationId = team?.organizationId ?? owners.organizationId;
    if (organizationId !== null) {
      dependsOn.push(cacheKey.organization(organizationId));
      const organization = await this.organizationsService.get(organizationId);
      parties.push(
        organization
          ? partySpec('organization', organizationId, organization, await tier(organization.budgetId))
          : missingParty('organization', organizationId),
      );
    }

    return { parties, user, team, organizationId };
  }

  private async loadEndUser(endUserId: string): Promise<Snapshot> {
    const known = this.endUsers.get(endUserId);
    if (known && isCurrent(known, this.changes, this.clock().getTime())) return known;
    const { epoch } = this.changes;
    const dependsOn: CacheKey[] = [cacheKey.endUser(endUserId)];
    const { maxEndUserBudgetId } = this.config.litellm;
    const row =
      (await this.endUsersService.get(endUserId)) ??
      (maxEndUserBudgetId === undefined ? null : await this.endUsersService.getOrCreate(endUserId));
    const tierId = row?.budgetId ?? maxEndUserBudgetId ?? null;
    const endUser: Snapshot = {
      parties: row ? [partySpec('end_user', endUserId, row, await this.tier(tierId, dependsOn))] : [],
      dependsOn,
      madeOf: this.revisions.ofAll(dependsOn),
      staleAt: this.clock().getTime() + SNAPSHOT_TTL_MS,
      epoch,
    };
    if (!this.changes.changedSince(epoch, dependsOn)) this.endUsers.set(endUserId, endUser);
    return endUser;
  }

  private async loadTag(name: string): Promise<Snapshot> {
    const known = this.tags.get(name);
    if (known && isCurrent(known, this.changes, this.clock().getTime())) return known;
    const { epoch } = this.changes;
    const dependsOn: CacheKey[] = [cacheKey.tag(name)];
    const row = await this.tagsService.get(name);
    const tier = row && (await this.tier(row.budgetId, dependsOn));
    const tag: Snapshot = {
      // Its `models` say which deployments carry it, not what may be called.
      parties: row ? [partySpec('tag', name, row, tier, { blocked: row.blocked, models: null })] : [],
      dependsOn,
      madeOf: this.revisions.ofAll(dependsOn),
      staleAt: this.clock().getTime() + SNAPSHOT_TTL_MS,
      epoch,
    };
    if (!this.changes.changedSince(epoch, dependsOn)) this.tags.set(name, tag);
    return tag;
  }

  private async tier(budgetId: string | null, dependsOn: CacheKey[]): Promise<Readonly<LimitsRow> | null> {
    if (budgetId === null) return null;
    dependsOn.push(cacheKey.budget(budgetId));
    return this.budgetsService.get(budgetId);
  }

  /** The proxy as a whole: its budget is everyone's last. */
  private everyone(): PartySpec {
    const { maxBudgetUsd, budgetDuration } = this.config.litellm;
    const limitNanoUsd = maxBudgetUsd ? nanoUsdFromUsd(maxBudgetUsd) : undefined;
    return {
      kind: 'global',
      id: GLOBAL_ID,
      scopeId: GLOBAL_ID,
      exists: true,
      blocked: false,
      models: 'any',
      rates: [],
      modelBudgets: new Map(),
      budgets:
        limitNanoUsd === undefined
          ? []
          : [
              {
                limitNanoUsd,
                window:
                  budgetDuration === undefined
                    ? null
                    : { duration: budgetDuration, anchor: new Date(0), since: new Date(0) },
              },
            ],
    };
  }
}

/** Would all of it fit if nobody else held anything? Then waiting may help, and counting would not. */
const fitsWhole = (budgets: readonly ScopedBudget[], { wantedNanoUsd }: Wish) =>
  budgets.every(({ account, limitNanoUsd }) => fits(account, limitNanoUsd, wantedNanoUsd) !== 'spent');

/** May a token act for several teams, and the request does not say for which? */
const hasChoice = ({ holder: { teamIds } }: VerifiedToken, { teamId }: Pick<Ask, 'teamId'>) =>
  teamId === undefined && teamIds.length > 1;

/** What a token's caller is kept by: the token, and the team it was asked to act for. */
const callerIdOf = ({ hash }: VerifiedToken, { teamId = '' }: Pick<Ask, 'teamId'>) => `${hash}/${teamId}`;

/** What a caller wants; on behalf of the end user its credential names, whatever the request says. */
function llmOf({ llm }: Pick<Ask, 'llm'>, { endUserId }: CallerSnapshot): LlmRequest | undefined {
  const read = llm?.();
  return read && endUserId !== undefined ? { ...read, endUserId } : read;
}

const NO_FACTS: readonly RateFacts[] = [];
const NO_RATES: readonly RateLimit[] = [];
const NO_NAMES: readonly string[] = [];

const NO_TAGS: readonly Snapshot[] = [];
const NOBODY: Named = { tags: [] };

/** The names of a model, where somebody has a budget for it alone; else none. */
function budgetedNames(model: ModelFacts | undefined, snapshots: readonly Snapshot[]): readonly string[] {
  if (!model) return NO_NAMES;
  const hasOne = ({ modelBudgets }: PartySpec) =>
    modelBudgets.size > 0 && (modelBudgets.has(model.requested) || modelBudgets.has(model.name));
  return snapshots.some(({ parties }) => parties.some(hasOne)) ? [model.requested, model.name] : NO_NAMES;
}

const eachOnce = (tags: readonly string[]) => [...new Set(tags)].toSorted();

/** Always in the same order, so that the same tags make the same chain. */
const tagsOfCall = ({ tags: own }: CallerSnapshot, { tags }: Named) =>
  tags.length ? eachOnce([...own, ...tags]) : own;

const hasRow = ({ parties }: Snapshot) => parties.length > 0;

/**
 * No end user's id and no tag has the character that separates here. Tags without a row are left out: a client may
 * invent any number of them, and they change nothing.
 */
const standingKey = (endUserId = '', tags: readonly Snapshot[], modelNames: readonly string[]) =>
  tags.length || modelNames.length
    ? [endUserId, ...modelNames, '', ...tags.map(({ parties }) => parties[0]!.id)].join('\0')
    : endUserId;

/** Of all limits those that count for this model: by the name it was asked for, or the one it has. */
function ratesFor(rates: readonly RateLimit[], { requested, name }: ModelFacts): readonly RateLimit[] {
  return rates.some(({ model }) => model !== undefined)
    ? rates.filter(({ model }) => model === undefined || model === requested || model === name)
    : rates;
}
