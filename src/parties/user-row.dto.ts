import { ShowsFields } from './fields/own-field.js';
import { ShowsExtraFields } from './fields/shows-extra-fields.js';
import { USER_FIELDS } from './fields/user-fields.js';
import { LimitedPartyResponse } from './limits-response.dto.js';

/** A user as LiteLLM shows it. */
@ShowsFields(USER_FIELDS)
@ShowsExtraFields(USER_FIELDS)
export class UserRow extends LimitedPartyResponse {
  user_id: string;
  user_email: string | null;
  user_alias: string | null;
  user_role: string | null;
  sso_user_id: string | null;
  /** Ids of the user's teams. */
  teams: string[];
  models: string[];
  blocked: boolean;
}
