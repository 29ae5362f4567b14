import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccessDeniedException } from '../access/access-denied.exception.js';
import type { CallAccess } from '../access/call-access.js';
import { CallAuthorizer } from '../access/call-authorizer.js';
import { CalledNames } from '../access/called-names.js';
import { RateLimits, type LeaseResult } from '../rate-limits/rate-limits.js';
import { CLAMPED_HEADER } from './response-headers.js';
import type { Call } from './call.js';
import { GracefulShutdown } from './graceful-shutdown.js';
import { FallbackLoop } from './fallback-loop.js';
import { LoadShedder } from './load-shedder.js';
import { viaHeader } from './upstream/loop-detection.js';

/** Runs a call that the guards let in: leases the rate limits, then tries models until one answers. */
@Injectable()
export class CompletionsService {
  constructor(
    private readonly authorizer: CallAuthorizer,
    private readonly calledNames: CalledNames,
    private readonly rateLimits: RateLimits,
    private readonly fallbacks: FallbackLoop,
    private readonly loadShedder: LoadShedder,
    private readonly shutdown: GracefulShutdown,
  ) {}

  /** Runs the call and writes the response to the raw reply. Rejects with the client's error if nothing was sent yet. */
  complete(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { access } = request;
    if (this.shutdown.isUnderWay)
      throw new ServiceUnavailableException({ message: 'The gateway is shutting down. Try again.' });
    // The load is checked again: calls that the guards let in at the same time did not see each other.
    const overload = this.loadShedder.overload();
    if (overload) throw overload;
    const via = viaHeader(request.headers.via);
    const recorded = this.calledNames.record(access!);
    const running = recorded
      ? recorded.then((newer) => this.start(newer, request.id, reply, via))
      : this.start(access!, request.id, reply, via);
    this.loadShedder.calls.add(running);
    return running.finally(() => this.loadShedder.calls.delete(running));
  }

  /** Leases the rate limits, then runs the call. */
  private start(access: CallAccess, requestId: string, reply: FastifyReply, via: string): Promise<void> {
    const result = this.rateLimits.acquire(access.rates ?? [], access.facts.request!.model!);
    return result instanceof Promise
      ? result.then((leaseResult) => this.run(access, requestId, reply, via, leaseResult))
      : this.run(access, requestId, reply, via, result);
  }

  private async run(
    access: CallAccess,
    requestId: string,
    reply: FastifyReply,
    via: string,
    leaseResult: LeaseResult,
  ): Promise<void> {
    if ('denials' in leaseResult)
      throw (await this.authorizer.rateLimitException(access, leaseResult.denials)).record();
    const { lease } = leaseResult;
    const call: Call = {
      requestId,
      access,
      llm: access.llm!,
      via,
      limits: access.rates ?? [],
      lease,
      sent: 0,
      usedTokens: 0,
      tokensOfOtherModels: 0,
      reply,
      startedAt: performance.now(),
    };
    const commitLease = () => lease.commit(call.usedTokens, call.usedTokens - call.tokensOfOtherModels);
    try {
      await this.fallbacks.run(call);
      commitLease();
    } catch (error) {
      if (error instanceof AccessDeniedException) error.record();
      if (call.clampedTo !== undefined) reply.header(CLAMPED_HEADER, String(call.clampedTo));
      // A call that was never forwarded does not count on rate limits.
      if (call.sent) commitLease();
      else lease.rollback();
      throw error;
    }
  }
}
