import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, IsNull, type ObjectLiteral, type Repository } from 'typeorm';
import { type CacheKey, cacheKey } from '../cache/change-epochs.js';
import type { AggregateRepository } from '../database/aggregate-repository.js';
import type { AuthoredRow } from '../database/authored-row.js';
import { rowLock } from '../database/row-lock.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { secretsOf } from './entities/virtual-key.entity.js';
import { accessGroupIds, NO_MODELS } from './model-entries.js';
import { AccessGroupRepository } from './repositories/access-group.repository.js';
import { BudgetRepository } from './repositories/budget.repository.js';
import { EndUserRepository } from './repositories/end-user.repository.js';
import { KeyRepository } from './repositories/key.repository.js';
import { memberCacheKeys, MemberRepository } from './repositories/member.repository.js';
import { OrganizationRepository } from './repositories/organization.repository.js';
import { TagRepository } from './repositories/tag.repository.js';
import { TeamRepository } from './repositories/team.repository.js';
import { UserRepository } from './repositories/user.repository.js';

/** A model or access group that was renamed or deleted. */
export interface NameChange {
  readonly from: string;
  /** Null: deleted. */
  readonly to: string | null;
  /** Another model or group still has the former name. */
  readonly isFromServed: boolean;
  /** Set if the model is one team's alone. */
  readonly teamId?: string;
}

/** The parts of a row that name models. A row has some of them. */
export interface NamingRow {
  models?: string[] | null;
  aliases?: Record<string, string> | null;
  modelAliases?: Record<string, string> | null;
  modelMaxBudget?: Record<string, unknown> | null;
  extra?: Record<string, unknown> | null;
}

interface NamingTable {
  readonly repository: AggregateRepository<ObjectLiteral>;
  readonly cacheKeysOf: (row: never) => readonly CacheKey[];
  /** Rows of a team are in it. */
  readonly isOfTeams?: boolean;
}

const COLUMNS = ['models', 'aliases', 'modelAliases', 'modelMaxBudget', 'extra'];

/** Rows that are written in one batch of statements. */
const CHUNK_SIZE = 500;

/** Changes the names of models and access groups in the rows of all parties. */
@Injectable()
export class ModelNames {
  /** The tables that name models, in the order in which rows are locked (`party-locks.ts`). */
  private readonly tables: readonly NamingTable[];

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    accessGroups: AccessGroupRepository,
    organizations: OrganizationRepository,
    teams: TeamRepository,
    users: UserRepository,
    keys: KeyRepository,
    members: MemberRepository,
    endUsers: EndUserRepository,
    tags: TagRepository,
    budgets: BudgetRepository,
  ) {
    const table = <T extends ObjectLiteral>(
      repository: AggregateRepository<T>,
      cacheKeysOf: (row: T) => readonly CacheKey[],
      isOfTeams = false,
    ): NamingTable => ({
      repository: repository as unknown as AggregateRepository<ObjectLiteral>,
      cacheKeysOf,
      isOfTeams,
    });
    this.tables = [
      table(accessGroups, () => [cacheKey.models]),
      table(organizations, ({ organizationId }) => [cacheKey.organization(organizationId)]),
      table(teams, ({ teamId }) => [cacheKey.team(teamId)], true),
      table(users, ({ userId }) => [cacheKey.user(userId)]),
      table(keys, secretsOf, true),
      table(members, memberCacheKeys, true),
      table(endUsers, ({ userId }) => [cacheKey.endUser(userId)]),
      table(tags, ({ name }) => [cacheKey.tag(name)]),
      table(budgets, ({ budgetId }) => [cacheKey.budget(budgetId)]),
    ];
  }

  /**
   * Lets every row follow a rename, or lose the name of what was deleted: a later model of that name is another one.
   * Must run inside the transaction of the change. Returns the cache keys to evict.
   */
  async follow(tx: EntityManager, change: NameChange, by: string): Promise<CacheKey[]> {
    // A pattern names models, and no deployment in particular.
    if (change.from.includes('*') || change.from === change.to) return [];
    const cacheKeys: CacheKey[] = [];
    for (const { repository, cacheKeysOf, isOfTeams } of this.tables) {
      if (change.teamId !== undefined && !isOfTeams) continue;
      const table = repository.in(tx);
      const rows = (await rowsNaming(tx, table, change)).filter((row) => applyNameChange(row, change));
      for (const row of rows) Object.assign(row, { updatedAt: this.clock(), updatedBy: by });
      await table.save(rows, { chunk: CHUNK_SIZE });
      cacheKeys.push(...rows.flatMap((row) => cacheKeysOf(row as never)));
    }
    return cacheKeys;
  }
}

/** Locks and returns the live rows that have the name in one of their columns. */
async function rowsNaming(
  tx: EntityManager,
  table: Repository<ObjectLiteral>,
  { from, teamId }: NameChange,
): Promise<(NamingRow & AuthoredRow)[]> {
  const names = new Set(table.metadata.columns.map(({ propertyName }) => propertyName));
  const conditions = COLUMNS.filter((name) => names.has(name)).map(
    (name) => `r.${name} LIKE :part ESCAPE '\\'`,
  );
  const part = `%${JSON.stringify(from).replace(/[\\%_]/g, '\\$&')}%`;
  const select = table.createQueryBuilder('r').where(`(${conditions.join(' OR ')})`, { part });
  if (names.has('deletedAt')) select.andWhere({ deletedAt: IsNull() });
  if (teamId !== undefined) select.andWhere({ teamId });
  const { lock } = rowLock(tx) as { lock?: { mode: 'pessimistic_write' } };
  if (lock) select.setLock(lock.mode);
  return (await select.orderBy('r.id').getMany()) as (NamingRow & AuthoredRow)[];
}

/** Changes a name in a row. Returns whether the row had it. */
export function applyNameChange(row: NamingRow, change: NameChange): boolean {
  const { from, to, isFromServed } = change;
  let isChanged = false;
  if (row.models?.includes(from) && !(to === null && isFromServed)) {
    const remaining = isFromServed ? row.models : row.models.filter((name) => name !== from);
    const at = row.models.indexOf(from) + (isFromServed ? 1 : 0);
    row.models = to === null || row.models.includes(to) ? remaining : remaining.toSpliced(at, 0, to);
    if ('extra' in row && !row.models.length && !accessGroupIds({ extra: row.extra ?? null }).length)
      row.models = [NO_MODELS];
    isChanged = true;
  }
  // An alias and a limit of a deleted model give nothing.
  if (to === null) return isChanged;
  for (const member of ['aliases', 'modelAliases'] as const) {
    const aliases = row[member];
    if (isFromServed || !aliases || !Object.values(aliases).includes(from)) continue;
    row[member] = Object.fromEntries(
      Object.entries(aliases).map(([alias, model]) => [alias, model === from ? to : model]),
    );
    isChanged = true;
  }
  const limits = { ...change, to };
  const budgets = withNewName(row.modelMaxBudget, limits);
  if (budgets) row.modelMaxBudget = budgets;
  isChanged ||= budgets !== undefined;
  for (const field of ['model_rpm_limit', 'model_tpm_limit']) {
    const rates = withNewName(row.extra?.[field] as Record<string, unknown> | null | undefined, limits);
    if (rates) row.extra = { ...row.extra, [field]: rates };
    isChanged ||= rates !== undefined;
  }
  return isChanged;
}

/** Returns limits per model with the new name. A limit that the new name has already stays. Undefined: no change. */
function withNewName(
  limits: Record<string, unknown> | null | undefined,
  { from, to, isFromServed }: NameChange & { readonly to: string },
): Record<string, unknown> | undefined {
  if (!limits || !Object.hasOwn(limits, from)) return undefined;
  const { [from]: limit, ...others } = limits;
  return { ...(isFromServed && { [from]: limit }), [to]: limit, ...others };
}
