import { Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn, JsonColumn } from '../database/columns.js';
import type { Breakdown } from './daily-activity.dto.js';
import type { Sums } from './sums.js';

/**
 * The daily activity of everybody on a UTC day that is summed up, as it is told. Made of `activity_days`, which have as many
 * rows as there were calls if no two are alike: rows that are gone are made again.
 */
@Entity('kept_days')
export class DailyReport {
  /** What it is about. Days with calls have one of `user`. */
  @PrimaryColumn({ type: 'varchar' })
  entity: string;

  @InstantColumn({ primary: true })
  day: Date;

  /** The cost is text: JSON has no `bigint`. */
  @JsonColumn()
  sums: Omit<Sums, 'costNanoUsd'> & { readonly costNanoUsd: string };

  @JsonColumn()
  breakdown: Breakdown;
}
