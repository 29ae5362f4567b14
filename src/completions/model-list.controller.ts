import { Controller, Get, NotFoundException, Param, Req } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { CallAccess } from '../access/call-access.js';
import { RequestFactsLoader } from '../access/request-facts.loader.js';
import { CallerRoute } from '../http/route-access.js';
import { Catalogue } from '../models/catalogue.service.js';
import { firstRefusing } from '../policy/checks/model-is-allowed.js';
import { hasBlankEnds } from '../policy/model-list.js';
import { ListedModel, ModelList } from './completions.dto.js';
import { MODEL_LIST_PATHS, MODEL_PATHS, MODEL_PATHS_WITH_SLASHES } from './openai-paths.js';

/** A fixed time, as LiteLLM returns it, because deployments have no creation time. */
const CREATED = 1_677_610_602;
const ANY_SIZE = {
  size: { inputBytes: 0, hasMedia: false, copies: 1, prompts: 1, generates: true },
};

/** Lists exactly the models that this caller may call, by the same rule as the guard. */
@ApiTags('completions')
@CallerRoute()
@Controller()
export class ModelListController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly requestFacts: RequestFactsLoader,
  ) {}

  @Get(MODEL_LIST_PATHS)
  @ApiOperation({ summary: 'The models this key may call.' })
  list(@Req() { access }: FastifyRequest): ModelList {
    const names = this.candidateNames(access!).filter((name) => this.mayCall(name, access!));
    return { object: 'list', data: names.map((name) => this.entry(name)) };
  }

  @Get(MODEL_PATHS)
  @ApiOperation({ summary: 'One model, if this key may call it.' })
  get(@Param('model') name: string, @Req() { access }: FastifyRequest): ListedModel {
    if (!this.mayCall(name, access!)) {
      throw new NotFoundException({
        message: `The model '${name}' was not found, or you may not call it.`,
        param: 'model',
      });
    }
    return this.entry(name);
  }

  @Get(MODEL_PATHS_WITH_SLASHES)
  @ApiExcludeEndpoint()
  getBySlashes(@Param('*') name: string, @Req() request: FastifyRequest): ListedModel {
    return this.get(name, request);
  }

  private candidateNames({ caller }: CallAccess): string[] {
    return [
      ...new Set([
        ...this.catalogue.current().names(caller!.names.teamId),
        ...Object.keys(caller!.teamAliases),
        ...Object.keys(caller!.keyAliases),
      ]),
    ];
  }

  private mayCall(name: string, { caller, facts }: CallAccess): boolean {
    if (hasBlankEnds(name)) return false;
    const model = this.requestFacts.modelFacts(name, ANY_SIZE, caller!);
    const unpriced = model.price === 'unknown' && facts.parties.some(({ budgets }) => budgets.length > 0);
    return model.known && !unpriced && !firstRefusing(facts.parties, model);
  }

  private entry(name: string): ListedModel {
    const [deployment] = this.catalogue.current().resolve(name);
    return { id: name, object: 'model', created: CREATED, owned_by: deployment?.provider ?? 'openai' };
  }
}
