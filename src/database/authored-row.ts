import { Column } from 'typeorm';
import { InstantColumn } from './columns.js';

/** A row that stores its creator, its last editor and both times. */
export abstract class AuthoredRow {
  @InstantColumn({ name: 'created_at' })
  createdAt: Date;

  @Column({ name: 'created_by', type: 'varchar' })
  createdBy: string;

  @InstantColumn({ name: 'updated_at' })
  updatedAt: Date;

  @Column({ name: 'updated_by', type: 'varchar' })
  updatedBy: string;
}

/** The author of rows that calls create. */
export const GATEWAY = 'tollgate';

/** Returns true if a call created this row and no admin has written it since. */
export const isMadeByCall = ({ createdBy, updatedBy }: AuthoredRow): boolean =>
  createdBy === GATEWAY && updatedBy === GATEWAY;

/** Returns the author fields of a new row. */
export const authoredBy = (author: string, now: Date): AuthoredRow => ({
  createdAt: now,
  createdBy: author,
  updatedAt: now,
  updatedBy: author,
});
