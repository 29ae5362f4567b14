import type { EntityTarget, ObjectLiteral } from 'typeorm';

/** How the rows of one entity stand in the audit log. */
export interface Audited<T> {
  /** LiteLLM's name of the table. */
  readonly table: string;
  readonly idOf: (row: T) => string;
  /** What an administrator may see of a row: nothing else is kept. */
  readonly view: (row: T) => object;
}

/** Every table, sorted into those the audit log records and those it does not. */
export interface AuditedTables {
  readonly audited: ReadonlyMap<EntityTarget<ObjectLiteral>, Audited<ObjectLiteral>>;
  readonly notAudited: ReadonlySet<EntityTarget<ObjectLiteral>>;
}

export const AUDITED_TABLES = Symbol('AUDITED_TABLES');
