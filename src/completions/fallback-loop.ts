import { BadRequestException, Injectable } from '@nestjs/common';
import { AccessDeniedException } from '../access/access-denied.exception.js';
import { CallAuthorizer } from '../access/call-authorizer.js';
import { limitsFor, RateLimits } from '../rate-limits/rate-limits.js';
import { Catalogue } from '../models/catalogue.service.js';
import type { Deployment } from '../models/deployment.js';
import { DeploymentHealth } from '../models/deployment-health.js';
import type { Denial } from '../policy/decision.js';
import type { ModelFacts } from '../policy/facts.js';
import type { Attempt } from './attempt.js';
import type { Call } from './call.js';
import { HoldService } from './hold.service.js';
import { StreamUsageOptions } from './stream-usage-options.js';
import { FallbackPlan } from './fallback-plan.js';
import { UpstreamCallRunner } from './upstream/upstream-call-runner.js';
import { UpstreamBusyError, UpstreamError } from './upstream/upstream-error.js';

/** State of the attempts so far. */
interface Progress {
  lastAttempt?: Attempt;
  /** Error of the last attempt that failed. */
  lastError?: UpstreamError | UpstreamBusyError;
  /** Origin that had no free connection in time. No further attempt waits for it. */
  busyOrigin?: string;
  /** Denials by the full rate limits of the last skipped fallback. */
  rateLimitDenials?: readonly Denial[];
}

/** Tries the deployments of a model and of its fallbacks until one answers. */
@Injectable()
export class FallbackLoop {
  constructor(
    private readonly plan: FallbackPlan,
    private readonly holds: HoldService,
    private readonly upstreamCalls: UpstreamCallRunner,
    private readonly usageOptions: StreamUsageOptions,
    private readonly authorizer: CallAuthorizer,
    private readonly rateLimits: RateLimits,
    private readonly catalogue: Catalogue,
    private readonly health: DeploymentHealth,
  ) {}

  /** Tries the model, then its fallbacks, until one answers. Each attempt replaces the hold of the last. Throws the last error if none answers. */
  async run(call: Call): Promise<void> {
    const progress: Progress = {};
    let isFallback = false;
    try {
      for (const target of this.plan.models(call)) {
        const model = this.plan.withCurrentPrice(target, call);
        const succeeded = isFallback
          ? this.tryFallback(call, model, progress)
          : this.tryModel(call, model, progress);
        if (await succeeded) return;
        isFallback = true;
        call.fallbacks++;
      }
    } finally {
      if (!progress.lastAttempt?.isDetached) await progress.lastAttempt?.close();
    }
    if (progress.lastError) throw progress.lastError;
    if (progress.rateLimitDenials)
      throw await this.authorizer.rateLimitException(call.access, progress.rateLimitDenials);
    const { model } = call.access.facts.request!;
    throw this.catalogue.current().resolve(model!.name, model!.within).length
      ? notServedHere(call)
      : new UpstreamError(503, 'No deployment serves this model.', { isRetryable: false });
  }

  /** Tries a fallback under its own lease on the rate limits of its model. Skips a fallback with a full rate limit. */
  private async tryFallback(call: Call, model: ModelFacts, progress: Progress): Promise<boolean> {
    const { limits: leasedLimits, access } = call;
    const limits = limitsFor(access.billingContext!.rates, model);
    const furtherLimits = limits.filter(({ key }) => !leasedLimits.some((limit) => limit.key === key));
    const leaseResult = await this.rateLimits.acquire(furtherLimits, model);
    if ('denials' in leaseResult) {
      progress.rateLimitDenials = leaseResult.denials;
      return false;
    }
    const { sent, usedTokens } = call;
    try {
      return await this.tryModel(call, model, progress);
    } finally {
      const tokens = call.usedTokens - usedTokens;
      // If the fallback is another name of the same model, its tokens count on the lease of the call.
      const countsOnFirst = leasedLimits.some(
        (limit) => limit.model !== undefined && limitsFor([limit], model).length,
      );
      if (!countsOnFirst) call.tokensOfOtherModels += tokens;
      if (call.sent > sent) leaseResult.lease.commit(tokens);
      else leaseResult.lease.rollback();
    }
  }

  /** Tries every deployment of a model once, then retries. Resolves to false if none answered and a fallback may follow. */
  private async tryModel(call: Call, model: ModelFacts, progress: Progress): Promise<boolean> {
    call.modelGroup = model.ofTeam === undefined ? model.name : model.requested;
    call.retries = -1;
    const deployments = this.plan.deployments(model, call.llm);
    call.maxRetries = deployments.length - 1;
    for (const deployment of deployments) {
      if (deployment.origin === progress.busyOrigin) continue;
      call.retries++;
      const outcome = await this.tryDeployment(call, model, deployment, progress);
      if (outcome !== 'failed') return outcome === 'answered';
    }
    return false;
  }

  /** Calls one deployment. Calls it a second time without `stream_options` if it refuses them. */
  private async tryDeployment(
    call: Call,
    model: ModelFacts,
    deployment: Deployment,
    progress: Progress,
  ): Promise<'answered' | 'failed' | 'notHeld'> {
    const attempt = await this.holds
      .hold(call, model, deployment, progress.lastAttempt)
      .catch((error: unknown) => {
        // A refused fallback must not hide why the first choice failed.
        const isRefused = error instanceof AccessDeniedException || error instanceof BadRequestException;
        if (progress.lastError && isRefused) return undefined;
        throw error;
      });
    if (!attempt) return 'notHeld';
    progress.lastAttempt = attempt;
    call.clampedTo = attempt.output.clampedTo;
    try {
      await this.upstreamCalls.run(attempt, model);
      this.health.recordSuccess(deployment.id);
      return 'answered';
    } catch (error) {
      if (error instanceof UpstreamBusyError) {
        progress.lastError = error;
        progress.busyOrigin = deployment.origin;
        return 'failed';
      }
      if (!(error instanceof UpstreamError) || call.reply.raw.destroyed) throw error;
      if (error.refusesStreamOptions && attempt.addsUsageOption) {
        this.usageOptions.recordRefusal(deployment);
        progress.lastError = error;
        return this.tryDeployment(call, model, deployment, progress);
      }
      // A client's mistake does not count against the deployment's health.
      if (!error.isRetryable) {
        this.health.recordSuccess(deployment.id);
        throw error;
      }
      // A client's impatience does not count, either.
      if (!attempt.isDetached) this.health.recordFailure(deployment.id, error.upstreamStatus);
      progress.lastError = error;
      return 'failed';
    }
  }
}

const notServedHere = ({ llm }: Call) =>
  new BadRequestException({
    message: `The model '${llm.model}' does not answer at ${llm.kind.path}: its provider's API has no such route, and calls at this path are not translated to it.`,
    param: 'model',
  });
