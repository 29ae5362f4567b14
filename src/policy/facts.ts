import type { WeeklyHours } from './allowed-hours.js';
import type { BudgetExceededStatus } from './budget-exceeded-status.js';
import type { GroupLevels } from './group-levels.js';
import type { ModelList, ModelNames } from './model-list.js';
import type { NanoUsd } from './money.js';
import type { CallTokens, RateFacts } from './rates.js';
import type { RouteList } from './routes.js';
import type { HoldDemand } from './hold-demand.js';

/** Everything that a decision may read. Plain data: no promises, no clock, no rows. */
export interface AccessFacts {
  readonly now: Date;
  readonly credential: CredentialFacts;
  readonly route: RouteFacts;
  /** Parties behind the request, in the order in which their denials count. */
  readonly parties: readonly Party[];
  /** Every rate limit behind the request. */
  readonly rates: readonly RateFacts[];
  /** The requested model and parameters. Absent on routes that call no model. */
  readonly request?: RequestFacts | undefined;
  /** `unknownUntilHold`: only the hold knows what is spent and held; the budget check passes. */
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

/** The credential of the request, and what it turned out to be. There is no default identity. */
export type CredentialFacts =
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly reason: string }
  /** `hint` shows at most the last four characters. */
  | { readonly kind: 'unknown'; readonly hint: string }
  /** A token (JWT) that is invalid, or no longer valid. */
  | { readonly kind: 'refused'; readonly code: TokenDenial; readonly reason: string }
  | { readonly kind: 'master'; readonly role: 'proxy_admin' }
  | {
      readonly kind: 'token';
      readonly role: Role;
      /** Model lists of the token itself. Every list must allow the model. */
      readonly routes: readonly RouteList[];
    }
  | {
      readonly kind: 'key';
      readonly role: Role;
      readonly hint: string;
      readonly blocked: boolean;
      readonly expiresAt: Date | null;
      /** The key's own `allowed_routes`; `'any'` if it has none. */
      readonly allowedRoutes: RouteList;
    };

export type TokenDenial = 'token_invalid' | 'token_expired' | 'token_not_allowed';

export interface RouteFacts {
  /** The path as called, without the query. */
  readonly path: string;
  readonly method: string;
  /** Roles that may call the route beside `proxy_admin`, whatever route lists say. */
  readonly roles: 'any' | readonly Role[];
  /** Address of the client, if `general_settings.allowed_ips` refuses it. Absent if the proxy accepts the address. */
  readonly refusedAddress?: string | undefined;
  /** The route spends money: budgets and model access apply. */
  readonly callsModel: boolean;
}

/** `token`: the limits of a token itself. It is not billed. */
export type PartyKind =
  'key' | 'token' | 'member' | 'team' | 'user' | 'organization' | 'end_user' | 'tag' | 'global';

/** A party behind a request: it can be blocked, limited or billed. */
export interface Party {
  readonly kind: PartyKind;
  /** The id that operators know: `team_id`, `user_id` …; for a key its alias, or `sk-...` and four characters. */
  readonly id: string;
  /** False if the key names a party that does not exist. */
  readonly exists: boolean;
  readonly blocked: boolean;
  readonly models: ModelList;
  /**
   * The budgets that `budgetsHaveRoom` checks. `FactsLoader` takes them from the caller's billing context
   * (`access/callers/billing-context.ts`), which is made of its parties (`access/callers/party-config.ts`). Their limits
   * come from their rows and tiers (`parties/with-tier.ts`).
   */
  readonly budgets: readonly BudgetFacts[];
  /** Absent where the row has none. */
  readonly rules?: PartyRules | undefined;
}

/**
 * Facts that single fields of a party's row give to single checks. A declared field names its fact
 * (`parties/fields/field.ts`); no other code knows it.
 */
export interface PartyRules {
  readonly allowedHours?: WeeklyHours;
  readonly budgetExceededStatus?: BudgetExceededStatus;
}

/** One limit on one account, and the balance of that account at this instant. */
export interface BudgetFacts {
  readonly limitNanoUsd: NanoUsd;
  /** The budget counts calls of this model only. */
  readonly model?: string;
  /** Absent for an account without a window. */
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

/** The body, as far as the rules read it. It is read before any validation, so it may carry a problem instead. */
export interface RequestFacts {
  readonly problem?: { readonly message: string; readonly param: string | null } | undefined;
  /** Absent if the client named none. */
  readonly model?: ModelFacts | undefined;
  /** Every model that the client names as a fallback. */
  readonly fallbacks: readonly ModelFacts[];
  /** The top-level members that the rules for required parameters read, parsed. */
  readonly params: Readonly<Record<string, unknown>>;
}

export interface ModelFacts extends CallTokens {
  /** The name as the client wrote it. */
  readonly requested: string;
  /** The name after all aliases: the model that will be called. */
  readonly name: string;
  /**
   * A second name of the same model, whose limits count, too: `<provider>/<name>` beside a bare name that a provider's
   * wildcard serves, and the other way round; the public name of a deployment that is called by its id.
   */
  readonly otherName?: string;
  /** A deployment serves it. */
  readonly known: boolean;
  /** Public names that this caller may call instead of an unknown name, which is the provider's. */
  readonly publicNames?: readonly string[];
  /** Names of access groups by their ids, for messages. */
  readonly groupNames?: ReadonlyMap<string, string>;
  /** The team that owns the model. Its list need not name the model. */
  readonly ofTeam?: string;
  /** Names by which the lists of key, member and team may allow it. */
  readonly aliasedNames: ModelNames;
  /** Names by which the lists of user, organization and proxy may allow it: without aliases of teams and keys. */
  readonly globalNames: ModelNames;
  /** The access groups of each deployment that serves it; absent if all are in the same groups. */
  readonly deploymentGroups?: readonly (readonly string[])[];
  /** Set where levels allow the model by access groups alone: only deployments in a group of each level serve the call. */
  readonly within?: GroupLevels;
  readonly price: 'free' | 'priced' | 'unknown';
  /** The money the call would hold; undefined for a model that is free or has no price. */
  readonly demand?: HoldDemand | undefined;
}

interface PolicySettings {
  /** `general_settings.enforce_user_param` */
  readonly enforceUserParam: boolean;
  /** `general_settings.enforced_params`: dotted paths. */
  readonly enforcedParams: readonly string[];
  /** `general_settings.allowed_routes`: the only routes that a caller may call. Absent: all. */
  readonly allowedRoutes?: RouteList;
  /** `general_settings.admin_only_routes`: routes that only proxy admins may call. */
  readonly adminOnlyRoutes?: RouteList;
}
