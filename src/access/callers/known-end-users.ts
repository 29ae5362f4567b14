import { Inject, Injectable } from '@nestjs/common';
import { BoundedMap } from '../../cache/bounded-map.js';
import { CONFIG, type Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import { UserRepository } from '../../parties/repositories/user.repository.js';
import { CLOCK, type Clock } from '../../platform/clock.js';
import type { MaybePromise } from '../../platform/maybe-promise.js';
import { CallerCache } from './caller-cache.js';

/** How long the answer about one address is remembered. */
const MEMORY_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/**
 * Tells which end users of calls have a row, for `validate_end_user_id_in_db`. The row of a user with this id or address
 * counts, too.
 */
@Injectable()
export class KnownEndUsers {
  /** True if an end user without a row is left out of the call. A budget of every end user needs no row. */
  readonly areRequired: boolean;
  private readonly addresses = new BoundedMap<
    string,
    { readonly isKnown: boolean; readonly untilMs: number }
  >(MAX_ADDRESSES);

  constructor(
    @Inject(CONFIG) { litellm }: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly database: Database,
    private readonly callers: CallerCache,
    private readonly users: UserRepository,
  ) {
    const { validatesEndUsers, maxEndUserBudgetId, maxEndUserBudgetUsd } = litellm;
    this.areRequired =
      validatesEndUsers && maxEndUserBudgetId === undefined && maxEndUserBudgetUsd === undefined;
  }

  /** Tells whether an end user is known. Rejects if the rows cannot be read. */
  has(id: string): MaybePromise<boolean> {
    const endUser = this.callers.lastEndUser(id);
    return endUser && endUser.parties.length > 0 && this.callers.isFresh(endUser) ? true : this.read(id);
  }

  private async read(id: string): Promise<boolean> {
    const { parties } = await this.callers.endUser(id, false);
    return parties.length > 0 || (await this.users.get(id)) !== null || (await this.isAddress(id));
  }

  /** Tells whether a live user has this address. */
  private async isAddress(id: string): Promise<boolean> {
    if (!id.includes('@')) return false;
    const nowMs = this.clock().getTime();
    const last = this.addresses.get(id);
    if (last && nowMs < last.untilMs) return last.isKnown;
    const isKnown = (await this.database.read((manager) => this.users.withEmail(manager, id))) !== null;
    this.addresses.set(id, { isKnown, untilMs: nowMs + MEMORY_MS });
    return isKnown;
  }
}
