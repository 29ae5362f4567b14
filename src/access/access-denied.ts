import { HttpException } from '@nestjs/common';
import type { BudgetMeasure, Decision, DenialCode, Enforcer, Refusal, Scope } from '../policy/decision.js';
import { usdFromNanoUsd } from '../policy/money.js';
import type { RateFacts } from '../policy/rates.js';
import { rateHeaders, secondsUntil } from './rate-headers.js';

/** How each denial is told to an HTTP client. The compiler asks for a row when a code is added. */
const TOLD: Record<DenialCode, readonly [status: number, type: string]> = {
  credential_missing: [401, 'auth_error'],
  credential_malformed: [401, 'auth_error'],
  key_unknown: [401, 'token_not_found_in_db'],
  key_blocked: [401, 'auth_error'],
  key_expired: [401, 'expired_key'],
  token_invalid: [401, 'auth_error'],
  token_expired: [401, 'expired_key'],
  token_not_allowed: [403, 'auth_error'],
  route_not_allowed: [403, 'auth_error'],
  party_missing: [403, 'auth_error'],
  party_blocked: [403, 'auth_error'],
  request_malformed: [400, 'bad_request_error'],
  param_missing: [400, 'bad_request_error'],
  model_missing: [400, 'bad_request_error'],
  model_not_allowed: [403, 'model_access_denied'],
  model_unknown: [400, 'bad_request_error'],
  price_unknown: [403, 'model_cost_map_missing'],
  budget_exceeded: [429, 'budget_exceeded'],
  rate_limit_exceeded: [429, 'rate_limit_exceeded'],
};

/** `{key,team,user,org}_model_access_denied`: LiteLLM names the level in the type. */
const LEVEL: Partial<Record<Scope['kind'], string>> = {
  key: 'key',
  member: 'team',
  team: 'team',
  user: 'user',
  organization: 'org',
};

/** A refusal, for whoever asked. */
export class AccessDenied extends HttpException {
  constructor(
    readonly refusal: Refusal,
    budgetExceededStatus: number,
    private readonly tell?: () => void,
  ) {
    const { code, message, param = null } = refusal;
    const [usual, type] = TOLD[code];
    const status = code === 'budget_exceeded' ? budgetExceededStatus : usual;
    super({ message, type: typeOf(refusal, type), param, details: detailsOf(refusal) }, status);
  }

  /** The call ends with it: it is counted, and stands in the decision log. Not before: a call may go on with another model. */
  record(): this {
    this.tell?.();
    return this;
  }

  /** Clients must not retry what cannot change by itself, and are told when to retry what can. */
  get headers(): Record<string, string> {
    const { code, retryable, rate } = this.refusal;
    if (code !== 'budget_exceeded' && code !== 'rate_limit_exceeded') return {};
    return {
      ...(retryable ? { 'retry-after': String(secondsUntil(rate?.freeAt)) } : { 'x-should-retry': 'false' }),
      ...(rate && rateHeaders([rate])),
    };
  }
}

/** Turns a decision into an effect at one of its enforcement points: nothing, or the exception that ends the request. */
export function enforce(
  decision: Decision,
  enforcers: readonly Enforcer[],
  budgetExceededStatus: number,
): void {
  const { refusal } = decision;
  if (refusal && enforcers.includes(refusal.enforcer)) throw new AccessDenied(refusal, budgetExceededStatus);
}

/** `details` of a refusal, on the wire. */
export function detailsOf({ check, scope, budget, rate, retryable }: Refusal): Record<string, unknown> {
  return {
    check,
    ...(scope && { scope }),
    ...(budget && budgetDetails(budget)),
    ...(rate && rateDetails(rate)),
    retryable,
  };
}

/** The numbers of one budget, in USD. */
export function budgetDetails({
  limitNanoUsd,
  spentNanoUsd,
  heldNanoUsd,
  minimumNanoUsd,
  model,
  window,
}: BudgetMeasure) {
  return {
    limit: usdFromNanoUsd(limitNanoUsd),
    spent: usdFromNanoUsd(spentNanoUsd),
    held: usdFromNanoUsd(heldNanoUsd),
    needed: usdFromNanoUsd(minimumNanoUsd),
    ...(model !== undefined && { model }),
    ...(window && {
      window: { duration: window.duration, start: window.start.toISOString(), end: window.end.toISOString() },
      resets_at: window.end.toISOString(),
    }),
  };
}

/** The numbers of one rate limit. */
export function rateDetails({ unit, limit, used, model, freeAt }: RateFacts) {
  return {
    unit,
    limit,
    used,
    ...(model !== undefined && { model }),
    ...(freeAt && { resets_at: freeAt.toISOString() }),
  };
}

const typeOf = ({ code, scope }: Refusal, usual: string) =>
  code === 'model_not_allowed' ? `${(scope && LEVEL[scope.kind]) ?? 'key'}_${usual}` : usual;
