import type { EntityManager, EntityMetadata, ObjectLiteral, QueryRunner } from 'typeorm';
import type { Actor } from '../platform/audit-context.js';
import type { NanoUsd } from '../policy/money.js';

/** A row that a transaction changed. `before` is null for a new row, `after` for a deleted one. */
export interface ChangedRow {
  readonly metadata: EntityMetadata;
  readonly id: ObjectLiteral;
  readonly before: ObjectLiteral | null;
  /** Absent: read from the database at the end of the transaction. */
  after?: ObjectLiteral | null;
  spend?: { readonly before: NanoUsd; readonly after: NanoUsd };
}

/** The rows a transaction changed so far, and the actor. */
export class ChangedRows {
  readonly rows = new Map<string, ChangedRow>();
  /** Entities whose rows a statement changed without a report of which rows. */
  readonly unreported = new Set<EntityMetadata>();

  constructor(readonly actor?: Actor) {}

  /** Returns the changes of the transaction on this connection. */
  static of(runner: QueryRunner): ChangedRows {
    const data = runner.data as { changed?: ChangedRows };
    return (data.changed ??= new ChangedRows());
  }

  /** Starts the changes of a new transaction on this connection. */
  static begin(runner: QueryRunner, actor: Actor | undefined): void {
    runner.data = { changed: new ChangedRows(actor) };
  }

  /** Records a changed row. A row that is recorded already keeps its first `before`. */
  add(metadata: EntityMetadata, row: ObjectLiteral, before: ObjectLiteral | null): ChangedRow {
    const id = metadata.getEntityIdMap(row)!;
    const key = JSON.stringify([metadata.tableName, id]);
    const known = this.rows.get(key) ?? { metadata, id, before };
    delete known.after;
    this.rows.set(key, known);
    return known;
  }
}

/** A row that a statement changed, or whose spend was set. */
export interface BulkChange<T> {
  readonly before: T;
  /** Null: deleted. Absent: read from the database when the transaction ends. */
  readonly after?: T | null;
  readonly spend?: { readonly before: NanoUsd; readonly after: NanoUsd };
}

/**
 * Reports rows that an `update` or `delete` statement changed to the audit log. It sees rows that are saved or
 * removed one by one. Without a report the transaction does not commit. Must run inside a transaction.
 */
export function recordBulkChange<T extends ObjectLiteral>(
  tx: EntityManager,
  entity: new () => T,
  rows: readonly BulkChange<T>[],
): void {
  const changed = ChangedRows.of(tx.queryRunner!);
  const metadata = tx.connection.getMetadata(entity);
  changed.unreported.delete(metadata);
  for (const { before, ...change } of rows) Object.assign(changed.add(metadata, before, before), change);
}
