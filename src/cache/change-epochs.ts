import { Injectable } from '@nestjs/common';

/**
 * The key of one cached row: `key:<hash>`, `user:<id>`, `team_id:<id>`, `end_user_id:<id>`, `tag:<name>`,
 * `org_id:<id>`, `membership:<team>/<user>`, `budget:<id>`, `models`.
 */
export type CacheKey = string;

export const cacheKey = {
  key: (secretHash: string): CacheKey => `key:${secretHash}`,
  user: (userId: string): CacheKey => `user:${userId}`,
  team: (teamId: string): CacheKey => `team_id:${teamId}`,
  endUser: (userId: string): CacheKey => `end_user_id:${userId}`,
  tag: (name: string): CacheKey => `tag:${name}`,
  organization: (organizationId: string): CacheKey => `org_id:${organizationId}`,
  membership: (teamId: string, userId: string): CacheKey => `membership:${JSON.stringify([teamId, userId])}`,
  budget: (budgetId: string): CacheKey => `budget:${budgetId}`,
  models: 'models' as CacheKey,
};

const MAX_REMEMBERED_CHANGES = 100_000;
const MAX_REMEMBERED_CHARS = 16_000_000;

/**
 * The epoch of each change: a number that grows with every write. Code that caches a value derived from rows stores
 * the epoch, too. Before it uses the value, it checks whether a row changed since.
 */
@Injectable()
export class ChangeEpochs {
  private epochNow = 1;
  private readonly changedAt = new Map<CacheKey, number>();
  /** The length of all keys in `changedAt`. */
  private totalChars = 0;
  /** Changes up to this epoch are no longer known by key. All keys count as changed then. */
  private forgottenBefore = 0;

  /** Grows with every `mark`. While it is the same, nothing changed. */
  get epoch(): number {
    return this.epochNow;
  }

  mark(keys: readonly CacheKey[]): void {
    this.epochNow++;
    for (const key of keys) {
      if (!this.changedAt.delete(key)) this.totalChars += key.length;
      this.changedAt.set(key, this.epochNow);
    }
    if (this.changedAt.size > MAX_REMEMBERED_CHANGES || this.totalChars > MAX_REMEMBERED_CHARS) {
      this.changedAt.clear();
      this.totalChars = 0;
      this.forgottenBefore = this.epochNow;
    }
  }

  /** Returns true if any of `keys` changed after `epoch`. */
  changedSince(epoch: number, keys: readonly CacheKey[]): boolean {
    if (epoch === this.epochNow) return false;
    if (epoch < this.forgottenBefore) return true;
    return keys.some((key) => (this.changedAt.get(key) ?? 0) > epoch);
  }
}
