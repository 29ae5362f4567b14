import type { EntityManager } from 'typeorm';
import type { CacheKey } from '../../cache/change-epochs.js';
import type { ImportWarnings } from '../import-warnings.js';
import type { LitellmDatabase, LitellmRow } from '../litellm-database.js';
import type { SkippedRows } from '../skipped-rows.js';

/** Imports the rows of one of LiteLLM's tables. Whatever a request could create is created as by that request. */
export interface TableImporter {
  readonly table: string;
  /** True if a row may have an `object_permission_id`. */
  readonly hasPermissions?: boolean;
  /** Returns the SQL that reads the rows, in the order in which they are imported. */
  query(litellm: LitellmDatabase): string;
  /** Returns how the report names a row. */
  idOf(row: LitellmRow): string;
  /**
   * Creates what the row describes. Must run inside a transaction. Returns the cache keys that changed, or 'exists' for an
   * existing row. Throws if something is wrong with the row.
   */
  import(tx: EntityManager, row: LitellmRow, context: ImportContext): Promise<CacheKey[] | 'exists'>;
  /** Notes a row that was skipped, for the rows that name it. */
  noteSkipped?(row: LitellmRow, skipped: SkippedRows): void;
}

/** Everything that an importer needs beside the row. */
export interface ImportContext {
  readonly warnings: ImportWarnings;
  /** Rows that this run has skipped so far. */
  readonly skipped: SkippedRows;
}

/** Returns the SQL that reads a whole table in the order of a column. */
export const selectAll = (table: string, column: string) => `SELECT * FROM "${table}" ORDER BY "${column}"`;

/**
 * Returns the SQL for an importer's rows. Each row has the content of its `object_permission_id`, because that may limit.
 */
export function queryOf(importer: TableImporter, litellm: LitellmDatabase): string {
  const query = importer.query(litellm);
  return importer.hasPermissions && litellm.has('LiteLLM_ObjectPermissionTable')
    ? `SELECT r.*, (
        SELECT to_jsonb(p) - 'object_permission_id' FROM "LiteLLM_ObjectPermissionTable" p
        WHERE p.object_permission_id = r.object_permission_id
      ) AS object_permission FROM (${query}) r`
    : query;
}
