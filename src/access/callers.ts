import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { BudgetsService } from '../budgets/budgets.service.js';
import { BoundedMap } from '../cache/bounded-map.js';
import { type CacheKey, cacheKey, Changes } from '../cache/changes.js';
import { Revisions } from '../cache/revisions.js';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { EndUsersService } from '../end-users/end-users.service.js';
import type { Owners } from '../jwt/token-owners.js';
import type { VerifiedToken } from '../jwt/tokens.js';
import { KeysService } from '../keys/keys.service.js';
import { secretEnd, type VirtualKey } from '../keys/virtual-key.entity.js';
import { OrganizationsService } from '../orgs/organizations.service.js';
import { enforcedParamsOf } from '../parties/enforced-params-of.js';
import type { Limits } from '../parties/limits-row.js';
import { tagsOf } from '../parties/tags-of.js';
import { roleOf } from '../policy/authority.js';
import { compileRouteList } from '../policy/routes.js';
import { secretMatcher } from '../secrets.js';
import { TagsService } from '../tags/tags.service.js';
import { teamMemberDefaults } from '../teams/team-member-defaults.js';
import { TeamMembersService } from '../teams/team-members.service.js';
import { TeamsService } from '../teams/teams.service.js';
import { Unanswered } from '../unanswered.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { type CallerSnapshot, isCurrent, type PartySpec, type Snapshot } from './caller.js';
import { everyone, missingParty, partySpec, tokenParty } from './party-specs.js';
import { noStandings } from './standing.js';
import { type CallerRows, rowsIn } from './caller-rows.js';

/** On PostgreSQL, where other processes may change rows. On SQLite every change is this process’s own, and nothing is read twice. */
const SNAPSHOT_TTL_MS = 60_000;
const MAX_SNAPSHOTS = 200_000;
const MAX_READS = 5;
/** Who the master key acts for, LiteLLM's name. */
const MASTER_CALLER_ID = 'default_user_id';

/** Everyone a request may stand for or name, read from their rows once and kept until one of the rows changes. */
@Injectable()
export class Callers {
  readonly master: CallerSnapshot;
  private readonly everyone: PartySpec;
  readonly isMasterKey: (hash: string) => boolean;
  private readonly callers = new BoundedMap<string, CallerSnapshot>(MAX_SNAPSHOTS);
  private readonly endUsers = new BoundedMap<string, Snapshot>(MAX_SNAPSHOTS);
  /** Also of names that have no row: any a client thinks of. */
  private readonly tags = new BoundedMap<string, Snapshot>(MAX_SNAPSHOTS);
  private readonly cached: CallerRows;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly changes: Changes,
    private readonly revisions: Revisions,
    keysService: KeysService,
    usersService: UsersService,
    teamsService: TeamsService,
    teamMembersService: TeamMembersService,
    organizationsService: OrganizationsService,
    private readonly endUsersService: EndUsersService,
    private readonly tagsService: TagsService,
    budgetsService: BudgetsService,
  ) {
    this.isMasterKey = secretMatcher(config.masterKey);
    this.cached = {
      key: (hash) => keysService.getByHash(hash),
      user: (id) => usersService.get(id),
      team: (id) => teamsService.get(id),
      member: (teamId, userId) => teamMembersService.get(teamId, userId),
      organization: (id) => organizationsService.get(id),
      tier: (id) => budgetsService.get(id),
    };
    this.everyone = everyone(config);
    this.master = {
      parties: [this.everyone],
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

  /** A caller that was read before and has not changed. */
  inMemory(id: string): CallerSnapshot | undefined {
    const caller = this.callers.get(id);
    return caller && this.isCurrent(caller) ? caller : undefined;
  }

  isCurrent(snapshot: Snapshot): boolean {
    return isCurrent(snapshot, this.changes, this.clock);
  }

  /** The key with this hash and everyone behind it. */
  ofKey(hash: string): Promise<CallerSnapshot | undefined> {
    return this.isMasterKey(hash) ? Promise.resolve(this.master) : this.whole(hash, () => this.readKey(hash));
  }

  /** Whom a token stands for, kept by `id`. */
  async ofToken(id: string, token: VerifiedToken, owners: Owners): Promise<CallerSnapshot> {
    return (await this.whole(id, () => this.readToken(id, token, owners)))!;
  }

  /** Who would call with a key of this user or team that has no limits of its own. Not kept. */
  bare(owners: Partial<Pick<BareKey, 'userId' | 'teamId'>>): Promise<CallerSnapshot> {
    return this.read({ ...BARE_KEY, ...owners }, [], [], this.changes.epoch, this.cached);
  }

  /**
   * Inside a transaction: a caller as its rows are now, by the hash of what it presented; undefined when there is none any more.
   * Nothing of it is kept, and its limits are not read.
   */
  readAgain(tx: EntityManager, hash: string, caller: CallerSnapshot): Promise<CallerSnapshot | undefined> {
    const rows = rowsIn(tx);
    const { token } = caller;
    return token
      ? this.readToken(caller.tokenId!, token.verified, token.owners, rows)
      : this.readKey(hash, rows);
  }

  endUserInMemory(id: string): Snapshot | undefined {
    return this.endUsers.get(id);
  }

  /**
   * Reads an end user. One without a row limits nothing; where a budget is for everybody and `mayBeMade`, it is what its row
   * would be (`isProvisional`).
   */
  async endUser(id: string, mayBeMade: boolean): Promise<Snapshot> {
    const isProvisional = mayBeMade && this.config.litellm.maxEndUserBudgetId !== undefined;
    const known = this.endUsers.get(id);
    if (known && this.isCurrent(known) && (hasRow(known) || !isProvisional)) return known;
    const { epoch } = this.changes;
    const dependsOn: CacheKey[] = [cacheKey.endUser(id)];
    const there = await this.endUsersService.get(id);
    const row = there ?? (isProvisional ? await this.endUsersService.wouldBe(id) : null);
    const tier =
      row && (await this.tier(row.budgetId ?? this.config.litellm.maxEndUserBudgetId ?? null, dependsOn));
    const endUser = this.snapshot(row ? [partySpec('end_user', id, row, tier, false)] : [], dependsOn, epoch);
    if (!there && row) return { ...endUser, isProvisional: true };
    if (!this.changes.changedSince(epoch, dependsOn)) this.endUsers.set(id, endUser);
    return endUser;
  }

  /** Had this end user a row when it was last read? */
  endUserHasRow(id: string): boolean {
    const known = this.endUsers.get(id);
    return known !== undefined && hasRow(known);
  }

  /** Had this tag a row when it was last read? */
  tagHasRow(name: string): boolean {
    const known = this.tags.get(name);
    return known !== undefined && hasRow(known);
  }

  /** Those of these tags that have a row; undefined when that has to be read. */
  tagsInMemory(names: readonly string[]): readonly Snapshot[] | undefined {
    if (!names.length) return NO_TAGS;
    const known = names.map((name) => this.tags.get(name));
    return known.every((tag) => tag !== undefined && this.isCurrent(tag))
      ? (known as Snapshot[]).filter(hasRow)
      : undefined;
  }

  /** Those of these tags that have a row. */
  async tagged(names: readonly string[]): Promise<readonly Snapshot[]> {
    return (await Promise.all(names.map((name) => this.tag(name)))).filter(hasRow);
  }

  private async tag(name: string): Promise<Snapshot> {
    const known = this.tags.get(name);
    if (known && this.isCurrent(known)) return known;
    const { epoch } = this.changes;
    const dependsOn: CacheKey[] = [cacheKey.tag(name)];
    const row = await this.tagsService.get(name);
    const tier = row && (await this.tier(row.budgetId, dependsOn));
    // Its `models` say which deployments carry it, not what may be called.
    const party = row && { ...partySpec('tag', name, row, tier, false), models: 'any' as const };
    const tag = this.snapshot(party ? [party] : [], dependsOn, epoch);
    if (!this.changes.changedSince(epoch, dependsOn)) this.tags.set(name, tag);
    return tag;
  }

  /** Other processes may change a row between two reads: then they are of different times, and read again. */
  private async whole(
    id: string,
    read: () => Promise<CallerSnapshot | undefined>,
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

  private async readKey(hash: string, rows = this.cached): Promise<CallerSnapshot | undefined> {
    const { epoch } = this.changes;
    const key = await rows.key(hash);
    if (!key) return undefined;
    const dependsOn: CacheKey[] = [cacheKey.key(hash)];
    const tier = await this.tier(key.budgetId, dependsOn, rows);
    const itself = partySpec('key', key.keyAlias ?? key.keyName, key, tier, key.teamId !== null);
    return this.read({ ...key, expiresAt: secretEnd(key, hash) }, [itself], dependsOn, epoch, rows);
  }

  /** A key and everyone behind it. `itself`: the key as a party; a bare key is none. */
  private async read(
    key: Readonly<BareKey>,
    itself: readonly PartySpec[],
    dependsOn: CacheKey[],
    epoch: number,
    rows: CallerRows,
  ): Promise<CallerSnapshot> {
    const { parties, user, team, organizationId } = await this.readBehind(key, dependsOn, rows);
    const { secretHash: keyHash, keyAlias, keyName, userId, teamId, blocked, expiresAt } = key;
    return {
      credential: Object.freeze({
        kind: 'key',
        role: roleOf(user, key),
        hint: keyName,
        blocked,
        expiresAt,
        allowedRoutes: compileRouteList(key.allowedRoutes),
      }),
      names: { keyHash, keyAlias, userId, teamId, organizationId },
      callerId: nameBeside('key', userId ?? keyAlias ?? keyName),
      tags: eachOnce([...tagsOf(key), ...(team ? tagsOf(team) : [])]),
      ...enforcedBy(key, user, team),
      teamAliases: team?.modelAliases ?? {},
      keyAliases: key.aliases ?? {},
      standings: noStandings(),
      // A call that waits longer than its key lives is asked about again.
      ...this.snapshot([...itself, ...parties, this.everyone], dependsOn, epoch, expiresAt),
    };
  }

  private async readToken(
    id: string,
    verified: VerifiedToken,
    owners: Owners,
    rows = this.cached,
  ): Promise<CallerSnapshot> {
    const { epoch } = this.changes;
    const { holder, expiresAt } = verified;
    const dependsOn: CacheKey[] = [];
    const { parties, user, team, organizationId } = await this.readBehind(owners, dependsOn, rows);
    const { userId, teamId } = owners;
    const name = userId ?? holder.userId ?? holder.subject ?? teamId ?? 'jwt';
    const limits = holder.models.map((models) => tokenParty(name, models));
    return {
      credential: Object.freeze({
        kind: 'token',
        role: holder.role ?? roleOf(user, { userId, teamId, organizationId }),
        routes: holder.routes,
      }),
      names: { keyHash: null, keyAlias: null, userId, teamId, organizationId },
      callerId: nameBeside('jwt', name),
      tokenId: id,
      token: { verified, owners },
      tags: team ? eachOnce(tagsOf(team)) : [],
      ...enforcedBy(user, team),
      ...(holder.endUserId !== undefined && { endUserId: holder.endUserId }),
      teamAliases: team?.modelAliases ?? {},
      keyAliases: {},
      standings: noStandings(),
      ...this.snapshot([...limits, ...parties, this.everyone], dependsOn, epoch, expiresAt),
    };
  }

  private snapshot(
    parties: readonly PartySpec[],
    dependsOn: readonly CacheKey[],
    epoch: number,
    expiresAt?: Date | null,
  ): Snapshot {
    const now = this.clock().getTime();
    const end = expiresAt && expiresAt.getTime() > now ? expiresAt.getTime() : Infinity;
    return {
      parties: Object.freeze(parties),
      dependsOn,
      madeOf: this.revisions.ofAll(dependsOn),
      staleAt: Math.min(this.revisions.areShared ? now + SNAPSHOT_TTL_MS : Infinity, end),
      epoch,
    };
  }

  /** Member, team, user and organization, as their rows describe them. */
  private async readBehind(owners: Owners, dependsOn: CacheKey[], rows: CallerRows) {
    const tier = (budgetId: string | null) => this.tier(budgetId, dependsOn, rows);
    const hasTeam = owners.teamId !== null;
    const parties: PartySpec[] = [];

    const team = owners.teamId === null ? null : await rows.team(owners.teamId);
    if (owners.teamId !== null) {
      dependsOn.push(cacheKey.team(owners.teamId));
      const member = owners.userId === null ? null : await rows.member(owners.teamId, owners.userId);
      if (owners.userId !== null) dependsOn.push(cacheKey.membership(owners.teamId, owners.userId));
      if (member) {
        const defaults = (await tier(member.budgetId)) ?? (team && teamMemberDefaults(team));
        parties.push(partySpec('member', member.userId, member, defaults, true));
      }
      parties.push(
        team
          ? partySpec('team', team.teamId, team, await tier(team.budgetId), true)
          : missingParty('team', owners.teamId),
      );
    }

    let user: Readonly<User> | null = null;
    if (owners.userId !== null) {
      dependsOn.push(cacheKey.user(owners.userId));
      user = await rows.user(owners.userId);
      const spec = user
        ? partySpec('user', user.userId, user, await tier(user.budgetId), hasTeam)
        : missingParty('user', owners.userId);
      parties.push(hasTeam ? this.besideTeam(spec) : spec);
    }

    const organizationId = team?.organizationId ?? owners.organizationId;
    if (organizationId !== null) {
      dependsOn.push(cacheKey.organization(organizationId));
      const organization = await rows.organization(organizationId);
      parties.push(
        organization
          ? partySpec(
              'organization',
              organizationId,
              organization,
              await tier(organization.budgetId),
              hasTeam,
            )
          : missingParty('organization', organizationId),
      );
    }

    return { parties, user, team, organizationId };
  }

  /** A user on a call of a team: with what the configuration lifts there. */
  private besideTeam(user: PartySpec): PartySpec {
    const { skipUserBudgetOnTeamKey: budgetsLifted, userModelsOnTeamKeys } = this.config.general;
    if (!budgetsLifted && userModelsOnTeamKeys) return user;
    return { ...user, budgetsLifted, ...(!userModelsOnTeamKeys && { models: 'any' as const }) };
  }

  private async tier(
    budgetId: string | null,
    dependsOn: CacheKey[],
    rows = this.cached,
  ): Promise<Readonly<Limits> | null> {
    if (budgetId === null) return null;
    dependsOn.push(cacheKey.budget(budgetId));
    return rows.tier(budgetId);
  }
}

/** What of a key is asked beside its limits. */
type BareKey = Pick<
  VirtualKey,
  | 'secretHash' | 'keyAlias' | 'keyName' | 'userId' | 'teamId' | 'organizationId'
  | 'blocked' | 'expiresAt' | 'allowedRoutes' | 'aliases' | 'metadata' | 'extra'
>; // prettier-ignore

const BARE_KEY: Readonly<BareKey> = {
  secretHash: 'none',
  keyAlias: null,
  keyName: 'sk-...',
  userId: null,
  teamId: null,
  organizationId: null,
  blocked: false,
  expiresAt: null,
  allowedRoutes: null,
  aliases: null,
  metadata: null,
  extra: null,
};

function enforcedBy(
  ...rows: readonly (Pick<VirtualKey, 'extra'> | null)[]
): Pick<CallerSnapshot, 'enforcedParams'> {
  const params = rows.flatMap((row) => (row ? enforcedParamsOf(row) : []));
  return params.length ? { enforcedParams: [...new Set(params)] } : {};
}

const NO_TAGS: readonly Snapshot[] = [];

/** Always in the same order, so that the same tags make the same chain. */
export const eachOnce = (tags: readonly string[]) => [...new Set(tags)].toSorted();

/** What rows and the audit log call a caller: never as the master key, whatever a user, a key or a token is called. */
const nameBeside = (kind: 'key' | 'jwt', name: string) =>
  name === MASTER_CALLER_ID ? `${kind}:${name}` : name;

const hasRow = ({ parties }: Snapshot) => parties.length > 0;
