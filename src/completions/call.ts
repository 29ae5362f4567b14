import type { FastifyReply } from 'fastify';
import type { CallAccess } from '../access/call-access.js';
import type { LlmRequest } from '../access/llm-request.js';
import type { RateLimit, RateLimitLease } from '../rate-limits/rate-limits.js';

/** A client's call, from the guards to the last byte of the response. */
export interface Call {
  readonly requestId: string;
  /** The id that the client gave the call. It labels the entries of the ledger and comes back. */
  readonly clientCallId?: string | undefined;
  /** The access that the guards decided. It is replaced when a hold finds its facts stale. */
  access: CallAccess;
  readonly llm: LlmRequest;
  /** The value of the `Via` header to forward: the gateways that the call passed, this one last. */
  readonly via: string;
  /** The rate limits that count for the requested model. */
  readonly limits: readonly RateLimit[];
  /** The call's lease on `limits`. */
  readonly lease: RateLimitLease;
  /** Number of attempts that were sent upstream. */
  sent: number;
  /** Tokens that all attempts used so far. */
  usedTokens: number;
  /** Share of `usedTokens` that does not count on the limits of the requested model. */
  tokensOfOtherModels: number;
  /** Output limit that the gateway set for each answer of the last attempt. Undefined if it set none. */
  clampedTo?: number | undefined;
  /** Number of retries of the model that is tried now. */
  retries: number;
  /** The most retries of the model that is tried now. */
  maxRetries: number;
  /** Number of fallbacks that were tried. */
  fallbacks: number;
  /** The name of the model that is tried now. LiteLLM's model group. */
  modelGroup: string;
  /** Attempts that go on without their client. */
  readonly detached: Promise<void>[];
  readonly reply: FastifyReply;
  readonly startedAt: number;
}
