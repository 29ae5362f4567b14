import { windowAt } from '../calendar/windows.js';
import type { AuthoredRow } from '../database/authored-row.js';
import { mainWindow } from '../parties/budget-windows.js';
import type { Limits } from '../parties/limits-row.js';
import type { NanoUsd } from '../policy/money.js';
import type { Opening } from '../parties/party-spend.js';
import type { ImportWarnings } from './import-warnings.js';
import type { LitellmRow } from './litellm-database.js';

/** Author of rows for which LiteLLM names none. */
export const IMPORTER = 'litellm-import';

/** Copies the authors and times of LiteLLM's row. */
export function restoreAuthorship(
  row: AuthoredRow,
  { created_at, created_by, updated_at, updated_by }: LitellmRow,
): void {
  row.createdAt = (created_at as Date | null) ?? row.createdAt;
  row.createdBy = (created_by as string | null) || row.createdBy;
  row.updatedAt = (updated_at as Date | null) ?? row.createdAt;
  row.updatedBy = (updated_by as string | null) || row.createdBy;
}

/** Time zone and time by which budget windows are computed. */
interface Restoring {
  readonly timeZone: string;
  readonly now: Date;
}

/**
 * Restores the budget window, so that it ends when LiteLLM would have reset it. A window that LiteLLM should have reset
 * already has ended.
 */
export function restoreWindow(
  row: Limits,
  { budget_reset_at, created_at }: LitellmRow,
  { timeZone, now }: Restoring,
  warnings: ImportWarnings,
): void {
  if (row.budgetDuration === null) return;
  const resetAt = budget_reset_at as Date | null;
  row.budgetAnchor = resetAt ?? (created_at as Date | null) ?? now;
  if (resetAt && resetAt <= now) return;
  const { start, end } = windowAt({ duration: row.budgetDuration, anchor: row.budgetAnchor }, timeZone, now);
  row.budgetSince = start;
  if (resetAt && resetAt.getTime() !== end.getTime())
    warnings.changed(
      `budget_reset_at: ${end.toISOString()} instead of ${resetAt.toISOString()}, by the calendar; what was spent counts until then`,
    );
}

/**
 * Returns the opening entry for a party's former spend. It counts on the lifetime account, and on the current window if it
 * was spent there. Its time is before all later spend.
 */
export function openingOf(
  limits: Readonly<Limits>,
  { spentNanoUsd, createdAt }: { readonly spentNanoUsd: NanoUsd; readonly createdAt: Date },
  { timeZone, now }: Restoring,
): Opening {
  const window = mainWindow(limits);
  const start = window && windowAt(window, timeZone, now).start;
  if (start && window.since <= start) return { spentNanoUsd, window, at: start };
  const before = new Date(now.getTime() - 1);
  return { spentNanoUsd, window: null, at: createdAt < before ? createdAt : before };
}
