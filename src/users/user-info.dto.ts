import { KeyRow } from '../keys/keys.dto.js';
import { TeamRow } from '../teams/teams.dto.js';
import { UserRow } from '../parties/user-row.dto.js';

/** A user with its keys and teams, as far as the caller may see them. */
export class UserInfo {
  user_id: string;
  user_info: UserRow;
  keys: KeyRow[];
  teams: TeamRow[];
}
