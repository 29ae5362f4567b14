import { Injectable } from '@nestjs/common';
import type { Scope } from '../policy/decision.js';
import type { BudgetWindow } from '../policy/facts.js';
import type { NanoUsd } from '../policy/money.js';
import type { LiveAccount } from './account.js';

/** An account somebody wants to hear about, and when. */
export interface WatchedAccount {
  readonly scope: Scope;
  readonly account: LiveAccount;
  readonly limitNanoUsd: NanoUsd | null;
  /** `soft_budget`: told, not enforced. */
  readonly softLimitNanoUsd: NanoUsd | null;
  readonly model?: string;
  readonly window?: BudgetWindow;
}

const MOST = 100_000;

/** Watched accounts on which something was held or settled since they were last looked at. */
@Injectable()
export class TouchedAccounts {
  private readonly moved = new Map<string, WatchedAccount>();
  private isWatched = false;

  /** From now on movements are kept for whoever takes them. */
  watch(): void {
    this.isWatched = true;
  }

  note(watched: readonly WatchedAccount[]): void {
    if (!this.isWatched || this.moved.size > MOST) return;
    for (const one of watched) this.moved.set(one.account.id, one);
  }

  take(): WatchedAccount[] {
    const taken = [...this.moved.values()];
    this.moved.clear();
    return taken;
  }
}
