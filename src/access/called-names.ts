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

/** Makes one missing row, if its maker is allowed to inside the transaction. */
type Making = (requireAllowed: (tx: EntityManager) => Promise<void>) => Promise<unknown>;

/**
 * Makes rows for the end users and tags that a call names and that have none, so that they owe from their first call on.
 * Each key makes a bounded number of them a day. A call with further names is billed without them; the ledger keeps the
 * names, and a row made later begins with what was spent.
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
   * Makes the missing rows of a call that was let in. Resolves to the access decided anew with them, or without those that
   * may not be made; undefined when the access is right as it is. Rejects with the refusal of the new decision.
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

  /** Returns whether there is a row now. Callers that ask for one at once share the first one's try, and its end. */
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
