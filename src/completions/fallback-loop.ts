import { BadRequestException, Injectable } from '@nestjs/common';
import { AccessDenied } from '../access/access-denied.js';
import { CallAuthorizer } from '../access/call-authorizer.js';
import { limitsFor, RateLimits } from '../rate-limits/rate-limits.js';
import { Catalogue } from '../models/catalogue.service.js';
import type { Deployment } from '../models/deployment.js';
import { DeploymentHealth } from '../models/deployment-health.js';
import type { Denial } from '../policy/decision.js';
import type { ModelFacts } from '../policy/facts.js';
import type { Attempt, Call } from './call.js';
import { HoldService } from './hold.service.js';
import { StreamUsageOptions } from './stream-usage-options.js';
import { FallbackPlan } from './fallback-plan.js';
import { UpstreamCallRunner } from './upstream-call-runner.js';
import { UpstreamBusyError, UpstreamError } from './upstream/upstream-error.js';

/** The result of the attempts so far. */
interface Tries {
  last?: Attempt;
  /** The error of the last attempt that failed. */
  failed?: UpstreamError | UpstreamBusyError;
  /** An origin without a free connection in time: no attempt waits for it twice. */
  busyOrigin?: string;
  /** The full rate limits of the last fallback that was skipped. */
  full?: readonly Denial[];
}

/** Tries the deployments of a model and of its fallbacks until one answers. */
@Injectable()
export class FallbackLoop {
  constructor(
    private readonly targets: FallbackPlan,
    private readonly holds: HoldService,
    private readonly upstreamCalls: UpstreamCallRunner,
    private readonly usageOptions: StreamUsageOptions,
    private readonly authorizer: CallAuthorizer,
    private readonly rateLimits: RateLimits,
    private readonly catalogue: Catalogue,
    private readonly health: DeploymentHealth,
  ) {}

  /** Tries the model, then its fallbacks, until one answers. Each attempt takes over the hold of the last. Throws why none answered. */
  async run(call: Call): Promise<void> {
    const tries: Tries = {};
    let isFallback = false;
    try {
      for (const target of this.targets.of(call)) {
        const model = this.targets.withCurrentPrice(target, call);
        const answered = isFallback
          ? this.tryFallback(call, model, tries)
          : this.tryModel(call, model, tries);
        if (await answered) return;
        isFallback = true;
      }
    } finally {
      await tries.last?.close();
    }
    if (tries.failed) throw tries.failed;
    if (tries.full) throw await this.authorizer.rateLimitException(call.access, tries.full);
    const { model } = call.access.facts.request!;
    throw this.catalogue.current().resolve(model!.name, model!.within).length
      ? notServedHere(call)
      : new UpstreamError(503, 'No deployment serves this model.', false);
  }

  /** Tries a fallback, which takes its own place in the rate limits of its model. A fallback with a full rate limit is skipped. */
  private async tryFallback(call: Call, model: ModelFacts, tries: Tries): Promise<boolean> {
    const { limits: taken, access } = call;
    const limits = limitsFor(access.billingContext!.rates, model);
    const further = limits.filter(({ key }) => !taken.some((limit) => limit.key === key));
    const place = await this.rateLimits.take(further, model.boundTokens);
    if ('denials' in place) {
      tries.full = place.denials;
      return false;
    }
    const { sent, usedTokens } = call;
    try {
      return await this.tryModel(call, model, tries);
    } finally {
      const used = call.usedTokens - usedTokens;
      // Another name of the same model counts on what the call took for the first.
      const countsOnFirst = taken.some(
        (limit) => limit.model !== undefined && limitsFor([limit], model).length,
      );
      if (!countsOnFirst) call.tokensOfOtherModels += used;
      if (call.sent > sent) place.lease.commit(used);
      else place.lease.rollback();
    }
  }

  /** Tries every deployment of a model once, then its retries. Resolves to false when none answered and a fallback may. */
  private async tryModel(call: Call, model: ModelFacts, tries: Tries): Promise<boolean> {
    for (const deployment of this.targets.deployments(model, call.llm.kind)) {
      if (deployment.origin === tries.busyOrigin) continue;
      const outcome = await this.tryDeployment(call, model, deployment, tries);
      if (outcome !== 'failed') return outcome === 'answered';
    }
    return false;
  }

  /** Calls one deployment; once more when it refuses `stream_options`. */
  private async tryDeployment(
    call: Call,
    model: ModelFacts,
    deployment: Deployment,
    tries: Tries,
  ): Promise<'answered' | 'failed' | 'notHeld'> {
    const attempt = await this.holds.hold(call, model, deployment, tries.last).catch((error: unknown) => {
      // A refused fallback must not hide why the first choice failed.
      const isRefused = error instanceof AccessDenied || error instanceof BadRequestException;
      if (tries.failed && isRefused) return undefined;
      throw error;
    });
    if (!attempt) return 'notHeld';
    tries.last = attempt;
    call.clampedTo = attempt.output.clampedTo;
    try {
      await this.upstreamCalls.run(attempt, model);
      this.health.answered(deployment.id);
      return 'answered';
    } catch (error) {
      if (error instanceof UpstreamBusyError) {
        tries.failed = error;
        tries.busyOrigin = deployment.origin;
        return 'failed';
      }
      if (!(error instanceof UpstreamError) || call.reply.raw.destroyed) throw error;
      if (error.refusesStreamOptions && attempt.asksForUsage) {
        this.usageOptions.recordRefusal(deployment);
        tries.failed = error;
        return this.tryDeployment(call, model, deployment, tries);
      }
      // A client's mistake does not count against the deployment's health.
      if (!error.mayTryAgain) {
        this.health.answered(deployment.id);
        throw error;
      }
      this.health.failed(deployment.id, error.getStatus());
      tries.failed = error;
      return 'failed';
    }
  }
}

const notServedHere = ({ llm }: Call) =>
  new BadRequestException({
    message: `The model '${llm.model}' does not answer at ${llm.kind.path}: its provider's API has no such route, and nothing is translated.`,
    param: 'model',
  });
