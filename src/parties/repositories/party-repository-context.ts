import { Inject, Injectable } from '@nestjs/common';
import type { CacheKey } from '../../cache/change-epochs.js';
import { RowCache } from '../../cache/row-cache.js';
import { Database } from '../../database/database.js';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { PartySpend } from '../party-spend.js';

/** The services that every repository of parties needs. */
@Injectable()
export class PartyRepositoryContext {
  /** Running transactions that create a row for calls, by the row's cache key. */
  readonly creations = new Map<CacheKey, Promise<void>>();

  constructor(
    readonly database: Database,
    readonly cache: RowCache,
    @Inject(CLOCK) readonly clock: Clock,
    readonly spend: PartySpend,
  ) {}
}
