import { Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn, JsonColumn } from '../database/columns.js';
import type { Breakdown } from './daily-activity.dto.js';
import type { Sums } from './sums.js';

/**
 * The stored report of all calls of one UTC day that is summed up. It is derived from `activity_days`, so a deleted
 * row is created again.
 */
@Entity('kept_days')
export class DailyReport {
  /** The kind of entity of the report. Days with calls always have a row for `user`. */
  @PrimaryColumn({ type: 'varchar' })
  entity: string;

  @InstantColumn({ primary: true })
  day: Date;

  /** The cost is text, because JSON has no `bigint`. */
  @JsonColumn()
  sums: Omit<Sums, 'costNanoUsd'> & { readonly costNanoUsd: string };

  @JsonColumn()
  breakdown: Breakdown;
}
