import type { AccessFacts, BudgetWindow, Party, PartyKind } from './facts.js';
import type { OutputFigures } from './hold-demand.js';
import type { NanoUsd } from './money.js';
import type { RateFacts } from './rates.js';

/** The ways a client has to take a denial; `access/access-denied.exception.ts` has the HTTP status of each. */
export type DenialKind =
  | 'unauthenticated'
  | 'unknownKey'
  | 'expired'
  | 'forbidden'
  | 'modelForbidden'
  | 'priceUnknown'
  | 'malformed'
  | 'budgetExceeded'
  | 'rateLimited';

/** Stable, public names of denials. Adding one is a feature; renaming one is a breaking change. */
export const DENIALS = {
  credential_missing: 'unauthenticated',
  credential_malformed: 'unauthenticated',
  key_unknown: 'unknownKey',
  key_blocked: 'unauthenticated',
  key_expired: 'expired',
  token_invalid: 'unauthenticated',
  token_expired: 'expired',
  token_not_allowed: 'forbidden',
  address_not_allowed: 'forbidden',
  route_not_allowed: 'forbidden',
  party_missing: 'forbidden',
  party_blocked: 'forbidden',
  outside_allowed_hours: 'forbidden',
  request_malformed: 'malformed',
  param_missing: 'malformed',
  model_missing: 'malformed',
  model_not_allowed: 'modelForbidden',
  model_unknown: 'malformed',
  price_unknown: 'priceUnknown',
  budget_exceeded: 'budgetExceeded',
  rate_limit_exceeded: 'rateLimited',
} as const satisfies Record<string, DenialKind>;

export type DenialCode = keyof typeof DENIALS;

/** The denial of a check: a value, never an error. */
export interface Denial {
  readonly code: DenialCode;
  /** One sentence for the caller. It contains no whole key, no secret, no SQL. */
  readonly message: string;
  readonly param?: string;
  readonly scope?: Scope;
  readonly budget?: BudgetMeasure;
  readonly rate?: RateFacts;
  /** Only other calls' holds or a rate limit deny it: the same request may pass later. */
  readonly temporary?: boolean;
  /** When the cause ends by itself; budgets and rate limits say so in their own numbers. */
  readonly resetsAt?: Date;
}

export interface Scope {
  readonly kind: PartyKind;
  readonly id: string;
}

/** The numbers behind a decision about money, as they were at that time. */
export interface BudgetMeasure {
  readonly scope: Scope;
  readonly limitNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
  readonly heldNanoUsd: NanoUsd;
  readonly minimumNanoUsd: NanoUsd;
  /** Set in a denial: the whole bound of the call, and its output limits. `fits`: with this budget alone. */
  readonly call?: { readonly wantedNanoUsd: NanoUsd; readonly output: OutputFigures };
  /** The budget counts calls of this model only. */
  readonly model?: string;
  readonly window?: BudgetWindow;
}

/** The result of one check: its denials (none is a pass) and the numbers it read. */
interface Verdict {
  readonly denials: readonly Denial[];
  readonly budgets?: readonly BudgetMeasure[];
  readonly rates?: readonly RateFacts[];
}

export type Check = (facts: AccessFacts) => Verdict;

/** The component that acts on a check's denial. The three stand in this order on every model route. */
export type Enforcer = 'AuthChecksGuard' | 'ModelAccessGuard' | 'hold';

export interface TraceStep extends Verdict {
  readonly check: string;
  readonly enforcer: Enforcer;
}

/** The decision and its reasons: the result of every check, in policy order. */
export interface Decision {
  readonly allowed: boolean;
  readonly trace: readonly TraceStep[];
  readonly refusal?: Refusal;
}

/** The one denial that the caller receives, and whether trying again can help. */
export interface Refusal extends Denial {
  readonly check: string;
  readonly enforcer: Enforcer;
  /** True only if every denial is temporary. */
  readonly retryable: boolean;
}

export const PASS: Verdict = Object.freeze({ denials: Object.freeze([]) });

export const deny = (denial: Denial | undefined): Verdict => (denial ? { denials: [denial] } : PASS);

export const scopeOf = ({ kind, id }: Pick<Party, 'kind' | 'id'>): Scope => ({ kind, id });

/** Name of each kind of party at the start of a denial's sentence. */
export const PARTY_LABEL: Readonly<Record<PartyKind, string>> = {
  key: 'Key',
  token: 'Token',
  member: 'Team member',
  team: 'Team',
  user: 'User',
  organization: 'Organization',
  end_user: 'End User',
  tag: 'Tag',
  global: 'Proxy',
};
