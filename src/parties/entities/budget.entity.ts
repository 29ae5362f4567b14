import { Column, Entity, PrimaryColumn } from 'typeorm';
import { JsonColumn } from '../../database/columns.js';
import { LimitsRow } from '../limits-row.js';

/** A tier: limits that many parties share by naming its `budget_id`. Each party has accounts of its own. */
@Entity('budgets')
export class Budget extends LimitsRow {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @Column({ name: 'budget_id', type: 'varchar', unique: true })
  budgetId: string;

  @JsonColumn({ name: 'allowed_models', nullable: true })
  allowedModels: string[] | null;
}
