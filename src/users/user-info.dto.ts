import { KeyRow } from '../keys/keys.dto.js';
import { TeamRow } from '../teams/teams.dto.js';
import { UserRow } from '../parties/user-row.dto.js';

/** A user with its keys and teams, as far as the caller may see them. */
export class UserInfo {
  /** Null: an admin's key without a user. */
  user_id: string | null;
  /** Null: an admin without a row, such as the master key. */
  user_info: UserRow | null;
  keys: KeyRow[];
  teams: TeamRow[];
}
