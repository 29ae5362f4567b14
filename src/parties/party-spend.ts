import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { withTiers } from './with-tier.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { recordBulkChange } from '../database/audited-changes.js';
import { Database } from '../database/database.js';
import { furtherWindow, mainWindow, modelWindow } from './budget-windows.js';
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

/** Whose spending an administrator corrects. */
export interface Spender {
  readonly kind: PartyKind;
  /** Our internal id, its limits and its tier. */
  readonly row: Readonly<Limits> & { readonly id: string; readonly budgetId: string | null };
  /** What reports find it by. */
  readonly publicId: string;
  /** What its row is; absent for the proxy as a whole, which has none. */
  readonly entity?: new () => PartyRow;
}

/** What a party brings along. */
export interface Opening {
  readonly spentNanoUsd: NanoUsd;
  /** Null: nothing of it was spent in a window that is still open. */
  readonly window: BudgetWindowRule | null;
  readonly at: Date;
}

/** What a party has spent, as its views tell it and as administrators correct it: by audited entries of the ledger. */
@Injectable()
export class PartySpend {
  constructor(
    private readonly accounts: Accounts,
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG)
    private readonly config: { readonly litellm: Pick<Config['litellm'], 'timezone' | 'maxEndUserBudgetId'> },
  ) {}

  /** What is committed in its current window, or in all. */
  async of({ kind, row }: Spender): Promise<NanoUsd> {
    const account = this.shown(kind, row, this.clock());
    return nanoUsd((await this.accounts.spentOn([account])).get(account.id) ?? 0n);
  }

  /** Makes its spending this much: in its current window (or in all), and by as much in its other open windows and in all. */
  async set(tx: EntityManager, spender: Spender, spentNanoUsd: NanoUsd): Promise<void> {
    await this.accounts.correct(tx, await this.corrections(tx, [spender], spentNanoUsd));
  }

  /** Makes the spending of all of them nothing. */
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
   * Inside the transaction that makes a party: what it spent elsewhere before, as entries of `at`. It counts on its account
   * for ever, and on the window of `window` that is open now.
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
   * Makes a party owe what calls spent in its name while it had no row, inside the transaction that makes the row.
   * It counts for ever, and in no window: a window begins at nothing spent.
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
    const limits = await withTiers(
      tx,
      spenders.map(({ kind, row }) => ({ ...row, budgetId: row.budgetId ?? this.defaultTier(kind) })),
    );
    return spenders.map(({ kind, row, publicId, entity }, i) => {
      const account = this.shown(kind, row, now);
      const { budgetLimits, modelMaxBudget } = limits[i]!;
      const windows = [mainWindow(limits[i]!), ...(budgetLimits ?? []).map(furtherWindow)];
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

  private defaultTier(kind: PartyKind): string | null {
    return kind === 'end_user' ? (this.config.litellm.maxEndUserBudgetId ?? null) : null;
  }

  private shown(kind: PartyKind, row: Spender['row'], now: Date): AccountSpec {
    return this.account(kind, row.id, mainWindow(row), now);
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
