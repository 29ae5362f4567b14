import { Column, Entity, Index } from 'typeorm';
import { PartyRow } from '../party-row.js';

/** A user inside a team: a party of its own, with its own models (`allowed_models`) and money (`max_budget_in_team`). */
@Entity('members')
@Index(['teamId', 'userId'], { unique: true })
export class Member extends PartyRow {
  @Column({ name: 'team_id', type: 'varchar' })
  teamId: string;

  @Index()
  @Column({ name: 'user_id', type: 'varchar' })
  userId: string;

  @Column({ type: 'varchar' })
  role: 'admin' | 'user';
}
