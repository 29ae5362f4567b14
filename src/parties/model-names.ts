import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, type EntityTarget, IsNull, type ObjectLiteral } from 'typeorm';
import { type CacheKey, cacheKey } from '../cache/change-epochs.js';
import type { AuthoredRow } from '../database/authored-row.js';
import { rowLock } from '../database/row-lock.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { AccessGroup } from './entities/access-group.entity.js';
import { Budget } from './entities/budget.entity.js';
import { EndUser } from './entities/end-user.entity.js';
import { Organization } from './entities/organization.entity.js';
import { Tag } from './entities/tag.entity.js';
import { Member } from './entities/team-member.entity.js';
import { Team } from './entities/team.entity.js';
import { User } from './entities/user.entity.js';
import { secretsOf, VirtualKey } from './entities/virtual-key.entity.js';
import { accessGroupIds, NO_MODELS } from './model-entries.js';
import { memberCacheKeys } from './repositories/member.repository.js';

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
  readonly entity: EntityTarget<ObjectLiteral>;
  readonly cacheKeysOf: (row: never) => readonly CacheKey[];
  /** Rows of a team are in it. */
  readonly isOfTeams?: true;
}

/** The tables that name models, in the order in which rows are locked (`party-locks.ts`). */
const TABLES: readonly NamingTable[] = [
  { entity: AccessGroup, cacheKeysOf: () => [cacheKey.models] },
  { entity: Organization, cacheKeysOf: (row: Organization) => [cacheKey.organization(row.organizationId)] },
  { entity: Team, cacheKeysOf: (row: Team) => [cacheKey.team(row.teamId)], isOfTeams: true },
  { entity: User, cacheKeysOf: (row: User) => [cacheKey.user(row.userId)] },
  { entity: VirtualKey, cacheKeysOf: secretsOf, isOfTeams: true },
  { entity: Member, cacheKeysOf: memberCacheKeys, isOfTeams: true },
  { entity: EndUser, cacheKeysOf: (row: EndUser) => [cacheKey.endUser(row.userId)] },
  { entity: Tag, cacheKeysOf: (row: Tag) => [cacheKey.tag(row.name)] },
  { entity: Budget, cacheKeysOf: (row: Budget) => [cacheKey.budget(row.budgetId)] },
];

const COLUMNS = ['models', 'aliases', 'modelAliases', 'modelMaxBudget', 'extra'];

/** Rows that are written in one batch of statements. */
const CHUNK_SIZE = 500;

/** Changes the names of models and access groups in the rows of all parties. */
@Injectable()
export class ModelNames {
  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  /**
   * Lets every row follow a rename, or lose the name of what was deleted: a later model of that name is another one.
   * Must run inside the transaction of the change. Returns the cache keys to evict.
   */
  async follow(tx: EntityManager, change: NameChange, by: string): Promise<CacheKey[]> {
    // A pattern names models, and no deployment in particular.
    if (change.from.includes('*') || change.from === change.to) return [];
    const cacheKeys: CacheKey[] = [];
    for (const { entity, cacheKeysOf, isOfTeams } of TABLES) {
      if (change.teamId !== undefined && !isOfTeams) continue;
      const rows = (await this.rowsNaming(tx, entity, change)).filter((row) => applyNameChange(row, change));
      for (const row of rows) Object.assign(row, { updatedAt: this.clock(), updatedBy: by });
      await tx.save(entity, rows, { chunk: CHUNK_SIZE });
      cacheKeys.push(...rows.flatMap((row) => cacheKeysOf(row as never)));
    }
    return cacheKeys;
  }

  /** Locks and returns the live rows that have the name in one of their columns. */
  private async rowsNaming(
    tx: EntityManager,
    entity: EntityTarget<ObjectLiteral>,
    { from, teamId }: NameChange,
  ): Promise<(NamingRow & AuthoredRow)[]> {
    const { columns } = tx.connection.getMetadata(entity);
    const names = new Set(columns.map(({ propertyName }) => propertyName));
    const select = tx.createQueryBuilder(entity, 'r').where(
      `(${COLUMNS.filter((name) => names.has(name))
        .map((name) => `r.${name} LIKE :part ESCAPE '\\'`)
        .join(' OR ')})`,
      { part: `%${JSON.stringify(from).replace(/[\\%_]/g, '\\$&')}%` },
    );
    if (names.has('deletedAt')) select.andWhere({ deletedAt: IsNull() });
    if (teamId !== undefined) select.andWhere({ teamId });
    const { lock } = rowLock(tx) as { lock?: { mode: 'pessimistic_write' } };
    if (lock) select.setLock(lock.mode);
    return (await select.orderBy('r.id').getMany()) as (NamingRow & AuthoredRow)[];
  }
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
