import type { EntityTarget, ObjectLiteral } from 'typeorm';

/** The audit rules of one entity. */
export interface AuditedTable<T> {
  /** LiteLLM's name of the table. */
  readonly table: string;
  readonly idOf: (row: T) => string;
  /** Returns the fields of a row that an admin may see. Only these are stored. */
  readonly view: (row: T) => object;
}

/** All tables: the audited ones and the others. */
export interface AuditedTables {
  readonly audited: ReadonlyMap<EntityTarget<ObjectLiteral>, AuditedTable<ObjectLiteral>>;
  readonly notAudited: ReadonlySet<EntityTarget<ObjectLiteral>>;
}

export const AUDITED_TABLES = Symbol('AUDITED_TABLES');
