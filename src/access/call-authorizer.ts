import { Inject, Injectable, ServiceUnavailableException } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
import { Metrics } from '../metrics/metrics.js';
import type { MaybePromise } from '../platform/maybe-promise.js';
import { conclude, decide } from '../policy/decide.js';
import type { Decision, Denial, Refusal } from '../policy/decision.js';
import type { AccessFacts, ModelFacts } from '../policy/facts.js';
import { areSameLevels } from '../policy/group-levels.js';
import { ZERO_NANO_USD } from '../policy/money.js';
import { Traced } from '../tracing/traced.js';
import { AccessDeniedException } from './access-denied.exception.js';
import { budgetStatusOf } from './budget-status.js';
import type { AccessRequest } from './access-request.js';
import type { CallAccess } from './call-access.js';
import { DecisionLog } from './decision-log.js';
import { EvaluationFactsLoader } from './evaluation-facts.loader.js';
import { FactsLoader, type LoadedFacts } from './facts.loader.js';

/** Decides whether a request may proceed: once for both guards, and again during the call if a row behind it changed. */
@Injectable()
export class CallAuthorizer {
  constructor(
    private readonly loader: FactsLoader,
    private readonly evaluation: EvaluationFactsLoader,
    private readonly rateLimits: RateLimits,
    private readonly log: DecisionLog,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Decides about a request. Does not throw the refusal: each guard enforces its part of the decision. */
  authorize(requestId: string, request: AccessRequest): MaybePromise<CallAccess> {
    const loaded = this.loader.load(request);
    return loaded instanceof Promise
      ? loaded.then((facts) =>
          this.accessOf(requestId, request, facts, this.decided(requestId, request, facts)),
        )
      : this.accessOf(requestId, request, loaded, this.decided(requestId, request, loaded));
  }

  /**
   * Re-runs the policy for `model` if any cached row changed since the decision; undefined if none did. Runs just before
   * the request is forwarded, when its money is held. Rejects with the refusal.
   */
  recheck(access: CallAccess, model: ModelFacts): Promise<void> | undefined {
    return this.loader.isStale(access) ? this.checkAgain(access, model) : undefined;
  }

  /**
   * Reloads the caller after the hold reported stale facts. Resolves to the new access and the new facts of the model.
   * Skips rate limits, because the call has its slot. Leaves temporary denials to the next hold. Rejects with the refusal.
   */
  async refresh(
    { requestId, request }: CallAccess,
    modelName: string,
  ): Promise<{ readonly access: CallAccess; readonly model: ModelFacts }> {
    const loaded = await this.loader.load(request);
    const facts = await this.loader.factsFor(modelName, loaded);
    const decision = decide({ ...facts, rates: [] });
    const access = this.accessOf(requestId, request, loaded, decision);
    const { refusal } = decision;
    if (refusal && refusal.enforcer !== 'hold') throw this.exceptionFor(access, refusal);
    const first = loaded.facts.request!.model!;
    return { access, model: first.requested === modelName ? first : facts.request!.model! };
  }

  /**
   * Builds the exception for a refusal that was found after the guards. It is logged and counted if the call ends with it.
   */
  exceptionFor(access: CallAccess, refusal: Refusal): AccessDeniedException {
    return new AccessDeniedException(refusal, budgetStatusOf(access, this.config.general), () => {
      this.log.record(access.requestId, access.request.storableAddress, access, refusal);
      this.metrics.refused.inc({ check: refusal.check });
    });
  }

  /** Builds the exception for full rate limits. A permanent refusal that applies by now takes precedence. */
  async rateLimitException(access: CallAccess, denials: readonly Denial[]): Promise<AccessDeniedException> {
    // Rate limits in memory were part of the decision already.
    const other = this.rateLimits.areInMemory ? undefined : await this.explain(access);
    const full = conclude([{ check: 'rateLimitsHaveRoom', enforcer: 'hold', denials }]).refusal!;
    return this.exceptionFor(access, other ?? full);
  }

  @Traced('decide', { resultAttributes: spanAttributes })
  private decided(requestId: string, { storableAddress }: AccessRequest, loaded: LoadedFacts): Decision {
    const startedAt = performance.now();
    const decision = decide(loaded.facts);
    // Temporary denials are not refused here: the hold may still succeed after waiting.
    const refusal = decision.refusal?.enforcer === 'hold' ? undefined : decision.refusal;
    this.log.record(requestId, storableAddress, loaded, refusal, performance.now() - startedAt);
    if (refusal) this.metrics.refused.inc({ check: refusal.check });
    return decision;
  }

  private accessOf(
    requestId: string,
    request: AccessRequest,
    { facts, caller, billingContext, rates, llm, tags }: LoadedFacts,
    decision: Decision,
  ): CallAccess {
    return { requestId, request, facts, caller, billingContext, rates, llm, tags, decision };
  }

  /** Returns the first refusal that applies now, by current balances and rates; undefined if none applies any more. */
  private async explain(access: CallAccess): Promise<Refusal | undefined> {
    const reload = () => this.loader.load(access.request);
    const { facts } = await this.evaluation.withCurrentFigures(access, reload);
    return decide(facts).refusal;
  }

  private async checkAgain(access: CallAccess, model: ModelFacts): Promise<void> {
    const { requestId } = access;
    const request = forSameTeam(access);
    const loaded = await this.loader.load(request);
    const facts = await this.loader.factsFor(model.requested, loaded);
    const decision = decide(withMoneyHeld(facts));
    if (decision.refusal)
      throw this.exceptionFor(this.accessOf(requestId, request, loaded, decision), decision.refusal);
    const now = facts.request!.model!;
    if (now.name !== model.name || !areSameLevels(now.within, model.within))
      throw new ServiceUnavailableException({
        message: 'The name of the model means another one by now. Try again.',
      });
  }
}

/** Returns the attributes of a decision's span. */
function spanAttributes({ allowed, refusal }: Decision) {
  return { 'tollgate.allowed': allowed, ...(refusal && { 'tollgate.check': refusal.check }) };
}

/** Returns the request of an access. A token with several teams keeps acting for the team that pays. */
const forSameTeam = ({ request, caller }: CallAccess): AccessRequest =>
  caller?.credential.kind === 'token' && caller.names.teamId !== null
    ? { ...request, teamId: caller.names.teamId }
    : request;

/** Returns the facts of a call that holds its money and its slot in the rate limits already. */
function withMoneyHeld(facts: AccessFacts): AccessFacts {
  // A caller that is unknown by now has no request for a model.
  if (!facts.request?.model) return facts;
  const { model, ...request } = facts.request;
  const demand = model.demand && { ...model.demand, minimumNanoUsd: ZERO_NANO_USD };
  return {
    ...facts,
    rates: [],
    request: { ...request, model: { ...model, ...(demand && { demand }) } },
  };
}
