import { windowAt, windowId, type WindowRule } from '../calendar/windows.js';
import type { AccountState, BudgetWindow, PartyKind } from '../policy/facts.js';
import type { NanoUsd } from '../policy/money.js';

/** Whose an account is: a party's, or a party's for one model. */
export type ScopeKind = PartyKind | `${PartyKind}+model`;

/** What an account is for: one scope, for ever or in one window. */
export interface AccountSpec {
  readonly id: string;
  readonly scopeKind: ScopeKind;
  /** Our internal immutable id of the scope; `<id>/<model>` of one for a model. */
  readonly scopeId: string;
  readonly windowId: string;
  readonly window?: BudgetWindow;
  /** Of a window: spending of its scope from here on counts, also if it was before the window was configured. */
  readonly countsFrom?: Date;
}

/** A budget window as configured. */
export interface BudgetWindowRule extends WindowRule {
  /** Spending before this instant never counts: when the party first got a window. */
  readonly since: Date;
}

/** The `windowId` of an account that never starts again. */
export const LIFETIME = 'endless';

/** Names the proxy as a whole among scopes of kind `global`. */
export const GLOBAL_ID = 'proxy';

/** The endless account every scope has beside its windows. */
export function lifetimeAccount(scopeKind: ScopeKind, scopeId: string): AccountSpec {
  return { id: `${scopeKind}/${scopeId}/${LIFETIME}/0`, scopeKind, scopeId, windowId: LIFETIME };
}

/** The account of the window that is open at `now`. */
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

/** An account in memory. Only the spend room changes it. */
export interface LiveAccount extends AccountState {
  readonly spec: AccountSpec;
  spentNanoUsd: NanoUsd;
  heldNanoUsd: NanoUsd;
  /** Entries whose hold or settlement is not committed yet: it must stay in memory. */
  unsettled: number;
}
