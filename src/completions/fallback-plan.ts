import { Inject, Injectable } from '@nestjs/common';
import type { CallAccess } from '../access/call-access.js';
import { CallAuthorizer } from '../access/call-authorizer.js';
import type { LlmRequest } from '../access/llm-request.js';
import { RequestFactsLoader } from '../access/request-facts.loader.js';
import { CONFIG, type Config } from '../config/config.js';
import { answers } from '../config/providers.js';
import type { CallType } from '../call-types/call-type.js';
import { Catalogue } from '../models/catalogue.service.js';
import type { Deployment } from '../models/deployment.js';
import { conclude, decide } from '../policy/decide.js';
import type { ModelFacts } from '../policy/facts.js';
import type { Call } from './call.js';

/** Lists the models and deployments that a call may try, in order. */
@Injectable()
export class FallbackPlan {
  constructor(
    private readonly authorizer: CallAuthorizer,
    private readonly requestFacts: RequestFactsLoader,
    private readonly catalogue: Catalogue,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Yields the model that the guards checked, then each fallback that passes the same checks now. */
  *models(call: Call): Generator<ModelFacts> {
    const { llm } = call;
    const { model } = call.access.facts.request!;
    yield model!;
    const { litellm, router } = this.config;
    const configured = [model!.requested, model!.name].flatMap(
      (name) => litellm.fallbacks[name] ?? router.fallbacks[name] ?? [],
    );
    const fallbacks =
      [llm.fallbacks, configured, litellm.defaultFallbacks].find(({ length }) => length) ?? [];
    for (const name of new Set(fallbacks)) {
      if (name === model!.requested) continue;
      // The access may have been replaced since the last model failed.
      const { llm: currentRequest, caller } = call.access;
      const fallback = this.requestFacts.modelFacts(name, currentRequest!, caller!);
      if (this.conclusionFor(fallback, call.access).allowed) yield fallback;
    }
  }

  /**
   * Returns the model's facts at the current price, because the price may have changed since the guards ran. The hold must
   * pay for the deployments that are called. Throws the refusal if the model does not pass the checks any more.
   */
  withCurrentPrice(model: ModelFacts, { access }: Call): ModelFacts {
    const catalogue = this.catalogue.current();
    const unchanged = model.demand
      ? model.demand.ceiling === catalogue.ceilingOf(model.name, model.within)
      : model.price === catalogue.priceOf(model.name, model.within);
    if (unchanged) return model;
    return this.currentFacts(model.requested, access);
  }

  /**
   * Returns every deployment of the model once, then again for the retries. The client may ask for fewer retries, or for a
   * few more.
   */
  deployments(model: ModelFacts, { kind, callHeaders }: LlmRequest): readonly Deployment[] {
    const deployments = this.catalogue
      .pick(model.name, model.within)
      .filter((deployment) => serves(deployment, kind));
    if (!deployments.length) return deployments;
    const { router, litellm, general } = this.config;
    const configured = Math.max(
      deployments.length - 1,
      deployments[0]!.maxRetries ?? router.numRetries ?? litellm.numRetries,
    );
    const asked = callHeaders?.numRetries;
    const retries =
      asked === undefined ? configured : Math.min(asked, Math.max(configured, general.maxClientRetries));
    if (retries === deployments.length - 1) return deployments;
    return Array.from({ length: retries + 1 }, (_, i) => deployments[i % deployments.length]!);
  }

  /** Returns the model's current facts. Throws the refusal if the model does not pass the checks. */
  private currentFacts(name: string, access: CallAccess): ModelFacts {
    const model = this.requestFacts.modelFacts(name, access.llm!, access.caller!);
    const { refusal } = this.conclusionFor(model, access);
    if (refusal) throw this.authorizer.exceptionFor(access, refusal);
    return model;
  }

  /** Returns the conclusion of all checks except budgets and rate limits. The hold checks budgets, the lease checks rate limits. */
  private conclusionFor(model: ModelFacts, { facts }: CallAccess) {
    const { trace } = decide({ ...facts, request: { ...facts.request!, model, fallbacks: [] } });
    return conclude(trace.filter(({ budgets, rates }) => !budgets && !rates));
  }
}

/** Returns whether a deployment serves this call type. A mocked one serves types with a mock, others what their API has. */
const serves = (deployment: Deployment, { path, mock }: CallType) =>
  deployment.mockResponse === undefined ? answers(deployment, path) : mock !== undefined;
