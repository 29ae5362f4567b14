import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccessDenied } from '../access/access-denied.js';
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

/** Runs a call that the guards let in: takes its place in the rate limits, and tries models until one answers. */
@Injectable()
export class CompletionsService {
  constructor(
    private readonly authorizer: CallAuthorizer,
    private readonly calledNames: CalledNames,
    private readonly rateLimits: RateLimits,
    private readonly fallbacks: FallbackLoop,
    private readonly load: LoadShedder,
    private readonly drain: GracefulShutdown,
  ) {}

  /** Answers the call on the raw reply. Rejects with what the client is to read, as long as nothing was sent. */
  complete(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { access } = request;
    if (this.drain.isUnderWay)
      throw new ServiceUnavailableException({ message: 'The gateway is shutting down. Try again.' });
    // The load is checked again, because calls that were let in at the same time count each other only now.
    const overload = this.load.overload();
    if (overload) throw overload;
    const via = viaHeader(request.headers.via);
    const recorded = this.calledNames.record(access!);
    const running = recorded
      ? recorded.then((newer) => this.start(newer, request.id, reply, via))
      : this.start(access!, request.id, reply, via);
    this.load.calls.add(running);
    return running.finally(() => this.load.calls.delete(running));
  }

  /** Takes a place in the rate limits, then runs the call. */
  private start(access: CallAccess, requestId: string, reply: FastifyReply, via: string): Promise<void> {
    const taken = this.rateLimits.take(access.rates ?? [], access.facts.request!.model!.boundTokens);
    return taken instanceof Promise
      ? taken.then((lease) => this.run(access, requestId, reply, via, lease))
      : this.run(access, requestId, reply, via, taken);
  }

  private async run(
    access: CallAccess,
    requestId: string,
    reply: FastifyReply,
    via: string,
    taken: LeaseResult,
  ): Promise<void> {
    if ('denials' in taken) throw (await this.authorizer.rateLimitException(access, taken.denials)).record();
    const { lease } = taken;
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
    const end = () => lease.commit(call.usedTokens, call.usedTokens - call.tokensOfOtherModels);
    try {
      await this.fallbacks.run(call);
      end();
    } catch (error) {
      if (error instanceof AccessDenied) error.record();
      if (call.clampedTo !== undefined) reply.header(CLAMPED_HEADER, String(call.clampedTo));
      // A call that was never forwarded does not count on rate limits.
      if (call.sent) end();
      else lease.rollback();
      throw error;
    }
  }
}
