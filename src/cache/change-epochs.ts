import { Injectable } from '@nestjs/common';

/** Names one cached thing: `key:<hash>`, `user:<id>`, `team_id:<id>`, `end_user_id:<id>`, `tag:<name>`, `org_id:<id>`, `membership:<team>/<user>`, `budget:<id>`, `models`. */
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
 * What changed, and when: a number that grows with every write. Whoever keeps something made of rows keeps the
 * number too, and asks before using it whether one of its rows changed since.
 */
@Injectable()
export class ChangeEpochs {
  private epochNow = 1;
  private readonly changedAt = new Map<CacheKey, number>();
  /** Of all keys in `changedAt` together. */
  private chars = 0;
  /** Changes up to here are forgotten one by one and count as changed all together. */
  private forgottenUpTo = 0;

  /** Grows with every `mark`. While it stands still nothing changed at all. */
  get epoch(): number {
    return this.epochNow;
  }

  mark(keys: readonly CacheKey[]): void {
    this.epochNow++;
    for (const key of keys) {
      if (!this.changedAt.delete(key)) this.chars += key.length;
      this.changedAt.set(key, this.epochNow);
    }
    if (this.changedAt.size > MAX_REMEMBERED_CHANGES || this.chars > MAX_REMEMBERED_CHARS) {
      this.changedAt.clear();
      this.chars = 0;
      this.forgottenUpTo = this.epochNow;
    }
  }

  /** Did any of `keys` change after `epoch`? */
  changedSince(epoch: number, keys: readonly CacheKey[]): boolean {
    if (epoch === this.epochNow) return false;
    if (epoch < this.forgottenUpTo) return true;
    return keys.some((key) => (this.changedAt.get(key) ?? 0) > epoch);
  }
}
