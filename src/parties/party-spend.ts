import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { recordBulkChange } from '../database/audited-changes.js';
import { Database } from '../database/database.js';
import { furtherWindow, mainWindow, modelWindow } from './budget-windows.js';
import { defaultBudget, withTier } from './with-tier.js';
import type { Limits } from './limits-row.js';
import { modelBudgets } from './model-budgets.js';
import type { PartyRow } from './party-row.js';
import type { PartyKind } from '../policy/facts.js';
import { nanoUsd, type NanoUsd, ZERO_NANO_USD } from '../policy/money.js';
import {
  type AccountSpec,
  type BudgetWindowRule,
  lifetimeAccount,
  type ScopeKind,
  windowAccount,
} from '../ledger/account.js';
import { Accounts } from '../ledger/accounts.js';
import { adjust } from '../ledger/adjustments.js';
import type { Correction } from '../ledger/correction.js';
import type { ChainNames } from '../ledger/billing-chain.js';
import { type NamedKind, priorSpend } from '../ledger/prior-spend.js';
import { BudgetRepository } from './repositories/budget.repository.js';

/** A party whose spending an admin corrects. */
export interface Spender {
  readonly kind: PartyKind;
  /** Internal id, limits and tier. */
  readonly row: Readonly<Limits> & { readonly id: string; readonly budgetId: string | null };
  /** The id under which reports show it. */
  readonly publicId: string;
  /** Class of its row. Absent for the proxy as a whole, which has no row. */
  readonly entity?: new () => PartyRow;
}

/** Spending that a new party brings from another gateway. */
export interface Opening {
  readonly spentNanoUsd: NanoUsd;
  /** Null: none of it was spent in a window that is still open. */
  readonly window: BudgetWindowRule | null;
  readonly at: Date;
}

/** Reads what a party has spent, for its views, and corrects it for admins, by audited entries of the ledger. */
@Injectable()
export class PartySpend {
  constructor(
    private readonly accounts: Accounts,
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG)
    private readonly config: {
      readonly litellm: Pick<Config['litellm'], 'timezone' | 'maxEndUserBudgetId' | 'maxEndUserBudgetUsd'>;
    },
    private readonly budgets: BudgetRepository,
  ) {}

  /** Returns what is committed in the party's current window, or in its lifetime if it has no window. */
  async of(spender: Spender): Promise<NanoUsd> {
    const [limits] = await this.database.read((manager) => this.limitsOf(manager, [spender]));
    const account = this.account(spender.kind, spender.row.id, mainWindow(limits!), this.clock());
    return nanoUsd((await this.accounts.spentOn([account])).get(account.id) ?? 0n);
  }

  /**
   * Sets what the party has spent in its current window, or in its lifetime if it has no window. Its other open windows
   * and its lifetime change by the same amount.
   */
  async set(tx: EntityManager, spender: Spender, spentNanoUsd: NanoUsd): Promise<void> {
    await this.accounts.correct(tx, await this.corrections(tx, [spender], spentNanoUsd));
  }

  /** Sets what each party has spent to zero. */
  async reset(spenders: readonly Spender[]): Promise<void> {
    await this.database.write(async (tx) => {
      const corrections = await this.corrections(tx, spenders, ZERO_NANO_USD);
      const spent = await this.accounts.spentIn(
        tx,
        corrections.map(({ account }) => account),
      );
      await this.accounts.correct(
        tx,
        corrections.filter(({ account }) => spent.get(account.id)),
      );
    }, 'ledger');
  }

  /**
   * Enters what a new party spent elsewhere, as entries of `at`. It counts on the lifetime account, and on the current
   * window of `window`. Must run inside the transaction that creates the party.
   */
  async open(
    tx: EntityManager,
    { kind, row, publicId, entity }: Spender,
    { spentNanoUsd, window, at }: Opening,
  ): Promise<void> {
    if (!spentNanoUsd) return;
    const names = namesOf(kind, publicId);
    const accounts = [null, ...(window ? [window] : [])].map((one) =>
      this.account(kind, row.id, one, this.clock()),
    );
    const adjustments = accounts.map((account, i) => ({
      account,
      amount: spentNanoUsd,
      ...(i === 0 && { names }),
    }));
    await adjust(tx, this.database, adjustments, at);
    if (entity) {
      const spend = { before: ZERO_NANO_USD, after: spentNanoUsd };
      recordBulkChange(tx, entity, [{ before: row as PartyRow, spend }]);
    }
  }

  /**
   * Bills a new party for the calls that named it before it had a row. They count on its lifetime account and in no
   * window: a window begins with no spending. Must run inside the transaction that creates the row.
   */
  async carryOver(
    tx: EntityManager,
    kind: NamedKind,
    row: { readonly id: string },
    name: string,
  ): Promise<void> {
    const account = lifetimeAccount(kind, row.id);
    const amount = await priorSpend(tx, this.database, kind, name, account.id);
    if (amount > 0n) await this.accounts.carryOver(tx, account, amount);
  }

  private async corrections(
    tx: EntityManager,
    spenders: readonly Spender[],
    spentNanoUsd: NanoUsd,
  ): Promise<Correction[]> {
    const now = this.clock();
    const limits = await this.limitsOf(tx, spenders);
    return spenders.map(({ kind, row, publicId, entity }, i) => {
      const { budgetLimits, modelMaxBudget } = limits[i]!;
      const window = mainWindow(limits[i]!);
      const account = this.account(kind, row.id, window, now);
      const windows = [window, ...(budgetLimits ?? []).map(furtherWindow)];
      const siblings = [null, ...windows]
        .map((window) => this.account(kind, row.id, window, now))
        .filter(({ id }) => id !== account.id);
      return {
        account,
        siblings: [...new Map(siblings.map((one) => [one.id, one])).values()],
        modelAccounts: Array.from(modelBudgets(modelMaxBudget), ([model, { duration }]) =>
          this.account(`${kind}+model`, `${row.id}/${model}`, modelWindow(duration), now),
        ),
        spentNanoUsd,
        names: namesOf(kind, publicId),
        ...(entity && {
          audit: (tx, spend) => recordBulkChange(tx, entity, [{ before: row as PartyRow, spend }]),
        }),
      };
    });
  }

  /** Returns the limits of these parties, filled with those of their tiers. */
  private async limitsOf(manager: EntityManager, spenders: readonly Spender[]): Promise<Readonly<Limits>[]> {
    const limits = await this.budgets.withTiers(
      manager,
      spenders.map(({ kind, row }) => ({ ...row, budgetId: row.budgetId ?? this.defaultTier(kind) })),
    );
    const endUserBudget = defaultBudget(this.config.litellm.maxEndUserBudgetUsd);
    return limits.map((own, i) => (spenders[i]!.kind === 'end_user' ? withTier(own, endUserBudget) : own));
  }

  private defaultTier(kind: PartyKind): string | null {
    return kind === 'end_user' ? (this.config.litellm.maxEndUserBudgetId ?? null) : null;
  }

  private account(kind: ScopeKind, id: string, window: BudgetWindowRule | null, now: Date): AccountSpec {
    return window
      ? windowAccount(kind, id, window, this.config.litellm.timezone, now)
      : lifetimeAccount(kind, id);
  }
}

const NAMED_IN_CHAINS: Partial<Record<PartyKind, keyof ChainNames>> = {
  key: 'keyHash',
  user: 'userId',
  team: 'teamId',
  organization: 'organizationId',
  end_user: 'endUserId',
};

function namesOf(kind: PartyKind, publicId: string): Partial<ChainNames> {
  const name = NAMED_IN_CHAINS[kind];
  return name ? { [name]: publicId } : {};
}
