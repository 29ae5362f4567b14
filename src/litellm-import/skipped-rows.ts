import type { LitellmRow } from './litellm-database.js';
import { SkippedRowError } from './skipped-row.error.js';

/** Users and team members that one run of the import skipped. A later row that names one is skipped with it. */
export class SkippedRows {
  private readonly users = new Set<string>();
  private readonly members = new Set<string>();

  addUser({ user_id }: LitellmRow): void {
    this.users.add(user_id as string);
  }

  addMember(row: LitellmRow): void {
    this.members.add(pairOf(row));
  }

  /** Throws SkippedRowError if the row's user was skipped: a new user would have none of its limits. */
  requireUser({ user_id }: LitellmRow): void {
    if (this.users.has(user_id as string))
      throw new SkippedRowError(`its user ${user_id as string} was left`);
  }

  /** Throws SkippedRowError if the membership of the row's user in the row's team was skipped. */
  requireMember(row: LitellmRow): void {
    if (this.members.has(pairOf(row)))
      throw new SkippedRowError(`the membership of its user in team ${row.team_id as string} was left`);
  }
}

const pairOf = ({ team_id, user_id }: LitellmRow) => JSON.stringify([team_id, user_id]);
