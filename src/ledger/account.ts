import { windowAt, windowId, type WindowRule } from '../calendar/windows.js';
import type { AccountState, BudgetWindow, PartyKind } from '../policy/facts.js';
import type { NanoUsd } from '../policy/money.js';

/** The kind of scope that owns an account: a party, or a party for one model. */
export type ScopeKind = PartyKind | `${PartyKind}+model`;

/** The identity of an account: one scope, for its lifetime or in one window. */
export interface AccountSpec {
  readonly id: string;
  readonly scopeKind: ScopeKind;
  /** The internal, immutable id of the scope. An account for one model has `<id>/<model>`. */
  readonly scopeId: string;
  readonly windowId: string;
  readonly window?: BudgetWindow;
  /** Start of the spend that counts in this window, also if the window was configured later. */
  readonly countsFrom?: Date;
}

/** A budget window as configured. */
export interface BudgetWindowRule extends WindowRule {
  /** Spend before this instant never counts. It is when the party first got a window. */
  readonly since: Date;
}

/** The `windowId` of an account that never resets. */
export const LIFETIME = 'endless';

/** Names the proxy as a whole among scopes of kind `global`. */
export const GLOBAL_ID = 'proxy';

/** Returns the lifetime account, which every scope has beside its windows. */
export function lifetimeAccount(scopeKind: ScopeKind, scopeId: string): AccountSpec {
  return { id: `${scopeKind}/${scopeId}/${LIFETIME}/0`, scopeKind, scopeId, windowId: LIFETIME };
}

/** Returns the account of the window that is open at `now`. */
export function windowAccount(
  scopeKind: ScopeKind,
  scopeId: string,
  { duration, anchor, since }: BudgetWindowRule,
  timeZone: string,
  now: Date,
): AccountSpec {
  const window = windowAt({ duration, anchor }, timeZone, now);
  const id = windowId({ duration, anchor }, timeZone);
  return {
    id: `${scopeKind}/${scopeId}/${id}/${window.start.getTime()}`,
    scopeKind,
    scopeId,
    windowId: id,
    window,
    countsFrom: since > window.start ? since : window.start,
  };
}

/** An account in memory. Only this folder changes it. */
export interface LiveAccount extends AccountState {
  readonly spec: AccountSpec;
  spentNanoUsd: NanoUsd;
  heldNanoUsd: NanoUsd;
  /** The number of entries whose hold or settlement is not committed yet. Above zero, the account stays in memory. */
  unsettled: number;
}
