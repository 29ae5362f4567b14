import type { IncomingHttpHeaders } from 'node:http';
import type { GeneralSettings } from '../config/config.js';
import type { AccessFacts, PartyKind } from '../policy/facts.js';
import { type BudgetExceededStatus, leadingProduct } from '../policy/budget-exceeded-status.js';

/** The part of an access that decides about the status. */
export interface RefusedCall {
  readonly facts: Pick<AccessFacts, 'parties'>;
  readonly request: { readonly headers: IncomingHttpHeaders };
}

/** Settings of the status of budgets' refusals. */
export type BudgetStatusSettings = Pick<GeneralSettings, 'budgetExceededStatus' | 'statusesByUserAgent'>;

/** Parties that may have a status of their own, the narrowest first. */
const PARTIES_WITH_STATUS: readonly PartyKind[] = ['key', 'team'];

/**
 * Returns the status of a budget's permanent refusal for this call: that of the key, else of its team, else of the client's user
 * agent, else `general_settings.budget_exceeded_status`.
 */
export function budgetStatusOf(
  { facts, request }: RefusedCall,
  { budgetExceededStatus, statusesByUserAgent }: BudgetStatusSettings,
): BudgetExceededStatus {
  for (const kind of PARTIES_WITH_STATUS) {
    const own = facts.parties.find((party) => party.kind === kind)?.rules?.budgetExceededStatus;
    if (own !== undefined) return own;
  }
  const { 'user-agent': userAgent, originator } = request.headers;
  const ofProduct = userAgent === undefined ? undefined : statusesByUserAgent.get(leadingProduct(userAgent));
  const ofOriginator =
    typeof originator === 'string' ? statusesByUserAgent.get(originator.toLowerCase()) : undefined;
  return ofProduct ?? ofOriginator ?? budgetExceededStatus;
}
