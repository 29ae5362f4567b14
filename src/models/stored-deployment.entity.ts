import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { AuthoredRow } from '../database/authored-row.js';
import { JsonColumn } from '../database/columns.js';

/** A deployment added at runtime (`/model/new`). Those of the configuration file are not stored. */
@Entity('models')
export class StoredDeployment extends AuthoredRow {
  /** LiteLLM `model_info.id`; the client may choose it. */
  @PrimaryColumn({ name: 'model_id', type: 'varchar' })
  modelId: string;

  @Index()
  @Column({ name: 'model_name', type: 'varchar' })
  modelName: string;

  /** `litellm_params` without its secrets. */
  @JsonColumn({ name: 'litellm_params' })
  litellmParams: Record<string, unknown>;

  /** The secret members of `litellm_params` (`api_key` …), sealed with AES-256-GCM. Never returned. */
  @Column({ name: 'sealed_params', type: 'text', nullable: true })
  sealedParams: string | null;

  @JsonColumn({ name: 'model_info', nullable: true })
  modelInfo: Record<string, unknown> | null;
}
