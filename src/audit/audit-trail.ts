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
import { type AuditedTable, AUDITED_TABLES, type AuditedTables } from './audited-tables.js';
import { jsonRowset } from '../database/json-rowset.js';
import { diff, auditable, redact } from './audit-values.js';

const ROW_BATCH = 200;
const ENTRY_BATCH = 1_000;

/**
 * Writes the audit log as a TypeORM subscriber. For any change of a row of an audited entity, the entry is written
 * before the transaction commits, or the transaction fails. One entry per row and transaction.
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

  /**
   * Reads the row before an insert, because an `upsert` may change an existing row. Rows that calls create have no
   * entry and cost no read.
   */
  async beforeInsert({ metadata, entity, manager, queryRunner }: InsertEvent<ObjectLiteral>): Promise<void> {
    const changed = ChangedRows.of(queryRunner);
    if (!changed.actor || !this.tables.audited.has(metadata.target)) return;
    const before = await manager.findOneBy(metadata.target, metadata.getEntityIdMap(entity)!);
    changed.add(metadata, entity, before);
  }

  afterUpdate({ metadata, databaseEntity, queryRunner }: UpdateEvent<ObjectLiteral>): void {
    this.recordChange(queryRunner, metadata, databaseEntity);
  }

  afterRemove({ metadata, databaseEntity, queryRunner }: RemoveEvent<ObjectLiteral>): void {
    this.recordChange(queryRunner, metadata, databaseEntity);
  }

  private recordChange(
    runner: QueryRunner,
    metadata: EntityMetadata,
    before: ObjectLiteral | undefined,
  ): void {
    if (!this.tables.audited.has(metadata.target)) return;
    const changed = ChangedRows.of(runner);
    // A statement does not say which rows it changed.
    if (before) changed.add(metadata, before, before);
    else changed.unreported.add(metadata);
  }

  async beforeTransactionCommit({ manager, queryRunner }: TransactionCommitEvent): Promise<void> {
    const { actor, rows, unreported } = ChangedRows.of(queryRunner);
    if (unreported.size)
      throw new Error(
        `A statement changed rows and did not tell which (recordBulkChange): ${[...unreported].map(({ name }) => name).join(', ')}`,
      );
    if (!rows.size) return;
    const changed = [...rows.values()];
    rows.clear();
    await readAfter(manager, changed);
    const at = this.clock();
    const entries = changed.flatMap((row) =>
      entryOf(row, this.tables.audited.get(row.metadata.target)!, actor, at),
    );
    for (const batch of batches(entries, ENTRY_BATCH)) await this.write(manager, batch);
  }

  /** Writes all entries in few statements, because the ledger waits behind them. */
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

/** Reads the rows after their changes from the database. */
async function readAfter(manager: EntityManager, changed: readonly ChangedRow[]): Promise<void> {
  const unread = changed.filter(({ after }) => after === undefined);
  for (const metadata of new Set(unread.map((row) => row.metadata))) {
    for (const batch of batches(
      unread.filter((row) => row.metadata === metadata),
      ROW_BATCH,
    )) {
      const rows = await manager.findBy(
        metadata.target,
        batch.map(({ id }) => id),
      );
      for (const row of batch)
        row.after = rows.find((candidate) => metadata.compareEntities(candidate, row.id)) ?? null;
    }
  }
}

function* batches<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}

/**
 * Returns the entry of a change. None if nothing changed in the end, or if a call created the row (a named end user,
 * the user of a key).
 */
function entryOf(
  changed: ChangedRow,
  { table, idOf, view }: AuditedTable<ObjectLiteral>,
  actor: Actor | undefined,
  at: Date,
): AuditEntry[] {
  const { spend } = changed;
  const before = live(changed.before);
  const after = live(changed.after ?? null);
  const row = before ?? after;
  if (!row || (!actor && !before)) return [];
  const beforeView = before && {
    ...auditable(view(before)),
    ...(spend && { spend: usdFromNanoUsd(spend.before) }),
  };
  const afterView = after && {
    ...auditable(view(after)),
    ...(spend && { spend: usdFromNanoUsd(spend.after) }),
  };
  const [beforeValue, updatedValues] =
    beforeView && afterView ? diff(beforeView, afterView) : [beforeView, afterView];
  return [
    {
      id: uuidv7(),
      at,
      changedBy: actor?.id ?? ((after ?? changed.after ?? row) as AuthoredRow).updatedBy,
      keyHash: actor?.keyHash ?? null,
      requestId: actor?.requestId ?? null,
      clientAddress: actor?.clientAddress ?? null,
      action: actionOf(beforeValue, updatedValues, after as { blocked?: boolean } | null),
      tableName: table,
      objectId: idOf(row),
      teamId: ((afterView ?? beforeView) as { team_id?: string | null }).team_id ?? null,
      beforeValue: beforeValue && redact(beforeValue),
      updatedValues: updatedValues && redact(updatedValues),
    },
  ];
}

/** Returns the action of a change. A block counts as one only if nothing else changed. */
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
