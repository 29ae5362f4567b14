import { Column, Entity, PrimaryColumn } from 'typeorm';
import { AuthoredRow } from '../../database/authored-row.js';
import { JsonColumn } from '../../database/columns.js';

/** Models under one name, for lists of models and for `access_group_ids`. Both of LiteLLM's kinds are rows of this table. */
@Entity('access_groups')
export class AccessGroup extends AuthoredRow {
  /** LiteLLM `access_group_id`; always ours, so that no model is called like it. */
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @Column({ type: 'varchar', unique: true })
  name: string;

  @Column({ type: 'text', nullable: true })
  description: string | null;

  /** Entries as in any list of models, in the order sent; `[]` is no model at all. */
  @JsonColumn()
  models: string[];

  /** `model_ids` of `/access_group/new`: single deployments, in the order sent. */
  @JsonColumn({ name: 'deployment_ids' })
  deploymentIds: string[];

  @JsonColumn({ name: 'mcp_server_ids' })
  mcpServerIds: string[];

  @JsonColumn({ name: 'agent_ids' })
  agentIds: string[];

  /** Teams that were given the group, in the order told; whether one has it still, its own row says. */
  @JsonColumn({ name: 'team_ids' })
  teamIds: string[];

  /** Keys that were given the group, by their internal ids: a key outlives its secret. */
  @JsonColumn({ name: 'key_ids' })
  keyIds: string[];
}
