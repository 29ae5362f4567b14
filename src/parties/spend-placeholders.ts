import { randomUUID } from 'node:crypto';
import type { Limits } from './limits-row.js';
import type { PartyKind } from '../policy/facts.js';

const NONCE = randomUUID();

/** What a cached view leaves open: figures that are true only at the instant they are told. */
export interface FigurePlaceholder {
  readonly figure: 'spend' | 'budget_reset_at';
  readonly kind: PartyKind;
  readonly id: string;
  readonly duration: string | null;
  readonly anchorMs: number | null;
  readonly sinceMs: number | null;
}

type Limited = Pick<Limits, 'budgetDuration' | 'budgetAnchor' | 'budgetSince'>;

/**
 * Stands in a view for what a party spent (in its current budget window, if it has one). The views are cached;
 * `CurrentSpendInterceptor` puts the number in on the way out. Recognised by a nonce of this process, so no stored
 * text can pretend to be one.
 */
export function spendPlaceholder(kind: PartyKind, row: { readonly id: string } & Limited): number {
  return marker('spend', kind, row.id, row) as unknown as number;
}

/** Stands in a view for the end of a party's current budget window; null without one. */
export function budgetResetPlaceholder(row: Limited): string | null {
  return row.budgetDuration === null ? null : marker('budget_reset_at', 'global', '', row);
}

function marker(figure: FigurePlaceholder['figure'], kind: PartyKind, id: string, limits: Limited): string {
  const { budgetDuration: duration, budgetAnchor: anchor, budgetSince: since } = limits;
  return (
    NONCE +
    JSON.stringify({
      figure,
      kind,
      id,
      duration,
      anchorMs: anchor?.getTime() ?? null,
      sinceMs: since?.getTime() ?? null,
    } satisfies FigurePlaceholder)
  );
}

/** The figure a view's value stands for; `undefined` for an ordinary value. */
export function figurePlaceholder(value: unknown): FigurePlaceholder | undefined {
  return typeof value === 'string' && value.startsWith(NONCE)
    ? (JSON.parse(value.slice(NONCE.length)) as FigurePlaceholder)
    : undefined;
}
