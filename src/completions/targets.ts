import { Inject, Injectable } from '@nestjs/common';
import type { Access } from '../access/access.js';
import { FactsLoader } from '../access/facts.loader.js';
import { CONFIG, type Config } from '../config/config.js';
import { speaks } from '../config/providers.js';
import type { CallKind } from '../kinds/call-kind.js';
import { Catalogue } from '../models/catalogue.service.js';
import type { Deployment } from '../models/deployment.js';
import { conclude, decide } from '../policy/decide.js';
import type { ModelFacts } from '../policy/facts.js';
import type { Call } from './call.js';

/** Where a call may go, in the order it is tried. */
@Injectable()
export class Targets {
  constructor(
    private readonly loader: FactsLoader,
    private readonly catalogue: Catalogue,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** What may be called for this request: the model that was checked, and fallbacks that pass the same checks now. */
  *of({ access, llm }: Call): Generator<ModelFacts> {
    const { facts, caller } = access;
    const { model } = facts.request!;
    yield model!;
    const { litellm, router } = this.config;
    const configured = [model!.requested, model!.name].flatMap(
      (name) => litellm.fallbacks[name] ?? router.fallbacks[name] ?? [],
    );
    const named = [llm.fallbacks, configured, litellm.defaultFallbacks].find(({ length }) => length) ?? [];
    for (const name of new Set(named)) {
      if (name === model!.requested) continue;
      const fallback = this.loader.modelFacts(name, llm, caller!);
      if (this.checked(fallback, access).allowed) yield fallback;
    }
  }

  /** Prices may have changed since the guard asked: what is held must pay for the deployments called. Throws as the guard would. */
  atPresentPrice(model: ModelFacts, { access, llm }: Call): ModelFacts {
    const catalogue = this.catalogue.current();
    const unchanged = model.wish
      ? model.wish.ceiling === catalogue.ceilingOf(model.name)
      : model.price === catalogue.priceOf(model.name);
    if (unchanged) return model;
    const repriced = this.loader.modelFacts(model.requested, llm, access.caller!);
    const { refusal } = this.checked(repriced, access);
    if (refusal) throw access.refused(refusal);
    return repriced;
  }

  /** Every deployment of it once, then again for its retries. */
  *deployments(model: ModelFacts, kind: CallKind): Generator<Deployment> {
    const deployments = this.catalogue.pick(model.name).filter((deployment) => answers(deployment, kind));
    const retries = Math.max(
      deployments.length - 1,
      deployments[0]?.maxRetries ?? this.config.router.numRetries ?? this.config.litellm.numRetries,
    );
    for (let i = 0; deployments.length && i <= retries; i++) yield deployments[i % deployments.length]!;
  }

  /** What every check but those of budgets and rates says to this model: these are asked when they are taken from. */
  private checked(model: ModelFacts, { facts }: Access) {
    const { trace } = decide({ ...facts, request: { ...facts.request!, model, fallbacks: [] } });
    return conclude(trace.filter(({ budgets, rates }) => !budgets && !rates));
  }
}

/** A mocked deployment answers what there is a mock of, any other what its provider's API has. */
const answers = ({ provider, mockResponse }: Deployment, { path, mock }: CallKind) =>
  mockResponse === undefined ? speaks(provider, path) : mock !== undefined;
