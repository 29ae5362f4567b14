import type { EntityManager, EntityMetadata, ObjectLiteral, QueryRunner } from 'typeorm';
import type { Actor } from '../platform/audit-context.js';
import type { NanoUsd } from '../policy/money.js';

/** A row that a transaction changed. Null: it was not there, or is there no more. */
export interface ChangedRow {
  readonly metadata: EntityMetadata;
  readonly id: ObjectLiteral;
  readonly before: ObjectLiteral | null;
  /** Absent: as the database has it at the end. */
  after?: ObjectLiteral | null;
  spend?: { readonly before: NanoUsd; readonly after: NanoUsd };
}

/** What a transaction changed so far, and on whose behalf. */
export class ChangedRows {
  readonly rows = new Map<string, ChangedRow>();
  /** Entities a statement changed rows of that nobody told of yet. */
  readonly untold = new Set<EntityMetadata>();

  constructor(readonly actor?: Actor) {}

  /** Those of the transaction on this connection. */
  static of(runner: QueryRunner): ChangedRows {
    const data = runner.data as { changed?: ChangedRows };
    return (data.changed ??= new ChangedRows());
  }

  /** A new transaction begins on this connection. */
  static begin(runner: QueryRunner, actor: Actor | undefined): void {
    runner.data = { changed: new ChangedRows(actor) };
  }

  /** Notes a row; of one that is noted already, what it was at first stays. */
  add(metadata: EntityMetadata, row: ObjectLiteral, before: ObjectLiteral | null): ChangedRow {
    const id = metadata.getEntityIdMap(row)!;
    const key = JSON.stringify([metadata.tableName, id]);
    const known = this.rows.get(key) ?? { metadata, id, before };
    delete known.after;
    this.rows.set(key, known);
    return known;
  }
}

/** A row that was changed by a statement, or whose spending was set anew. */
export interface BulkChange<T> {
  readonly before: T;
  /** Null: deleted. Absent: as the database has it when the transaction ends. */
  readonly after?: T | null;
  readonly spend?: { readonly before: NanoUsd; readonly after: NanoUsd };
}

/**
 * Inside a transaction: tells the audit log what it cannot see. Rows that are saved or removed one by one it sees; what an
 * `update` or `delete` statement did to the rows of an entity must be told, or the transaction does not commit.
 */
export function recordBulkChange<T extends ObjectLiteral>(
  tx: EntityManager,
  entity: new () => T,
  rows: readonly BulkChange<T>[],
): void {
  const changed = ChangedRows.of(tx.queryRunner!);
  const metadata = tx.connection.getMetadata(entity);
  changed.untold.delete(metadata);
  for (const { before, ...told } of rows) Object.assign(changed.add(metadata, before, before), told);
}
