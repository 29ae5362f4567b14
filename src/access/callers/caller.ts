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

/** One limit as configured, before its window is computed. */
export interface BudgetConfig {
  /** Null: the window is billed but has no limit. */
  readonly limitNanoUsd: NanoUsd | null;
  /** Null: a lifetime budget. */
  readonly window: BudgetWindowRule | null;
  readonly increase?: TemporaryIncrease;
  /** `soft_budget`: triggers an alert and refuses nothing. */
  readonly softLimitNanoUsd?: NanoUsd | null;
}

/** A party as its rows describe it. */
export interface PartyConfig extends Omit<Party, 'budgets'> {
  /** Internal id that accounts are named by. */
  readonly scopeId: string;
  readonly budgets: readonly BudgetConfig[];
  /** Further budgets for single models, by model name. */
  readonly modelBudgets: ReadonlyMap<string, BudgetConfig>;
  readonly rates: readonly RateLimit[];
  /** True if its budgets refuse no call. It is billed nevertheless. */
  readonly budgetsLifted?: boolean;
}

/** Everything the rows say about one caller, end user or tag. Built once, and used until one of the rows changes. */
export interface Snapshot {
  readonly parties: readonly PartyConfig[];
  /** Cache keys of the rows behind it. */
  readonly cacheKeys: readonly CacheKey[];
  /** Revision of each row, if other processes may change the rows. */
  readonly rowRevisions: ReadonlyMap<CacheKey, number>;
  /** Time at which it must be read again even without a change, in epoch milliseconds. */
  readonly expiresAtMs: number;
  /** True if there is no row yet. The snapshot shows what the row would be, and nothing may be billed to it. */
  readonly isProvisional?: boolean;
  /** The last change epoch at which the snapshot was valid. */
  verifiedAtEpoch: number;
}

/** A key, a token or the master key, with every party behind it. */
export interface CallerSnapshot extends Snapshot {
  readonly credential: Extract<CredentialFacts, { kind: 'key' | 'token' | 'master' }>;
  readonly names: Omit<ChainNames, 'endUserId'>;
  /** Value of `created_by` in the rows that the caller writes. */
  readonly callerId: string;
  /** Tags of the key and its team. Every call has them. */
  readonly tags: readonly string[];
  /** `spend_logs_metadata` of the key and its team: labels of every call. Absent if neither has any. */
  readonly spendLogsMetadata?: Readonly<Record<string, unknown>>;
  /** Id of a token's caller: the token and the team it acts for. */
  readonly tokenId?: string;
  /** The token and its owners, for the caller of a token. */
  readonly token?: { readonly verified: VerifiedToken; readonly owners: Owners };
  /** The end user that the credential names. No request can name another. */
  readonly endUserId?: string;
  /** `enforced_params` of the key, its user and its team; absent if none of them has any. */
  readonly enforcedParams?: readonly string[];
  readonly teamAliases: Readonly<Record<string, string>>;
  readonly keyAliases: Readonly<Record<string, string>>;
  /** Billing contexts of this caller, by end user, tags with a row and, if a budget is for one model, the model. */
  readonly billingContexts: BoundedMap<string, BillingContext>;
}
