import type { FindOptionsWhere } from 'typeorm';
import type { CacheKey } from '../../cache/change-epochs.js';
import type { PartyKind } from '../../policy/facts.js';
import type { PartyRow } from '../party-row.js';
import type { UniqueColumn } from './unique-columns.js';

/** The mapping of one kind of party to its table. */
export interface PartyMapping<T extends PartyRow> {
  readonly entity: new () => T;
  readonly kind: PartyKind;
  /** Returns the columns that identify the row with this public id. */
  readonly where: (id: string) => FindOptionsWhere<T>;
  readonly idOf: (row: T) => string;
  readonly cacheKey: (id: string) => CacheKey;
  /** `Customer`, for "Customer already exists". */
  readonly title: string;
  /** The wire name of the id, sent as `param` of an error. */
  readonly param: string;
  /** Unique columns beside the id. */
  readonly unique?: readonly UniqueColumn<T>[];
}
