import type { AccessFacts, BudgetWindow, Party, PartyKind, TokenDenial } from './facts.js';
import type { NanoUsd } from './money.js';
import type { RateFacts } from './rates.js';

/** Stable, public names. Adding one is a feature; renaming one is a breaking change. */
export type DenialCode =
  | 'credential_missing'
  | 'credential_malformed'
  | 'key_unknown'
  | 'key_blocked'
  | 'key_expired'
  | TokenDenial
  | 'route_not_allowed'
  | 'party_missing'
  | 'party_blocked'
  | 'request_malformed'
  | 'param_missing'
  | 'model_missing'
  | 'model_not_allowed'
  | 'model_unknown'
  | 'price_unknown'
  | 'budget_exceeded'
  | 'rate_limit_exceeded';

/** An objection: a value, never an error. */
export interface Denial {
  readonly code: DenialCode;
  /** One sentence for the caller. No whole key, no secret, no SQL. */
  readonly message: string;
  readonly param?: string;
  readonly scope?: Scope;
  readonly budget?: BudgetMeasure;
  readonly rate?: RateFacts;
  /** Only others' holds or a rate limit are in the way: the same request may pass later. */
  readonly temporary?: boolean;
}

export interface Scope {
  readonly kind: PartyKind;
  readonly id: string;
}

/** The numbers behind a verdict about money, as they were when it was given. */
export interface BudgetMeasure {
  readonly scope: Scope;
  readonly limitNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
  readonly heldNanoUsd: NanoUsd;
  readonly minimumNanoUsd: NanoUsd;
  /** The budget is for calls of this model only. */
  readonly model?: string;
  readonly window?: BudgetWindow;
}

/** What one check says: its objections (none is a pass) and the numbers it looked at. */
interface Verdict {
  readonly denials: readonly Denial[];
  readonly budgets?: readonly BudgetMeasure[];
  readonly rates?: readonly RateFacts[];
}

export type Check = (facts: AccessFacts) => Verdict;

/** Who acts on a check's objection. The three stand in this order on every model route. */
export type Enforcer = 'AuthChecksGuard' | 'ModelAccessGuard' | 'hold';

export interface TraceStep extends Verdict {
  readonly check: string;
  readonly enforcer: Enforcer;
}

/** The answer and the reasoning: what every check said, in policy order. */
export interface Decision {
  readonly allowed: boolean;
  readonly trace: readonly TraceStep[];
  readonly refusal?: Refusal;
}

/** The one objection that is told, and whether trying again can help. */
export interface Refusal extends Denial {
  readonly check: string;
  readonly enforcer: Enforcer;
  /** True only if every objection is temporary. */
  readonly retryable: boolean;
}

export const PASS: Verdict = Object.freeze({ denials: Object.freeze([]) });

export const deny = (denial: Denial | undefined): Verdict => (denial ? { denials: [denial] } : PASS);

export const scopeOf = ({ kind, id }: Party): Scope => ({ kind, id });

/** What a party is called at the head of an objection. */
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
