import { Column, Entity, PrimaryColumn } from 'typeorm';
import { AuthoredRow } from '../../database/authored-row.js';
import { JsonColumn } from '../../database/columns.js';

/**
 * Models under one name, for lists of models and for `access_group_ids`. Both of LiteLLM's kinds are rows of this
 * table.
 */
@Entity('access_groups')
export class AccessGroup extends AuthoredRow {
  /** LiteLLM `access_group_id`. The gateway always generates it, so that it never equals the name of a model. */
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @Column({ type: 'varchar', unique: true })
  name: string;

  @Column({ type: 'text', nullable: true })
  description: string | null;

  /** Entries as in any list of models, in the order sent. `[]` allows no model. */
  @JsonColumn()
  models: string[];

  /** `model_ids` of `/access_group/new`: single deployments, in the order sent. */
  @JsonColumn({ name: 'deployment_ids' })
  deploymentIds: string[];

  @JsonColumn({ name: 'mcp_server_ids' })
  mcpServerIds: string[];

  @JsonColumn({ name: 'agent_ids' })
  agentIds: string[];

  /**
   * Teams to which an admin assigned the group, in the order sent. The team's own row decides whether it still has the
   * group.
   */
  @JsonColumn({ name: 'team_ids' })
  teamIds: string[];

  /** Keys to which an admin assigned the group, by internal id: the id of a key outlives its secret. */
  @JsonColumn({ name: 'key_ids' })
  keyIds: string[];
}
