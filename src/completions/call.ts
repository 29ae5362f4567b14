import type { FastifyReply } from 'fastify';
import type { CallAccess } from '../access/call-access.js';
import type { LlmRequest } from '../access/llm-request.js';
import type { RateLimit, RateLimitLease } from '../rate-limits/rate-limits.js';

/** A client's call, from the guards to the last byte of the response. */
export interface Call {
  readonly requestId: string;
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
  readonly reply: FastifyReply;
  readonly startedAt: number;
}
