import {
  BadRequestException,
  ConflictException,
  Inject,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import {
  And,
  type EntityManager,
  Equal,
  type FindOperator,
  type FindOptionsOrder,
  type FindOptionsWhere,
  In,
  IsNull,
} from 'typeorm';
import { grantAccessGroups } from '../access-groups/grant-access-groups.js';
import { requireBudget } from '../budgets/budgets.service.js';
import { type CacheKey, cacheKey } from '../cache/changes.js';
import { CONFIG, type Config } from '../config/config.js';
import { lifetimeEnd } from '../calendar/windows.js';
import { Database } from '../database/database.js';
import { Organization } from '../orgs/organization.entity.js';
import { applyParty } from '../parties/apply-party.js';
import { refuseSpend } from '../parties/kept-fields.js';
import { type PartyTable, PartyTables } from '../parties/party-table.js';
import {
  type Authority,
  isProxyAdmin,
  maySeeKey,
  mayChangeKey,
  seesEverything,
  teamsWhere,
  administeredOrganizations,
} from '../policy/authority.js';
import { missingText } from '../policy/checks/parties-exist.js';
import { keyHashOf, keyHint, newVirtualKey, secretHash, secretMatcher } from '../secrets.js';
import { Team } from '../teams/team.entity.js';
import type { User } from '../users/user.entity.js';
import { NewUsers } from '../users/new-users.js';
import { userShape } from '../users/user-shape.js';
import { KeyGrants, notPermitted } from './key-grants.js';
import { keyView } from './key.view.js';
import {
  type DeleteKeysDto,
  type GenerateKeyDto,
  type KeyFieldsDto,
  type KeyListQuery,
  KEPT_OF_KEYS,
  type UpdateKeyDto,
} from './keys.dto.js';
import { VirtualKey } from './virtual-key.entity.js';

const PRESET: Record<NonNullable<GenerateKeyDto['key_type']>, string[]> = {
  default: [],
  llm_api: ['llm_api_routes'],
  management: ['management_routes'],
  read_only: ['info_routes'],
};

/** A key as it was just made: the only time its secret is told. */
export interface IssuedKey {
  readonly row: VirtualKey;
  readonly secret: string;
}

/** Virtual keys: issued, changed, revoked. */
@Injectable()
export class KeysService {
  private readonly table: PartyTable<VirtualKey>;
  private readonly users: PartyTable<User>;
  private readonly isMasterKey: (hash: string) => boolean;

  constructor(
    private readonly database: Database,
    private readonly newUsers: NewUsers,
    private readonly grants: KeyGrants,
    tables: PartyTables,
    @Inject(CONFIG) config: Pick<Config, 'masterKey'>,
  ) {
    this.isMasterKey = secretMatcher(config.masterKey);
    this.users = tables.of(userShape);
    this.table = tables.of({
      entity: VirtualKey,
      kind: 'key',
      where: (hash) => ({ secretHash: hash }),
      idOf: ({ secretHash: hash }) => hash,
      cacheKey: cacheKey.key,
      title: 'Key',
      param: 'key',
    });
  }

  /** The live key with this hash, cached; null when there is none. */
  getByHash(hash: string): Promise<Readonly<VirtualKey> | null> {
    return this.table.get(hash);
  }

  /** Issues a key. 404 when its team, organization or tier is not there; 409 when the key or its alias is taken. */
  async generate(dto: GenerateKeyDto, caller: Authority): Promise<object> {
    const issued = await this.table.write(
      (tx) => (isProxyAdmin(caller) ? this.issue(tx, dto, caller.id) : this.issueFor(tx, dto, caller)),
      ({ row }) => touchedBy(row),
    );
    const { row, secret } = issued;
    return { ...keyView(row), key: secret, token_id: row.secretHash, duration: dto.duration ?? null };
  }

  /** The same inside a transaction of somebody else's; they evict `touchedBy(row)`. */
  async issue(tx: EntityManager, dto: GenerateKeyDto, by: string): Promise<IssuedKey> {
    refuseSpend(dto);
    const secret = dto.key ?? newVirtualKey();
    // The master key would always be taken for itself; a row under its hash would be a key without effect.
    if (this.isMasterKey(secretHash(secret))) throw this.table.taken(keyHint(secret));
    await this.requireNeighbours(tx, dto, by);
    await this.requireFreeAlias(tx, dto.key_alias);
    const row = await this.table.create(tx, secretHash(secret), by, (key, now) => {
      key.keyName = keyHint(secret);
      this.apply(
        key,
        { ...dto, allowed_routes: dto.allowed_routes ?? (dto.key_type ? PRESET[dto.key_type] : []) },
        now,
      );
    });
    await requireOneOrganization(tx, row);
    await grantAccessGroups(tx, dto, row, ['keyIds', row.id]);
    return { row, secret };
  }

  /** A key of somebody who is no proxy admin: within what they hold, and what they leave open is what they have. */
  private async issueFor(tx: EntityManager, dto: GenerateKeyDto, caller: Authority): Promise<IssuedKey> {
    const issued = await this.issue(tx, this.grants.owned(dto, caller), caller.id);
    await this.grants.inherit(tx, issued.row, caller);
    await this.grants.requireWithin(tx, issued.row, undefined, caller);
    await tx.save(VirtualKey, issued.row);
    return issued;
  }

  /** Changes what was sent. 404 for a key that is not there, or not the caller's. */
  async update(dto: UpdateKeyDto, caller: Authority): Promise<object> {
    const row = await this.table.write(async (tx) => {
      const key = await this.require(tx, dto.key, caller, '/key/update');
      if (!isProxyAdmin(caller)) this.grants.requireUpdatable(dto, key, caller);
      refuseSpend(dto);
      await this.requireNeighbours(tx, dto, caller.id);
      if (dto.key_alias !== key.keyAlias) await this.requireFreeAlias(tx, dto.key_alias);
      const updated = await this.table.update(tx, key.secretHash, caller.id, (live, now) =>
        this.apply(live, dto, now),
      );
      await requireOneOrganization(tx, updated);
      await grantAccessGroups(tx, dto, updated, ['keyIds', updated.id]);
      if (!isProxyAdmin(caller)) await this.grants.requireWithin(tx, updated, key, caller);
      return updated;
    }, touchedBy);
    return { ...keyView(row), key: dto.key };
  }

  async setBlocked(keyOrHash: string, blocked: boolean, caller: Authority): Promise<object> {
    const row = await this.table.write(async (tx) => {
      const key = await this.require(tx, keyOrHash, caller, blocked ? '/key/block' : '/key/unblock');
      if (!blocked) this.grants.requireAbove(caller, key);
      return this.table.update(tx, key.secretHash, caller.id, (live) => void (live.blocked = blocked));
    }, touchedBy);
    return keyView(row);
  }

  /** Revokes keys named by themselves, their hashes or aliases. Unknown ones are passed over, but not if all are. */
  async delete({ keys, key_aliases }: DeleteKeysDto, caller: Authority): Promise<string[]> {
    if (!keys?.length && !key_aliases?.length) {
      throw new BadRequestException({
        message: 'Name the keys to delete in `keys` or `key_aliases`',
        param: 'keys',
      });
    }
    const named: FindOptionsWhere<VirtualKey>[] = [
      { secretHash: In((keys ?? []).map(keyHashOf)), deletedAt: IsNull() },
      { keyAlias: In(key_aliases ?? []), deletedAt: IsNull() },
    ];
    const rows = await this.table.write(
      async (tx) => {
        const found = (await tx.findBy(VirtualKey, named)).filter((key) => maySeeKey(caller, key));
        if (!found.length)
          throw new NotFoundException({
            message: 'No keys found',
            param: keys?.length ? 'keys' : 'key_aliases',
          });
        for (const key of found) requireChangeable(caller, key, '/key/delete');
        return this.removeAll(tx, found, caller.id);
      },
      (removed) => removed.map((row) => this.table.cacheKeyOf(row)),
    );
    const hashes = new Set(rows.map((row) => row.secretHash));
    const aliases = new Set(rows.map((row) => row.keyAlias));
    return [
      ...(keys ?? []).filter((key) => hashes.has(keyHashOf(key))),
      ...(key_aliases ?? []).filter((alias) => aliases.has(alias)),
    ];
  }

  /** Inside a transaction: revokes these keys. The caller evicts them. */
  async removeAll(
    tx: EntityManager,
    rows: readonly VirtualKey[],
    by: string,
  ): Promise<readonly VirtualKey[]> {
    for (const row of rows) await this.table.remove(tx, row, by);
    return rows;
  }

  /** A key. To whom it does not concern there is no such key. */
  async info(keyOrHash: string | undefined, caller: Authority): Promise<object> {
    const hash = keyOrHash === undefined ? caller.keyHash : keyHashOf(keyOrHash);
    if (hash === undefined)
      throw new BadRequestException({ message: 'Name the key to look up in `key`', param: 'key' });
    const row = await this.getByHash(hash);
    if (!row || !maySeeKey(caller, row)) throw unknownKey();
    const { token: _, ...info } = keyView(row);
    return { key: keyOrHash ?? hash, info };
  }

  /** The keys that concern the caller. */
  async list(
    query: KeyListQuery,
    caller: Authority,
  ): Promise<{ keys: unknown[]; total_count: number; current_page: number; total_pages: number }> {
    const { page = 1, size = 10, sort_by = 'created_at', sort_order = 'desc' } = query;
    const [rows, total] = await this.database.read((manager) =>
      manager.findAndCount(VirtualKey, {
        where: visibleTo(caller).map((theirs) => ({
          ...theirs,
          deletedAt: IsNull(),
          ...(query.user_id !== undefined && { userId: both(theirs.userId, query.user_id) }),
          ...(query.team_id !== undefined && { teamId: both(theirs.teamId, query.team_id) }),
          ...(query.organization_id !== undefined && {
            organizationId: both(theirs.organizationId, query.organization_id),
          }),
          ...(query.key_hash !== undefined && { secretHash: both(theirs.secretHash, query.key_hash) }),
          ...(query.key_alias !== undefined && { keyAlias: query.key_alias }),
        })),
        order: { [COLUMN[sort_by]]: sort_order, id: sort_order } as FindOptionsOrder<VirtualKey>,
        take: size,
        skip: (page - 1) * size,
      }),
    );
    return {
      keys: rows.map((row) => (query.return_full_object ? keyView(row) : row.secretHash)),
      total_count: total,
      current_page: page,
      total_pages: Math.ceil(total / size),
    };
  }

  /** The live key that the caller may do this to. 404 when there is none that concerns them, 403 when they may only look. */
  private async require(
    tx: EntityManager,
    keyOrHash: string,
    caller: Authority,
    route: string,
  ): Promise<VirtualKey> {
    const row = await this.table.find(tx, keyHashOf(keyOrHash));
    if (!row || !maySeeKey(caller, row)) throw unknownKey();
    requireChangeable(caller, row, route);
    return row;
  }

  private async requireNeighbours(
    tx: EntityManager,
    { user_id, team_id, organization_id, budget_id }: KeyFieldsDto,
    by: string,
  ) {
    const missing = (kind: 'team' | 'organization', id: string) =>
      new NotFoundException({ message: missingText({ kind, id }), param: `${kind}_id` });
    if (team_id && !(await tx.existsBy(Team, { teamId: team_id, deletedAt: IsNull() })))
      throw missing('team', team_id);
    if (
      organization_id &&
      !(await tx.existsBy(Organization, { organizationId: organization_id, deletedAt: IsNull() }))
    ) {
      throw missing('organization', organization_id);
    }
    await requireBudget(tx, budget_id);
    if (user_id) await this.users.ensure(tx, user_id, by, this.newUsers.fill);
  }

  private async requireFreeAlias(tx: EntityManager, alias: string | null | undefined): Promise<void> {
    if (!alias || !(await tx.existsBy(VirtualKey, { keyAlias: alias, deletedAt: IsNull() }))) return;
    throw new ConflictException({ message: `Key with alias '${alias}' already exists`, param: 'key_alias' });
  }

  private apply(row: VirtualKey, dto: KeyFieldsDto, now: Date): void {
    applyParty(row, dto, KEPT_OF_KEYS, now);
    if (dto.key_alias !== undefined) row.keyAlias = dto.key_alias || null;
    if (dto.user_id !== undefined) row.userId = dto.user_id || null;
    if (dto.team_id !== undefined) row.teamId = dto.team_id || null;
    if (dto.organization_id !== undefined) row.organizationId = dto.organization_id || null;
    if (dto.allowed_routes !== undefined) row.allowedRoutes = dto.allowed_routes;
    if (dto.aliases !== undefined) row.aliases = dto.aliases;
    if (dto.duration !== undefined) {
      row.expiresAt =
        dto.duration === null || dto.duration === '-1' ? null : (lifetimeEnd(now, dto.duration) ?? null);
    }
  }
}

const COLUMN = {
  created_at: 'createdAt',
  updated_at: 'updatedAt',
  key_alias: 'keyAlias',
  token: 'secretHash',
  max_budget: 'maxBudgetNanoUsd',
} as const;

function requireChangeable(caller: Authority, key: VirtualKey, route: string): void {
  if (!mayChangeKey(caller, key, route)) throw notPermitted(route);
}

/** `maySeeKey` in a database's words: one of these. */
function visibleTo(caller: Authority): FindOptionsWhere<VirtualKey>[] {
  if (seesEverything(caller)) return [{}];
  return [
    { secretHash: In([caller.keyHash!]) },
    ...(caller.userId === null ? [] : [{ userId: In([caller.userId]) }]),
    { teamId: In(teamsWhere(caller, '/key/info')) },
    { organizationId: In(administeredOrganizations(caller)) },
  ];
}

/** Both what is theirs and what is asked for. */
const both = (theirs: unknown, asked: string) =>
  theirs === undefined ? asked : And(theirs as FindOperator<string>, Equal(asked));

const unknownKey = () => new NotFoundException({ message: 'Key not found in database', param: 'key' });

/** A key of a team is of the team's organization: a different one would let it out of the team's limits. 400. */
async function requireOneOrganization(
  tx: EntityManager,
  { teamId, organizationId }: VirtualKey,
): Promise<void> {
  if (teamId === null || organizationId === null) return;
  const team = await tx.findOneBy(Team, { teamId });
  if (!team?.organizationId || team.organizationId === organizationId) return;
  throw new BadRequestException({
    message: `Team=${teamId} belongs to organization_id=${team.organizationId}; its keys cannot belong to another`,
    param: 'organization_id',
  });
}

/** The cached rows a change of a key touches: itself, and the user it may have brought into being. */
export function touchedBy(row: VirtualKey): CacheKey[] {
  return [cacheKey.key(row.secretHash), ...(row.userId === null ? [] : [cacheKey.user(row.userId)])];
}
