import { Inject, Injectable } from '@nestjs/common';
import { BudgetsService } from '../budgets/budgets.service.js';
import { BoundedMap } from '../cache/bounded-map.js';
import { type CacheKey, cacheKey, Changes } from '../cache/changes.js';
import { Revisions } from '../cache/revisions.js';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { EndUsersService } from '../end-users/end-users.service.js';
import { KeysService } from '../keys/keys.service.js';
import { type RateLimit, RateLimits } from '../limits/rate-limits.js';
import { Catalogue } from '../models/catalogue.service.js';
import { OrganizationsService } from '../orgs/organizations.service.js';
import type { LimitsRow } from '../parties/limits-row.js';
import type { AccessFacts, CredentialFacts, ModelFacts, RequestFacts, RouteFacts } from '../policy/facts.js';
import { nanoUsdFromUsd } from '../policy/money.js';
import { mayCount, tokenBound } from '../policy/bound.js';
import { type Wish, wishFor } from '../policy/wish.js';
import { roleOf } from '../policy/authority.js';
import { fits } from '../policy/fits.js';
import type { ScopedBudget } from '../spend/spend.service.js';
import type { RateFacts } from '../policy/rates.js';
import { compileRouteList } from '../policy/routes.js';
import { keyHint, secretHash, secretMatcher } from '../secrets.js';
import { Accounts } from '../spend/accounts.js';
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
import { missingParty, partySpec } from './party-specs.js';

/** What a request asks to be let in for. */
export interface Ask {
  readonly presented: Presented;
  readonly route: RouteFacts;
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
}

const SNAPSHOT_TTL_MS = 60_000;
const MAX_SNAPSHOTS = 200_000;
const MAX_READS = 5;
/** Who the master key acts for, LiteLLM's name. */
const MASTER_CALLER_ID = 'default_user_id';
const GLOBAL_ID = 'proxy';

/** The only place where rows become facts. Warm, it asks nobody: one map look-up per caller, one per end user. */
@Injectable()
export class FactsLoader {
  private readonly callers = new BoundedMap<string, CallerSnapshot>(MAX_SNAPSHOTS);
  private readonly endUsers = new BoundedMap<string, Snapshot>(MAX_SNAPSHOTS);
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
    private readonly budgetsService: BudgetsService,
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
      teamAliases: {},
      keyAliases: {},
      standings: noStandings(),
    };
  }

  /** The facts of a request; without a promise when everything about the caller is in memory. Throws when rows or balances cannot be read. */
  load(ask: Ask): LoadedFacts | Promise<LoadedFacts> {
    const { presented } = ask;
    if (presented.kind !== 'presented') return { facts: this.strangerFacts(ask, presented) };
    const { secret } = presented;
    const hash = secretHash(secret);
    if (this.isMasterKey(hash)) return this.withCaller(ask, this.master);
    const caller = this.callers.get(hash);
    if (caller && isCurrent(caller, this.changes, this.clock().getTime()))
      return this.withCaller(ask, caller);
    return this.loadCaller(hash).then((loaded) =>
      loaded
        ? this.withCaller(ask, loaded)
        : { facts: this.strangerFacts(ask, { kind: 'unknown', hint: keyHint(secret) }) },
    );
  }

  /** The same question about a key named by its hash: for those who ask beforehand. */
  async loadByHash(hash: string, ask: Omit<Ask, 'presented'>): Promise<LoadedFacts> {
    const caller = this.isMasterKey(hash) ? this.master : await this.loadCaller(hash);
    if (!caller) return { facts: this.strangerFacts(ask, { kind: 'unknown', hint: 'sk-...' }) };
    const loaded = await this.withCaller(ask, caller);
    return this.completed(loaded, () => this.withCaller(ask, caller));
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

  /** Has anything about this caller or end user changed since these facts were made? */
  isStale({ caller, standing }: LoadedFacts): boolean {
    const now = this.clock().getTime();
    return (
      (caller !== undefined && !isCurrent(caller, this.changes, now)) ||
      (standing?.endUser !== undefined && !isCurrent(standing.endUser, this.changes, now))
    );
  }

  private strangerFacts({ route }: Pick<Ask, 'route'>, credential: CredentialFacts): AccessFacts {
    return {
      now: this.clock(),
      credential,
      route,
      parties: [],
      rates: [],
      balances: 'known',
      settings: this.config.general,
    };
  }

  private withCaller(
    ask: Omit<Ask, 'presented'>,
    caller: CallerSnapshot,
  ): LoadedFacts | Promise<LoadedFacts> {
    const now = this.clock();
    const llm = ask.llm?.();
    const request = llm && this.requestFacts(llm, caller);
    const standing = this.standing(caller, llm?.endUserId, request?.model);
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
    return this.tokenCounter.count(llm.bytes).then((counted) => {
      if (!counted) return this.facts(route, caller, standing, llm, request, now);
      const smaller = { ...llm, size: { ...llm.size, counted } };
      return this.facts(route, caller, standing, smaller, this.requestFacts(smaller, caller), now);
    });
  }

  /** Who pays for a call of this model, and from what; without a promise when it is in memory. */
  standing(
    caller: CallerSnapshot,
    endUserId: string | undefined,
    model: ModelFacts | undefined,
  ): Standing | Promise<Standing> {
    const now = this.clock();
    const modelNames = this.budgetedNames(caller, endUserId, model);
    return (
      this.standingInMemory(caller, endUserId, modelNames, now) ??
      this.loadStanding(caller, endUserId, model, now)
    );
  }

  /** The names of a model, where somebody has a budget for it alone; else none. */
  private budgetedNames(
    { parties }: CallerSnapshot,
    endUserId: string | undefined,
    model: ModelFacts | undefined,
  ): readonly string[] {
    if (!model) return NO_NAMES;
    const hasOne = ({ modelBudgets }: PartySpec) =>
      modelBudgets.size > 0 && (modelBudgets.has(model.requested) || modelBudgets.has(model.name));
    const endUser = endUserId === undefined ? undefined : this.endUsers.get(endUserId);
    return parties.some(hasOne) || endUser?.parties.some(hasOne) ? [model.requested, model.name] : NO_NAMES;
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
    return { facts, caller, standing, rates, ...(llm && { llm }) };
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
    const facts = llm.size.isFree
      ? { ...known, price: 'free' as const }
      : llm.size.hasFees && known.price === 'priced'
        ? { ...known, price: 'unbounded' as const }
        : known;
    const wish =
      facts.price === 'priced' || facts.price === 'unbounded'
        ? wishFor(
            llm.size,
            catalogue.limits(facts.name),
            catalogue.ceilingOf(facts.name),
            this.config.general,
          )
        : undefined;
    if (llm.size.isFree) return { ...facts, boundTokens: 0 };
    const { inputTokens, outputTokens } = wish?.tokens ?? tokenBound(llm.size, catalogue.limits(facts.name));
    return { ...facts, boundTokens: inputTokens + outputTokens, ...(wish && { wish }) };
  }

  private standingInMemory(
    caller: CallerSnapshot,
    endUserId: string | undefined,
    modelNames: readonly string[],
    now: Date,
  ): Standing | undefined {
    const standing = caller.standings.get(standingKey(endUserId, modelNames));
    const current =
      standing &&
      now.getTime() < standing.until &&
      standing.accountsGeneration === this.accounts.generation &&
      (!standing.endUser || isCurrent(standing.endUser, this.changes, now.getTime()));
    return current ? standing : undefined;
  }

  private async loadStanding(
    caller: CallerSnapshot,
    endUserId: string | undefined,
    model: ModelFacts | undefined,
    now: Date,
  ): Promise<Standing> {
    const endUser = endUserId === undefined ? undefined : await this.loadEndUser(endUserId);
    const modelNames = this.budgetedNames(caller, endUserId, model);
    const last = caller.parties.length - 1;
    const parties = caller.parties.toSpliced(last, 0, ...(endUser?.parties ?? []));
    const placed = parties
      .filter(({ exists, kind }) => exists || kind !== 'end_user')
      .map((party) => ({
        party,
        budgets: party.exists ? placeBudgets(party, this.config.litellm.timezone, now, modelNames) : [],
      }));
    const accounts = await this.accounts.load(placed.flatMap(({ budgets }) => budgets));
    const standing = makeStanding(
      placed,
      new Map(accounts.map((account) => [account.id, account])),
      { ...caller.names, endUserId: endUserId ?? null },
      this.accounts.generation,
      caller,
      endUser,
    );
    caller.standings.set(standingKey(endUserId, modelNames), standing);
    return standing;
  }

  /** Other processes may change a row between two reads: then they are of different times, and read again. */
  private async loadCaller(hash: string): Promise<CallerSnapshot | undefined> {
    for (let tries = 1; ; tries++) {
      const { epoch } = this.changes;
      const caller = await this.readCaller(hash);
      const isWhole = !caller || !this.changes.changedSince(epoch, caller.dependsOn);
      if (isWhole && caller) this.callers.set(hash, caller);
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
    const parties: PartySpec[] = [
      partySpec('key', key.keyAlias ?? key.keyName, key, await tier(key.budgetId), {
        blocked: key.blocked,
        models: key.models,
      }),
    ];

    const team = key.teamId === null ? null : await this.teamsService.get(key.teamId);
    if (key.teamId !== null) {
      dependsOn.push(cacheKey.team(key.teamId));
      const member = key.userId === null ? null : await this.teamsService.getMember(key.teamId, key.userId);
      if (key.userId !== null) dependsOn.push(cacheKey.membership(key.teamId, key.userId));
      if (member) {
        const defaults = (await tier(member.budgetId)) ?? (team && teamMemberDefaults(team));
        parties.push(partySpec('member', member.userId, member, defaults));
      }
      parties.push(
        team
          ? partySpec('team', team.teamId, team, await tier(team.budgetId))
          : missingParty('team', key.teamId),
      );
    }

    let user: Readonly<User> | null = null;
    if (key.userId !== null) {
      dependsOn.push(cacheKey.user(key.userId));
      user = await this.usersService.get(key.userId);
      const lifted = key.teamId !== null && this.config.general.skipUserBudgetOnTeamKey;
      parties.push(
        user
          ? { ...partySpec('user', user.userId, user, await tier(user.budgetId)), budgetsLifted: lifted }
          : missingParty('user', key.userId),
      );
    }

    const organizationId = team?.organizationId ?? key.organizationId;
    if (organizationId !== null) {
      dependsOn.push(cacheKey.organization(organizationId));
      const organization = await this.organizationsService.get(organizationId);
      parties.push(
        organization
          ? partySpec('organization', organizationId, organization, await tier(organization.budgetId))
          : missingParty('organization', organizationId),
      );
    }

    return {
      parties: Object.freeze([...parties, this.everyone()]),
      dependsOn,
      madeOf: this.revisions.ofAll(dependsOn),
      staleAt: this.clock().getTime() + SNAPSHOT_TTL_MS,
      epoch,
      credential: Object.freeze({
        kind: 'key',
        role: roleOf(user, key),
        hint: key.keyName,
        blocked: key.blocked,
        expiresAt: key.expiresAt,
        allowedRoutes: compileRouteList(key.allowedRoutes),
      }),
      names: {
        keyHash: hash,
        keyAlias: key.keyAlias,
        userId: key.userId,
        teamId: key.teamId,
        organizationId,
      },
      callerId: key.userId ?? key.keyAlias ?? key.keyName,
      teamAliases: team?.modelAliases ?? {},
      keyAliases: key.aliases ?? {},
      standings: noStandings(),
    };
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

const NO_FACTS: readonly RateFacts[] = [];
const NO_RATES: readonly RateLimit[] = [];
const NO_NAMES: readonly string[] = [];

/** No end user's id has the character that separates here. */
const standingKey = (endUserId = '', modelNames: readonly string[]) =>
  modelNames.length ? [endUserId, ...modelNames].join('\0') : endUserId;

/** Of all limits those that count for this model: by the name it was asked for, or the one it has. */
function ratesFor(rates: readonly RateLimit[], { requested, name }: ModelFacts): readonly RateLimit[] {
  return rates.some(({ model }) => model !== undefined)
    ? rates.filter(({ model }) => model === undefined || model === requested || model === name)
    : rates;
}
