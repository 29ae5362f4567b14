import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { EndUsersService } from '../end-users/end-users.service.js';
import { TagsService } from '../tags/tags.service.js';
import type { CallAccess } from './call-access.js';
import { CallAuthorizer } from './call-authorizer.js';
import { CalledNameQuota, DailyNamesUsedUpError } from './called-name-quota.js';
import type { CallerSnapshot } from './callers/caller.js';
import { CallerCache } from './callers/caller-cache.js';
import { isProvisional } from './callers/billing-contexts.js';

/** Creates one missing row, if `requireAllowed` does not reject inside the transaction. */
type Making = (requireAllowed: (tx: EntityManager) => Promise<void>) => Promise<unknown>;

/**
 * Creates missing rows for the end users and tags that a call names, so that their spend counts from the first call. Each
 * key creates a bounded number of rows a day. A call with further names is billed without them. The ledger keeps the names,
 * and a row created later starts with their spend.
 */
@Injectable()
export class CalledNames {
  constructor(
    private readonly quota: CalledNameQuota,
    private readonly callers: CallerCache,
    private readonly authorizer: CallAuthorizer,
    private readonly endUsers: EndUsersService,
    private readonly tags: TagsService,
  ) {}

  /**
   * Creates the missing rows of an admitted call. Resolves to a new access, decided with the rows that exist now; undefined
   * if the access needs no change. Rejects with the refusal of the new decision.
   */
  record(access: CallAccess): Promise<CallAccess> | undefined {
    const { llm, caller, billingContext, tags } = access;
    if (!llm || !caller || llm.size.isFree) return undefined;
    const { endUserId } = llm;
    if (endUserId === undefined && !tags.length) return undefined;
    const missing: Making[] = tags
      .filter((name) => !this.callers.tagHasRow(name))
      .map((name) => (requireAllowed) => this.tags.getOrCreate(name, requireAllowed));
    if (endUserId !== undefined && !this.callers.endUserHasRow(endUserId))
      missing.unshift((requireAllowed) => this.endUsers.getOrCreate(endUserId, requireAllowed));
    const isOutdated = billingContext !== undefined && isProvisional(billingContext);
    return isOutdated || (missing.length && !this.quota.isUsedUp(caller))
      ? this.makeAll(access, caller, missing, isOutdated)
      : undefined;
  }

  private async makeAll(
    access: CallAccess,
    caller: CallerSnapshot,
    missing: readonly Making[],
    isOutdated: boolean,
  ): Promise<CallAccess> {
    let isChanged = isOutdated;
    for (const make of missing) isChanged = (await this.make(caller, make)) || isChanged;
    if (!isChanged) return access;
    return (await this.authorizer.refresh(access, access.facts.request!.model!.requested)).access;
  }

  /** Tells whether the row exists now. Concurrent calls for one row share the first attempt and its result. */
  private async make(caller: CallerSnapshot, make: Making): Promise<boolean> {
    while (!this.quota.isUsedUp(caller)) {
      try {
        await make((tx) => this.quota.take(tx, caller));
        return true;
      } catch (error) {
        if (!(error instanceof DailyNamesUsedUpError)) throw error;
      }
    }
    return false;
  }
}
