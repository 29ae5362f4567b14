import type { BoundedMap } from '../../cache/bounded-map.js';
import type { CacheKey } from '../../cache/change-epochs.js';
import type { RateLimit } from '../../rate-limits/rate-limits.js';
import type { Owners } from '../../jwt/identity-resolver.js';
import type { VerifiedToken } from '../../jwt/token-verifier.js';
import type { TemporaryIncrease } from '../../parties/temporary-increase.js';
import type { CredentialFacts, Party } from '../../policy/facts.js';
import type { NanoUsd } from '../../policy/money.js';
import type { BudgetWindowRule } from '../../ledger/account.js';
import type { ChainNames } from '../../ledger/billing-chain.js';
import type { BillingContext } from './billing-context.js';

/** One limit as configured, before it meets a clock. */
export interface BudgetConfig {
  /** Null: the window is billed but has no limit. */
  readonly limitNanoUsd: NanoUsd | null;
  /** Null: endless. */
  readonly window: BudgetWindowRule | null;
  readonly increase?: TemporaryIncrease;
  /** `soft_budget`: somebody wants to hear of it; nothing is refused. */
  readonly softLimitNanoUsd?: NanoUsd | null;
}

/** A party as its rows describe it. */
export interface PartyConfig extends Omit<Party, 'budgets'> {
  /** Our internal id: what accounts are named by. */
  readonly scopeId: string;
  readonly budgets: readonly BudgetConfig[];
  /** Further budgets that count for one model only, by its name. */
  readonly modelBudgets: ReadonlyMap<string, BudgetConfig>;
  readonly rates: readonly RateLimit[];
  /** Its refusal is lifted; it is billed all the same. */
  readonly budgetsLifted?: boolean;
}

/** Everything the rows say about one caller, end user or tag. Built once and used until one of the rows changes. */
export interface Snapshot {
  readonly parties: readonly PartyConfig[];
  /** The rows it is built from. */
  readonly cacheKeys: readonly CacheKey[];
  /** The revision of each row, where other processes may change them. */
  readonly rowRevisions: ReadonlyMap<CacheKey, number>;
  /** Epoch milliseconds at which it must be read again, whatever changed. */
  readonly expiresAtMs: number;
  /** There is no row yet: this is what it would be, and nothing may be billed to it. */
  readonly isProvisional?: boolean;
  /** The last change epoch at which it was known to be true. */
  verifiedAtEpoch: number;
}

/** A key, a token or the master key, and everyone behind it. */
export interface CallerSnapshot extends Snapshot {
  readonly credential: Extract<CredentialFacts, { kind: 'key' | 'token' | 'master' }>;
  readonly names: Omit<ChainNames, 'endUserId'>;
  /** What goes into `created_by`. */
  readonly callerId: string;
  /** Of the key and its team: every call carries them. */
  readonly tags: readonly string[];
  /** A token's, by the token and the team it acts for. */
  readonly tokenId?: string;
  /** The token that a token's caller was read by, and its owners. */
  readonly token?: { readonly verified: VerifiedToken; readonly owners: Owners };
  /** The end user the credential itself names; no request names another. */
  readonly endUserId?: string;
  /** `enforced_params` of the key, its user and its team; absent: none of them has any. */
  readonly enforcedParams?: readonly string[];
  readonly teamAliases: Readonly<Record<string, string>>;
  readonly keyAliases: Readonly<Record<string, string>>;
  /** The caller's standing at this time, by end user, tags that have a row and, where a budget is for one, model. */
  readonly billingContexts: BoundedMap<string, BillingContext>;
}
