import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Budget } from '../parties/entities/budget.entity.js';
import { withTier } from '../parties/with-tier.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import type { Limits } from '../parties/limits-row.js';
import type { PartyRow } from '../parties/party-row.js';
import type { PartyRepository } from '../parties/repositories/party.repository.js';
import { type Opening, PartySpend } from '../parties/party-spend.js';
import { spentIn } from './admin-body.js';
import type { ImportWarnings } from './import-warnings.js';
import type { LitellmRow } from './litellm-database.js';
import { openingOf, restoreAuthorship, restoreWindow } from './restore-row.js';
import { SkippedRowError } from './skipped-row.error.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

/** Restores what no request can set in a new row: authors, budget windows and spend. */
@Injectable()
export class RowRestorer {
  constructor(
    private readonly spend: PartySpend,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'litellm'>,
    private readonly budgets: BudgetRepository,
  ) {}

  /** Restores a party's authors, windows and spend. Must run in the transaction that created it. */
  async restoreParty<T extends PartyRow>(
    tx: EntityManager,
    rows: PartyRepository<T>,
    row: T,
    before: LitellmRow,
    warnings: ImportWarnings,
  ): Promise<void> {
    this.restoreLimits(row, before, warnings);
    await rows.in(tx).save(row);
    const party = rows.spender(row);
    const isEndUser = party.kind === 'end_user';
    const tierId = row.budgetId ?? (isEndUser ? this.config.litellm.maxEndUserBudgetId : undefined);
    const limits = withTier<PartyRow>(row, await this.tierOf(tx, tierId));
    await this.spend.open(tx, party, this.openingOf(limits, row, before, warnings));
  }

  restoreLimits(row: Budget | PartyRow, before: LitellmRow, warnings: ImportWarnings): void {
    restoreAuthorship(row, before);
    restoreWindow(row, before, this.restoring(), warnings);
  }

  /** Returns the ledger entry for the former spend of a party with these limits. */
  openingOf(
    limits: Readonly<Limits>,
    { createdAt }: { readonly createdAt: Date },
    before: LitellmRow,
    warnings: ImportWarnings,
  ): Opening {
    return openingOf(limits, { spentNanoUsd: spentIn(before, warnings), createdAt }, this.restoring());
  }

  /** Finds a tier. Throws SkippedRowError if it was not imported. */
  async tierOf(tx: EntityManager, budgetId: string | null | undefined): Promise<Budget | null> {
    if (!budgetId) return null;
    const tier = await this.budgets.in(tx).findOneBy({ budgetId });
    if (!tier) throw new SkippedRowError(`its budget ${budgetId} was left, or is not there`);
    return tier;
  }

  private restoring() {
    return { timeZone: this.config.litellm.timezone, now: this.clock() };
  }
}
