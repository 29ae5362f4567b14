import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccessDeniedException } from '../access/access-denied.exception.js';
import type { CallAccess } from '../access/call-access.js';
import { CallAuthorizer } from '../access/call-authorizer.js';
import { CalledNames } from '../access/called-names.js';
import { RateLimits, type LeaseResult } from '../rate-limits/rate-limits.js';
import { CLAMPED_HEADER, IGNORED_HEADER } from './response-headers.js';
import { clientCallId } from '../http/request-ids.js';
import type { Call } from './call.js';
import { GracefulShutdown } from './graceful-shutdown.js';
import { FallbackLoop } from './fallback-loop.js';
import { LoadShedder } from './load-shedder.js';
import { viaHeader } from './upstream/loop-detection.js';

type CallLabels = Pick<Call, 'requestId' | 'clientCallId' | 'via'>;

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
    const labels = {
      requestId: request.id,
      clientCallId: clientCallId(request.headers),
      via: viaHeader(request.headers.via),
    };
    const recorded = this.calledNames.record(access!);
    return this.countUntilEnd(
      recorded
        ? recorded.then((newer) => this.start(newer, labels, reply))
        : this.start(access!, labels, reply),
    );
  }

  /** Counts a call as one under way, until it ends. */
  private countUntilEnd(running: Promise<void>): Promise<void> {
    const { calls } = this.loadShedder;
    calls.add(running);
    return running.finally(() => calls.delete(running));
  }

  /** Leases the rate limits, then runs the call. */
  private start(access: CallAccess, labels: CallLabels, reply: FastifyReply): Promise<void> {
    const result = this.rateLimits.acquire(access.rates ?? [], access.facts.request!.model!);
    return result instanceof Promise
      ? result.then((leaseResult) => this.run(access, labels, reply, leaseResult))
      : this.run(access, labels, reply, result);
  }

  private async run(
    access: CallAccess,
    labels: CallLabels,
    reply: FastifyReply,
    leaseResult: LeaseResult,
  ): Promise<void> {
    if ('denials' in leaseResult)
      throw (await this.authorizer.rateLimitException(access, leaseResult.denials)).record();
    const { lease } = leaseResult;
    // A spread in a literal this large would cost several microseconds a call.
    const call: Call = {
      requestId: labels.requestId,
      clientCallId: labels.clientCallId,
      via: labels.via,
      access,
      llm: access.llm!,
      limits: access.rates ?? [],
      lease,
      sent: 0,
      usedTokens: 0,
      tokensOfOtherModels: 0,
      retries: 0,
      maxRetries: 0,
      fallbacks: 0,
      modelGroup: '',
      detached: [],
      reply,
      startedAt: performance.now(),
    };
    // A call that was never forwarded does not count on rate limits.
    const endLease = () =>
      call.sent
        ? lease.commit(call.usedTokens, call.usedTokens - call.tokensOfOtherModels)
        : lease.rollback();
    try {
      await this.fallbacks.run(call);
    } catch (error) {
      if (error instanceof AccessDeniedException) error.record();
      if (call.clampedTo !== undefined) reply.header(CLAMPED_HEADER, String(call.clampedTo));
      const { ignored } = call.llm.callHeaders ?? {};
      if (ignored) reply.header(IGNORED_HEADER, ignored.join(', '));
      throw error;
    } finally {
      if (call.detached.length) void this.countUntilEnd(Promise.all(call.detached).then(endLease));
      else endLease();
    }
  }
}
