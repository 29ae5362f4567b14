import { Column } from 'typeorm';
import { InstantColumn } from './columns.js';

/** A row that says who made it and who changed it last, and when. */
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

/** The author of rows that calls make by themselves. */
export const GATEWAY = 'tollgate';

/** Did a call make this row, and has no administrator written it since? */
export const isMadeByCall = ({ createdBy, updatedBy }: AuthoredRow): boolean =>
  createdBy === GATEWAY && updatedBy === GATEWAY;

/** What a new row says of it. */
export const madeBy = (by: string, now: Date): AuthoredRow => ({
  createdAt: now,
  createdBy: by,
  updatedAt: now,
  updatedBy: by,
});
