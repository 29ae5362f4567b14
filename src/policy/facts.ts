import type { GroupLevels } from './group-levels.js';
import type { ModelList, ModelNames } from './model-list.js';
import type { NanoUsd } from './money.js';
import type { RateFacts } from './rates.js';
import type { RouteList } from './routes.js';
import type { HoldDemand } from './hold-demand.js';

/** Everything a decision may look at. Plain data: no promises, no clock, no rows. */
export interface AccessFacts {
  readonly now: Date;
  readonly credential: CredentialFacts;
  readonly route: RouteFacts;
  /** Who stands behind the request, in the order their objections are told. */
  readonly parties: readonly Party[];
  /** Every rate limit behind the request. */
  readonly rates: readonly RateFacts[];
  /** What is asked for. Absent on routes that call no model. */
  readonly request?: RequestFacts | undefined;
  /** `unknownUntilHold`: what is spent and held only the hold will know; until then budgets are not asked. */
  readonly balances: 'known' | 'unknownUntilHold';
  readonly settings: PolicySettings;
}

export type Role =
  | 'proxy_admin'
  | 'proxy_admin_viewer'
  | 'org_admin'
  | 'internal_user'
  | 'internal_user_viewer'
  | 'team'
  | 'customer';

/** What was presented at the door, and what it turned out to be. There is no default identity. */
export type CredentialFacts =
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly reason: string }
  /** `hint` shows at most the last four characters. */
  | { readonly kind: 'unknown'; readonly hint: string }
  /** A token (JWT) that is not, or no longer, worth anything here. */
  | { readonly kind: 'refused'; readonly code: TokenDenial; readonly reason: string }
  | { readonly kind: 'master'; readonly role: 'proxy_admin' }
  | {
      readonly kind: 'token';
      readonly role: Role;
      /** What the token itself is limited to: every list must allow. */
      readonly routes: readonly RouteList[];
    }
  | {
      readonly kind: 'key';
      readonly role: Role;
      readonly hint: string;
      readonly blocked: boolean;
      readonly expiresAt: Date | null;
      /** The key's own `allowed_routes`; `'any'` when it names none. */
      readonly allowedRoutes: RouteList;
    };

export type TokenDenial = 'token_invalid' | 'token_expired' | 'token_not_allowed';

export interface RouteFacts {
  /** The path as called, without the query. */
  readonly path: string;
  readonly method: string;
  /** Who may knock beside `proxy_admin`, whatever route lists say. */
  readonly roles: 'any' | readonly Role[];
  /** It spends money: budgets and model access apply. */
  readonly callsModel: boolean;
}

/** `token`: what a token is limited to by itself; it is not billed. */
export type PartyKind =
  'key' | 'token' | 'member' | 'team' | 'user' | 'organization' | 'end_user' | 'tag' | 'global';

/** Anyone behind a request who can be blocked, limited or billed. */
export interface Party {
  readonly kind: PartyKind;
  /** The id operators know: `team_id`, `user_id` …; for a key its alias or `sk-...` and four characters. */
  readonly id: string;
  /** False when the key names a party that is not there (any more). */
  readonly exists: boolean;
  readonly blocked: boolean;
  readonly models: ModelList;
  /**
   * What `budgetsHaveRoom` asks. They come this way: `FactsLoader` takes the standing of a caller (`access/callers/billing-context.ts`), made
   * from its parties (`access/callers/party-config.ts`), whose limits are their rows' and their tiers' (`parties/with-tier.ts`).
   */
  readonly budgets: readonly BudgetFacts[];
  /** Absent where the row brings none. */
  readonly rules?: PartyRules;
}

/**
 * Facts that single fields of a party's row bring to single checks. A declared field names the one it makes
 * (`parties/fields/field.ts`); no other code needs to know it.
 */
export interface PartyRules {
  // Empty until a field brings a fact.
}

/** One limit on one account, and how full that account is at this instant. */
export interface BudgetFacts {
  readonly limitNanoUsd: NanoUsd;
  /** The budget is for calls of this model only. */
  readonly model?: string;
  /** Absent for an endless account. */
  readonly window?: BudgetWindow;
  readonly account: AccountState;
}

export interface BudgetWindow {
  /** As configured: `30d`, `1mo`. */
  readonly duration: string;
  readonly start: Date;
  readonly end: Date;
}

export interface AccountState {
  readonly id: string;
  readonly spentNanoUsd: NanoUsd;
  readonly heldNanoUsd: NanoUsd;
}

/** The body, as far as the rules care. Read before any validation, so it may carry a problem instead. */
export interface RequestFacts {
  readonly problem?: { readonly message: string; readonly param: string | null } | undefined;
  /** Absent when the client named none. */
  readonly model?: ModelFacts | undefined;
  /** Every model the client names as a fallback. */
  readonly fallbacks: readonly ModelFacts[];
  /** The top-level members the required-parameter rules ask about, parsed. */
  readonly params: Readonly<Record<string, unknown>>;
}

export interface ModelFacts {
  /** As the client wrote it. */
  readonly requested: string;
  /** After all aliases: the name that will be called. */
  readonly name: string;
  /** A deployment serves it. */
  readonly known: boolean;
  /** The team it was made for, whose list need not name it. */
  readonly ofTeam?: string;
  /** The spellings asked of key, member and team. */
  readonly aliasedNames: ModelNames;
  /** The spellings asked of user, organization and everyone wider: no alias a team or key made up. */
  readonly globalNames: ModelNames;
  /** The access groups of each deployment that serves it; absent where they are in the same ones. */
  readonly deploymentGroups?: readonly (readonly string[])[];
  /** Set where levels let it in by access groups alone: only deployments in a group of each serve the call. */
  readonly within?: GroupLevels;
  readonly price: 'free' | 'priced' | 'unknown';
  /** The most tokens the call can use, prompt and answers. */
  readonly boundTokens: number;
  /** What calling it would hold; undefined for a model that is free or has no price. */
  readonly demand?: HoldDemand | undefined;
}

interface PolicySettings {
  /** `general_settings.enforce_user_param` */
  readonly enforceUserParam: boolean;
  /** `general_settings.enforced_params`: dotted paths. */
  readonly enforcedParams: readonly string[];
}
