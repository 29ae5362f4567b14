import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Catalogue } from '../models/catalogue.service.js';
import { CallBody } from '../call-types/call-body.js';
import { chatCompletion } from '../call-types/chat-completion.js';
import { targetApi } from '../config/providers.js';
import { translatedSize } from '../translation/translated-size.js';
import { moderation } from '../call-types/moderation.js';
import type { Deployment } from '../models/deployment.js';
import { type CallSize, type ModelCapacity, rateTokens, tokenBound } from '../policy/bound.js';
import { firstRefusing } from '../policy/checks/model-is-allowed.js';
import type { ModelFacts, RequestFacts } from '../policy/facts.js';
import { type GroupLevels, groupLevels } from '../policy/group-levels.js';
import { demandFor, type HoldDemand, largestDemand } from '../policy/hold-demand.js';
import type { UsageBound } from '../policy/price.js';
import { MAX_LISTED } from '../policy/some-of.js';
import type { CallTokens } from '../policy/rates.js';
import type { AccessRequest } from './access-request.js';
import type { CallerSnapshot } from './callers/caller.js';
import { deploymentRequest } from './deployment-request.js';
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
   * body. A moderation without a model gets the first for moderation that this caller may call.
   */
  llmRequestOf({ llm }: Pick<AccessRequest, 'llm'>, caller: CallerSnapshot): LlmRequest | undefined {
    const read = llm?.();
    if (!read) return undefined;
    const model = this.withoutSuffix(read, caller) ?? this.moderationModel(read, caller);
    const { endUserId } = caller;
    if (model === undefined && endUserId === undefined) return read;
    return {
      ...read,
      ...(model !== undefined && { model, rewritesModel: true }),
      ...(endUserId !== undefined && { endUserId }),
    };
  }

  requestFacts(llm: LlmRequest, caller: CallerSnapshot): RequestFacts {
    const model = llm.model === undefined ? undefined : this.requestedModel(llm.model, llm, caller);
    return {
      params: caller.enforcedParams
        ? { ...llm.params, ...readParams(llm, caller.enforcedParams) }
        : llm.params,
      fallbacks: llm.allFallbacks.map((name) => this.modelFacts(name, llm, caller)),
      problem: llm.problem ?? (model && !model.known ? severalModels(model) : undefined),
      model,
    };
  }

  /** Returns the facts of a model for this caller, and the demand of the call. */
  modelFacts(
    requested: string,
    llm: LlmRequest | Pick<LlmRequest, 'size'>,
    caller: CallerSnapshot,
  ): ModelFacts {
    const catalogue = this.catalogue.current();
    const known = catalogue.modelFacts(requested, caller, caller.names.teamId);
    const within = known.deploymentGroups && groupLevels(caller.parties, known);
    const { size } = llm;
    const price = size.isFree ? 'free' : within ? catalogue.priceOf(known.name, within) : known.price;
    const limits = catalogue.limits(known.name, within);
    const ceiling = catalogue.ceilingOf(known.name, within);
    const { general } = this.config;
    const sizes = 'scanned' in llm ? this.furtherSizes(llm, known.name, within) : undefined;
    const demand =
      price === 'priced'
        ? sizes
          ? largestDemand(sizes.map((one) => demandFor(one, limits, ceiling, general)))
          : demandFor(size, limits, ceiling, general)
        : undefined;
    const tokens = sizes
      ? largestTokens(sizes.map((one) => callTokens(one, limits, tokenBound(one, limits, general))))
      : callTokens(size, limits, demand?.tokens ?? tokenBound(size, limits, general));
    return {
      rateTokens: tokens.rateTokens,
      boundTokens: tokens.boundTokens,
      demand,
      ...known,
      price,
      ...(within && { within }),
    };
  }

  private requestedModel(name: string, llm: LlmRequest, caller: CallerSnapshot): ModelFacts {
    const facts = this.modelFacts(name, llm, caller);
    return facts.known ? facts : { ...facts, publicNames: this.publicNames(name, llm, caller) };
  }

  /** Returns the public names of a model that the provider calls `upstream`, if the caller may call them. */
  private publicNames(upstream: string, { size }: LlmRequest, caller: CallerSnapshot): readonly string[] {
    const names = this.catalogue.current().namesOfUpstream(upstream);
    return names.slice(0, MAX_LISTED).filter((name) => {
      const facts = this.modelFacts(name, { size }, caller);
      return facts.known && !firstRefusing(caller.parties, facts);
    });
  }

  /** Returns the call as this deployment gets it. */
  requestAt(llm: LlmRequest, deployment: Deployment): LlmRequest {
    const request = deploymentRequest(llm, deployment, this.config.litellm.dropParams);
    const { scanned, bytes, kind } = request;
    if (!scanned || 'delimiter' in scanned || targetApi(deployment, kind.path) === undefined) return request;
    const size = translatedSize(request.size, kind.path, new CallBody(bytes, scanned), deployment);
    return size === request.size ? request : { ...request, size };
  }

  /**
   * Returns the demand of the call that one deployment gets. `model`: the facts that were decided, with the largest demand
   * among its deployments.
   */
  demandAt(
    llm: LlmRequest,
    client: LlmRequest,
    { demand, name, within }: ModelFacts,
  ): HoldDemand | undefined {
    if (!demand || (llm === client && !demand.isLargest)) return demand;
    const limits = this.catalogue.current().limits(name, within);
    return demandFor(llm.size, limits, demand.ceiling, this.config.general);
  }

  /**
   * Returns the sizes of the call at all deployments of a model. Undefined if each of them gets the call as the client sent
   * it.
   */
  private furtherSizes(
    llm: LlmRequest,
    name: string,
    within: GroupLevels | undefined,
  ): readonly CallSize[] | undefined {
    const catalogue = this.catalogue.current();
    const { dropParams } = this.config.litellm;
    const mayDiffer =
      dropParams ||
      llm.drops ||
      catalogue.editsCalls(name, within) ||
      (llm.kind === chatCompletion && catalogue.translates(name, within));
    if (!mayDiffer) return undefined;
    const sizes = new Set(
      catalogue.resolve(name, within).map((deployment) => this.requestAt(llm, deployment).size),
    );
    return sizes.size && !(sizes.size === 1 && sizes.has(llm.size)) ? [...sizes] : undefined;
  }

  private moderationModel(read: LlmRequest, caller: CallerSnapshot): string | undefined {
    if (read.kind !== moderation || read.model !== undefined || read.problem) return undefined;
    const allowed = this.catalogue
      .current()
      .moderationNames(caller.names.teamId)
      .map((name) => ({ name, facts: this.modelFacts(name, { size: read.size }, caller) }))
      .filter(({ facts }) => facts.known && !firstRefusing(caller.parties, facts));
    return (allowed.find(({ facts }) => facts.price !== 'unknown') ?? allowed[0])?.name;
  }

  /**
   * Returns the model name without Claude Code's suffix `[1m]`, if that model is served and no model has the whole name.
   */
  private withoutSuffix({ model, kind }: LlmRequest, caller: CallerSnapshot): string | undefined {
    if (!model?.endsWith(']') || !LONG_CONTEXT.test(model) || !LONG_CONTEXT_PATHS.has(kind.path))
      return undefined;
    const { teamId } = caller.names;
    const catalogue = this.catalogue.current();
    const isAlias = [caller.teamAliases, caller.keyAliases].some((aliases) => Object.hasOwn(aliases, model));
    if (isAlias || catalogue.hasName(model, teamId)) return undefined;
    const rest = model.replace(LONG_CONTEXT, '');
    return catalogue.modelFacts(rest, caller, teamId).known ? rest : undefined;
  }
}

/** Returns the problem of a name with a comma, by which LiteLLM calls several models at once. */
const severalModels = ({ requested }: ModelFacts): RequestFacts['problem'] =>
  requested.includes(',')
    ? {
        message: `model=${requested} has a comma. One model a call: send a call for each name.`,
        param: 'model',
      }
    : undefined;

function callTokens(size: CallSize, limits: ModelCapacity, bound: UsageBound): CallTokens {
  return {
    rateTokens: rateTokens(size, limits, bound),
    boundTokens: size.isFree ? 0 : bound.inputTokens + bound.outputTokens,
  };
}

/** Returns the largest numbers of several bodies, of which each deployment gets its own. */
const largestTokens = (several: readonly CallTokens[]): CallTokens => ({
  rateTokens: Math.max(...several.map((one) => one.rateTokens)),
  boundTokens: Math.max(...several.map((one) => one.boundTokens)),
});

/** Suffix by which Claude Code asks for a context of a million tokens. */
const LONG_CONTEXT = /\[1m\]$/i;
const LONG_CONTEXT_PATHS: ReadonlySet<string> = new Set([
  '/chat/completions',
  '/messages',
  '/messages/count_tokens',
  '/responses',
  '/responses/input_tokens',
]);
