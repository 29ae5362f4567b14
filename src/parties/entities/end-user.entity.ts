import { Column, Entity } from 'typeorm';
import { END_USER_FIELDS } from '../fields/end-user-fields.js';
import { StoresFields } from '../fields/own-field.js';
import { PartyRow } from '../party-row.js';

/**
 * The customer's customer, whom the caller names in `user`. The gateway does not authenticate it. LiteLLM's customer.
 */
@Entity('end_users')
@StoresFields(END_USER_FIELDS)
export class EndUser extends PartyRow {
  @Column({ name: 'user_id', type: 'varchar', unique: true })
  userId: string;

  @Column({ type: 'varchar', nullable: true })
  alias: string | null;

  @Column({ name: 'allowed_model_region', type: 'varchar', nullable: true })
  allowedModelRegion: string | null;

  @Column({ name: 'default_model', type: 'varchar', nullable: true })
  defaultModel: string | null;
}
