import { Injectable } from '@nestjs/common';
import type { Scope } from '../policy/decision.js';
import type { BudgetWindow } from '../policy/facts.js';
import type { NanoUsd } from '../policy/money.js';
import type { LiveAccount } from './account.js';

/** An account that alerts watch, and its limits. */
export interface WatchedAccount {
  readonly scope: Scope;
  readonly account: LiveAccount;
  readonly limitNanoUsd: NanoUsd | null;
  /** `soft_budget`: raises an alert, is not enforced. */
  readonly softLimitNanoUsd: NanoUsd | null;
  readonly model?: string;
  readonly window?: BudgetWindow;
}

const MAX_TOUCHED = 100_000;

/** Watched accounts with a hold or settlement since the last `drain`. */
@Injectable()
export class TouchedAccounts {
  private readonly touched = new Map<string, WatchedAccount>();
  private isWatched = false;

  /** Starts to collect touched accounts. */
  watch(): void {
    this.isWatched = true;
  }

  record(watched: readonly WatchedAccount[]): void {
    if (!this.isWatched || this.touched.size > MAX_TOUCHED) return;
    for (const account of watched) this.touched.set(account.account.id, account);
  }

  drain(): WatchedAccount[] {
    const accounts = [...this.touched.values()];
    this.touched.clear();
    return accounts;
  }
}
