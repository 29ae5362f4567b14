import { Column, Entity, Index } from 'typeorm';
import { JsonColumn } from '../../database/columns.js';
import { TEAM_FIELDS } from '../fields/team-fields.js';
import { StoresFields } from '../fields/own-field.js';
import { PartyRow } from '../party-row.js';

/** People and keys that share models and money. */
@Entity('teams')
@StoresFields(TEAM_FIELDS)
export class Team extends PartyRow {
  @Column({ name: 'team_id', type: 'varchar', unique: true })
  teamId: string;

  @Column({ name: 'team_alias', type: 'varchar', nullable: true })
  teamAlias: string | null;

  @Index()
  @Column({ name: 'organization_id', type: 'varchar', nullable: true })
  organizationId: string | null;

  /** LiteLLM `model_aliases`: names this team uses for models. */
  @JsonColumn({ name: 'model_aliases', nullable: true })
  modelAliases: Record<string, string> | null;
}
