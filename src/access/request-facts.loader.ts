import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Catalogue } from '../models/catalogue.service.js';
import { tokenBound } from '../policy/bound.js';
import type { ModelFacts, RequestFacts } from '../policy/facts.js';
import { groupLevels } from '../policy/group-levels.js';
import { demandFor } from '../policy/hold-demand.js';
import type { AccessRequest } from './access-request.js';
import type { CallerSnapshot } from './callers/caller.js';
import { type LlmRequest, readParams } from './llm-request.js';

/** Builds the facts of a body and of the models it names, for one caller. Reads the catalogue in memory. */
@Injectable()
export class RequestFactsLoader {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly catalogue: Catalogue,
  ) {}

  /**
   * Reads the body for this caller. The end user of the credential, and the served name of the model, replace those of the
   * body.
   */
  llmRequestOf({ llm }: Pick<AccessRequest, 'llm'>, caller: CallerSnapshot): LlmRequest | undefined {
    const read = llm?.();
    if (!read) return undefined;
    const model = this.withoutSuffix(read, caller);
    const { endUserId } = caller;
    if (model === undefined && endUserId === undefined) return read;
    return {
      ...read,
      ...(model !== undefined && { model, rewritesModel: true }),
      ...(endUserId !== undefined && { endUserId }),
    };
  }

  requestFacts(llm: LlmRequest, caller: CallerSnapshot): RequestFacts {
    return {
      params: caller.enforcedParams
        ? { ...llm.params, ...readParams(llm, caller.enforcedParams) }
        : llm.params,
      fallbacks: llm.allFallbacks.map((name) => this.modelFacts(name, llm, caller)),
      problem: llm.problem,
      model: llm.model === undefined ? undefined : this.modelFacts(llm.model, llm, caller),
    };
  }

  /** Returns the facts of a model for this caller, and the demand of the call. */
  modelFacts(requested: string, llm: Pick<LlmRequest, 'size'>, caller: CallerSnapshot): ModelFacts {
    const catalogue = this.catalogue.current();
    const known = catalogue.modelFacts(requested, caller, caller.names.teamId);
    const within = known.deploymentGroups && groupLevels(caller.parties, known);
    const { size } = llm;
    const price = size.isFree ? 'free' : within ? catalogue.priceOf(known.name, within) : known.price;
    const limits = catalogue.limits(known.name, within);
    const demand =
      price === 'priced'
        ? demandFor(size, limits, catalogue.ceilingOf(known.name, within), this.config.general)
        : undefined;
    const { inputTokens, outputTokens } = demand?.tokens ?? tokenBound(size, limits, this.config.general);
    return {
      boundTokens: size.isFree ? 0 : inputTokens + outputTokens,
      demand,
      ...known,
      price,
      ...(within && { within }),
    };
  }

  /**
   * Returns the model name without Claude Code's suffix `[1m]`, if that model is served and no model has the whole name.
   */
  private withoutSuffix({ model, kind }: LlmRequest, caller: CallerSnapshot): string | undefined {
    if (!model?.endsWith(']') || !LONG_CONTEXT.test(model) || !LONG_CONTEXT_PATHS.has(kind.path))
      return undefined;
    const { teamId } = caller.names;
    const catalogue = this.catalogue.current();
    const names = [catalogue.names(teamId), Object.keys(caller.teamAliases), Object.keys(caller.keyAliases)];
    if (names.some((some) => some.includes(model))) return undefined;
    const rest = model.replace(LONG_CONTEXT, '');
    return catalogue.modelFacts(rest, caller, teamId).known ? rest : undefined;
  }
}

/** Suffix by which Claude Code asks for a context of a million tokens. */
const LONG_CONTEXT = /\[1m\]$/i;
const LONG_CONTEXT_PATHS: ReadonlySet<string> = new Set([
  '/chat/completions',
  '/messages',
  '/messages/count_tokens',
  '/responses',
]);
