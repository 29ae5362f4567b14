import { HttpException } from '@nestjs/common';
import type { BudgetExceededStatus } from '../policy/budget-exceeded-status.js';
import {
  type BudgetMeasure,
  DENIALS,
  type DenialKind,
  type Enforcer,
  type Refusal,
  type Scope,
} from '../policy/decision.js';
import { usdFromNanoUsd } from '../policy/money.js';
import type { RateFacts } from '../policy/rates.js';
import { type BudgetStatusSettings, budgetStatusOf, type RefusedCall } from './budget-status.js';
import type { CallAccess } from './call-access.js';
import { rateHeaders, secondsUntil } from './rate-headers.js';

/** HTTP status and type of each kind of denial. The compiler requires a row for every kind. */
const HTTP_STATUS: Record<DenialKind, readonly [status: number, type: string]> = {
  unauthenticated: [401, 'auth_error'],
  unknownKey: [401, 'token_not_found_in_db'],
  expired: [401, 'expired_key'],
  forbidden: [403, 'auth_error'],
  modelForbidden: [403, 'model_access_denied'],
  priceUnknown: [403, 'model_cost_map_missing'],
  malformed: [400, 'bad_request_error'],
  budgetExceeded: [429, 'budget_exceeded'],
  rateLimited: [429, 'rate_limit_exceeded'],
};

/** `{key,team,user,org}_model_access_denied`: LiteLLM names the level in the type. */
const LEVEL: Partial<Record<Scope['kind'], string>> = {
  key: 'key',
  member: 'team',
  team: 'team',
  user: 'user',
  organization: 'org',
};

/** Exception that sends a refusal to the caller. */
export class AccessDeniedException extends HttpException {
  constructor(
    readonly refusal: Refusal,
    budgetStatus: BudgetExceededStatus,
    private readonly onRecord?: () => void,
  ) {
    const { code, message, param = null } = refusal;
    const [, type] = HTTP_STATUS[DENIALS[code]];
    const status = statusOf(refusal, budgetStatus);
    super({ message, type: typeOf(refusal, type), param, details: detailsOf(refusal) }, status);
  }

  /** Counts and logs the refusal. Must run only when the call ends with it: a call may continue with another model. */
  record(): this {
    this.onRecord?.();
    return this;
  }

  /** Headers that tell a client when to retry, and how full its limits are. `http/error-response.ts` adds those of any error. */
  get headers(): Record<string, string> {
    const { retryable, rate } = this.refusal;
    return {
      ...(retryable && { 'retry-after': String(secondsUntil(rate?.freeAt)) }),
      ...(rate && rateHeaders([rate])),
    };
  }
}

/** Returns the status of a refusal. `budgetStatus`: that of a budget's permanent refusal (`budget-status.ts`). */
export function statusOf({ code, retryable }: Refusal, budgetStatus: BudgetExceededStatus): number {
  return code === 'budget_exceeded' && !retryable ? budgetStatus : HTTP_STATUS[DENIALS[code]][0];
}

/** Enforces a decision at one enforcement point. Throws `AccessDeniedException` if one of these enforcers has the refusal. */
export function enforce(
  access: RefusedCall & Pick<CallAccess, 'decision'>,
  enforcers: readonly Enforcer[],
  settings: BudgetStatusSettings,
): void {
  const { refusal } = access.decision;
  if (refusal && enforcers.includes(refusal.enforcer))
    throw new AccessDeniedException(refusal, budgetStatusOf(access, settings));
}

/** Returns the `details` of a refusal on the wire. */
export function detailsOf({
  check,
  scope,
  budget,
  rate,
  resetsAt,
  retryable,
}: Refusal): Record<string, unknown> {
  return {
    check,
    ...(scope && { scope }),
    ...(budget && budgetDetails(budget)),
    ...(rate && rateDetails(rate)),
    ...(resetsAt && { resets_at: resetsAt.toISOString() }),
    retryable,
  };
}

/** Returns the figures of one budget, in USD. */
export function budgetDetails({
  limitNanoUsd,
  spentNanoUsd,
  heldNanoUsd,
  minimumNanoUsd,
  call,
  model,
  window,
}: BudgetMeasure) {
  return {
    limit: usdFromNanoUsd(limitNanoUsd),
    spent: usdFromNanoUsd(spentNanoUsd),
    held: usdFromNanoUsd(heldNanoUsd),
    needed: usdFromNanoUsd(minimumNanoUsd),
    ...(call && { asked: usdFromNanoUsd(call.wantedNanoUsd), output_tokens: call.output }),
    ...(model !== undefined && { model }),
    ...(window && {
      window: { duration: window.duration, start: window.start.toISOString(), end: window.end.toISOString() },
      resets_at: window.end.toISOString(),
    }),
  };
}

/** Returns the figures of one rate limit. */
export function rateDetails({ unit, limit, used, model, freeAt, needed, bound }: RateFacts) {
  return {
    unit,
    limit,
    used,
    ...(needed !== undefined && { needed, may_use: bound }),
    ...(model !== undefined && { model }),
    ...(freeAt && { resets_at: freeAt.toISOString() }),
  };
}

const typeOf = ({ code, scope }: Refusal, usual: string) =>
  code === 'model_not_allowed' ? `${(scope && LEVEL[scope.kind]) ?? 'key'}_${usual}` : usual;
