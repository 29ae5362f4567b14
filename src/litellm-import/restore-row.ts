import { windowAt } from '../calendar/windows.js';
import type { AuthoredRow } from '../database/authored-row.js';
import { mainWindow } from '../parties/budget-windows.js';
import type { Limits } from '../parties/limits-row.js';
import type { NanoUsd } from '../policy/money.js';
import type { Opening } from '../parties/party-spend.js';
import type { ImportWarnings } from './import-warnings.js';
import type { LitellmRow } from './litellm-database.js';

/** Who wrote a row that says nothing of it. */
export const IMPORTER = 'litellm-import';

/** A row here says who wrote it and when, as it did there. */
export function restoreAuthorship(
  row: AuthoredRow,
  { created_at, created_by, updated_at, updated_by }: LitellmRow,
): void {
  row.createdAt = (created_at as Date | null) ?? row.createdAt;
  row.createdBy = (created_by as string | null) || row.createdBy;
  row.updatedAt = (updated_at as Date | null) ?? row.createdAt;
  row.updatedBy = (updated_by as string | null) || row.createdBy;
}

/** When and where the clock is that windows go by. */
interface Restoring {
  readonly timeZone: string;
  readonly now: Date;
}

/** The window goes on to where LiteLLM would have reset it; one that LiteLLM should have reset already has ended. */
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
 * What a party spent before counts for ever, and in its window if that is the one it was spent in. Dated before anything
 * that is counted from now on.
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
