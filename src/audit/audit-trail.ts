import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import {
  DataSource,
  type EntityManager,
  type EntityMetadata,
  type EntitySubscriberInterface,
  type InsertEvent,
  type ObjectLiteral,
  type QueryRunner,
  type RemoveEvent,
  type TransactionCommitEvent,
  type UpdateEvent,
} from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { Actor } from '../platform/audit-context.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import type { AuthoredRow } from '../database/authored-row.js';
import { type ChangedRow, ChangedRows } from '../database/audited-changes.js';
import { usdFromNanoUsd } from '../policy/money.js';
import { type AuditAction, AuditEntry } from './audit-entry.entity.js';
import { type Audited, AUDITED_TABLES, type AuditedTables } from './audited-tables.js';
import { jsonRowset } from '../database/json-rowset.js';
import { diff, auditable, redact } from './audit-values.js';

const ROWS_AT_ONCE = 200;
const ENTRIES_AT_ONCE = 1_000;

/**
 * Writes the audit log. It stands behind TypeORM, not beside the handlers: whatever changes a row of an audited entity, the
 * entry is written before that transaction commits, or the transaction fails. One entry per row and transaction.
 */
@Injectable()
export class AuditTrail implements EntitySubscriberInterface, OnModuleInit {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(AUDITED_TABLES) private readonly tables: AuditedTables,
  ) {
    dataSource.subscribers.push(this);
  }

  onModuleInit(): void {
    const { audited, notAudited } = this.tables;
    const unlisted = this.dataSource.entityMetadatas.filter(
      ({ target }) => !audited.has(target) && !notAudited.has(target),
    );
    if (unlisted.length)
      throw new Error(
        `src/audited.ts does not say whether these tables are audited: ${unlisted.map(({ name }) => name).join(', ')}`,
      );
  }

  /** Only an `upsert` can meet a row that is there already; what a call makes has no entry, and costs no look. */
  async beforeInsert({ metadata, entity, manager, queryRunner }: InsertEvent<ObjectLiteral>): Promise<void> {
    const changed = ChangedRows.of(queryRunner);
    if (!changed.actor || !this.tables.audited.has(metadata.target)) return;
    const before = await manager.findOneBy(metadata.target, metadata.getEntityIdMap(entity)!);
    changed.add(metadata, entity, before);
  }

  afterUpdate({ metadata, databaseEntity, queryRunner }: UpdateEvent<ObjectLiteral>): void {
    this.note(queryRunner, metadata, databaseEntity);
  }

  afterRemove({ metadata, databaseEntity, queryRunner }: RemoveEvent<ObjectLiteral>): void {
    this.note(queryRunner, metadata, databaseEntity);
  }

  private note(runner: QueryRunner, metadata: EntityMetadata, before: ObjectLiteral | undefined): void {
    if (!this.tables.audited.has(metadata.target)) return;
    const changed = ChangedRows.of(runner);
    // A statement, not a row: which rows it met, nobody knows here.
    if (before) changed.add(metadata, before, before);
    else changed.untold.add(metadata);
  }

  async beforeTransactionCommit({ manager, queryRunner }: TransactionCommitEvent): Promise<void> {
    const { actor, rows, untold } = ChangedRows.of(queryRunner);
    if (untold.size)
      throw new Error(
        `A statement changed rows and did not tell which (tellChanged): ${[...untold].map(({ name }) => name).join(', ')}`,
      );
    if (!rows.size) return;
    const changed = [...rows.values()];
    rows.clear();
    await readAfter(manager, changed);
    const at = this.clock();
    const entries = changed.flatMap((row) =>
      entryOf(row, this.tables.audited.get(row.metadata.target)!, actor, at),
    );
    for (const some of portions(entries, ENTRIES_AT_ONCE)) await this.write(manager, some);
  }

  /** However many, in few statements: the ledger waits behind them. */
  private async write(manager: EntityManager, entries: readonly AuditEntry[]): Promise<void> {
    const columns = this.dataSource.getMetadata(AuditEntry).columns;
    const rows = entries.map((entry) =>
      Object.fromEntries(
        columns.map((column) => [
          column.databaseName,
          this.dataSource.driver.preparePersistentValue(column.getEntityValue(entry), column),
        ]),
      ),
    );
    const names = columns.map(({ databaseName }) => databaseName).join(', ');
    const types = Object.fromEntries(
      columns.map(({ databaseName, type }) => [databaseName, type as 'varchar' | 'text' | 'bigint']),
    );
    const isPostgres = this.dataSource.options.type === 'postgres';
    await manager.query(
      `INSERT INTO audit_entries (${names}) SELECT ${names} FROM ${jsonRowset(types, { isPostgres })} AS r`,
      [JSON.stringify(rows)],
    );
  }
}

/** What became of the rows, from the database itself. */
async function readAfter(manager: EntityManager, changed: readonly ChangedRow[]): Promise<void> {
  const open = changed.filter(({ after }) => after === undefined);
  for (const metadata of new Set(open.map((row) => row.metadata))) {
    for (const some of portions(
      open.filter((row) => row.metadata === metadata),
      ROWS_AT_ONCE,
    )) {
      const found = await manager.findBy(
        metadata.target,
        some.map(({ id }) => id),
      );
      for (const row of some)
        row.after = found.find((there) => metadata.compareEntities(there, row.id)) ?? null;
    }
  }
}

function* portions<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}

/** None for what did not happen in the end, and for what a call made: an end user it named, a user its key is of. */
function entryOf(
  changed: ChangedRow,
  { table, idOf, view }: Audited<ObjectLiteral>,
  actor: Actor | undefined,
  at: Date,
): AuditEntry[] {
  const { spend } = changed;
  const before = live(changed.before);
  const after = live(changed.after ?? null);
  const row = before ?? after;
  if (!row || (!actor && !before)) return [];
  const was = before && { ...auditable(view(before)), ...(spend && { spend: usdFromNanoUsd(spend.before) }) };
  const is = after && { ...auditable(view(after)), ...(spend && { spend: usdFromNanoUsd(spend.after) }) };
  const [beforeValue, updatedValues] = was && is ? diff(was, is) : [was, is];
  return [
    {
      id: uuidv7(),
      at,
      changedBy: actor?.id ?? ((after ?? changed.after ?? row) as AuthoredRow).updatedBy,
      keyHash: actor?.keyHash ?? null,
      requestId: actor?.requestId ?? null,
      action: actionOf(beforeValue, updatedValues, after as { blocked?: boolean } | null),
      tableName: table,
      objectId: idOf(row),
      teamId: ((is ?? was) as { team_id?: string | null }).team_id ?? null,
      beforeValue: beforeValue && redact(beforeValue),
      updatedValues: updatedValues && redact(updatedValues),
    },
  ];
}

/** Named by what changed: a block is one only where nothing else was changed with it. */
function actionOf(
  before: object | null,
  after: object | null,
  row: { readonly blocked?: boolean } | null,
): AuditAction {
  if (!before) return 'created';
  if (!after) return 'deleted';
  if ('token' in after) return 'rotated';
  if ('blocked' in after && Object.keys(after).length === 1) return row!.blocked ? 'blocked' : 'unblocked';
  return 'updated';
}

const live = (row: ObjectLiteral | null) =>
  row && !(row as { deletedAt?: Date | null }).deletedAt ? row : null;
