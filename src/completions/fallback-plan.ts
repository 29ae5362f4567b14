import { Inject, Injectable } from '@nestjs/common';
import type { CallAccess } from '../access/call-access.js';
import { CallAuthorizer } from '../access/call-authorizer.js';
import { RequestFactsLoader } from '../access/request-facts.loader.js';
import { CONFIG, type Config } from '../config/config.js';
import { speaks } from '../config/providers.js';
import type { CallType } from '../call-types/call-type.js';
import { Catalogue } from '../models/catalogue.service.js';
import type { Deployment } from '../models/deployment.js';
import { conclude, decide } from '../policy/decide.js';
import type { ModelFacts } from '../policy/facts.js';
import type { Call } from './call.js';

/** Where a call may go, in the order it is tried. */
@Injectable()
export class FallbackPlan {
  constructor(
    private readonly authorizer: CallAuthorizer,
    private readonly requestFacts: RequestFactsLoader,
    private readonly catalogue: Catalogue,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** What may be called for this request: the model that was checked, and fallbacks that pass the same checks now. */
  *of(call: Call): Generator<ModelFacts> {
    const { llm } = call;
    const { model } = call.access.facts.request!;
    yield model!;
    const { litellm, router } = this.config;
    const configured = [model!.requested, model!.name].flatMap(
      (name) => litellm.fallbacks[name] ?? router.fallbacks[name] ?? [],
    );
    const named = [llm.fallbacks, configured, litellm.defaultFallbacks].find(({ length }) => length) ?? [];
    for (const name of new Set(named)) {
      if (name === model!.requested) continue;
      // Who may call may have been read anew since the last one failed.
      const { llm: asKnownNow, caller } = call.access;
      const fallback = this.requestFacts.modelFacts(name, asKnownNow!, caller!);
      if (this.checked(fallback, call.access).allowed) yield fallback;
    }
  }

  /** Prices may have changed since the guard asked: what is held must pay for the deployments called. Throws as the guard would. */
  withCurrentPrice(model: ModelFacts, { access }: Call): ModelFacts {
    const catalogue = this.catalogue.current();
    const unchanged = model.demand
      ? model.demand.ceiling === catalogue.ceilingOf(model.name, model.within)
      : model.price === catalogue.priceOf(model.name, model.within);
    if (unchanged) return model;
    return this.asOfNow(model.requested, access);
  }

  /** Every deployment of it once, then again for its retries. */
  *deployments(model: ModelFacts, kind: CallType): Generator<Deployment> {
    const deployments = this.catalogue
      .pick(model.name, model.within)
      .filter((deployment) => answers(deployment, kind));
    const retries = Math.max(
      deployments.length - 1,
      deployments[0]?.maxRetries ?? this.config.router.numRetries ?? this.config.litellm.numRetries,
    );
    for (let i = 0; deployments.length && i <= retries; i++) yield deployments[i % deployments.length]!;
  }

  /** What is known of this model by now. Throws as the guard would. */
  private asOfNow(name: string, access: CallAccess): ModelFacts {
    const model = this.requestFacts.modelFacts(name, access.llm!, access.caller!);
    const { refusal } = this.checked(model, access);
    if (refusal) throw this.authorizer.exceptionFor(access, refusal);
    return model;
  }

  /** What every check but those of budgets and rates says to this model: budgets are asked when the hold takes from them, rate limits when it takes its place in them. */
  private checked(model: ModelFacts, { facts }: CallAccess) {
    const { trace } = decide({ ...facts, request: { ...facts.request!, model, fallbacks: [] } });
    return conclude(trace.filter(({ budgets, rates }) => !budgets && !rates));
  }
}

/** A mocked deployment answers what there is a mock of, any other what its provider's API has. */
const answers = ({ provider, mockResponse }: Deployment, { path, mock }: CallType) =>
  mockResponse === undefined ? speaks(provider, path) : mock !== undefined;
