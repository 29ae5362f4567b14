import { Controller, Get, NotFoundException, Param, Req } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CallerRoute } from '../http/route-access.js';
import { Catalogue } from '../models/catalogue.service.js';
import { CallableModels } from './callable-models.js';
import { ListedModel, ModelList } from './completions.dto.js';
import { MODEL_LIST_PATHS, MODEL_PATHS, MODEL_PATHS_WITH_SLASHES } from './openai-paths.js';

/** A fixed time, as LiteLLM returns it, because deployments have no creation time. */
const CREATED = 1_677_610_602;

/** Lists exactly the models that this caller may call. */
@ApiTags('completions')
@CallerRoute()
@Controller()
export class ModelListController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly callable: CallableModels,
  ) {}

  @Get(MODEL_LIST_PATHS)
  @ApiOperation({ summary: 'The models this key may call.' })
  list(@Req() { access }: FastifyRequest): ModelList {
    return { object: 'list', data: this.callable.all(access!).map(({ name }) => this.entry(name)) };
  }

  @Get(MODEL_PATHS)
  @ApiOperation({ summary: 'One model, if this key may call it.' })
  get(@Param('model') name: string, @Req() { access }: FastifyRequest): ListedModel {
    if (!this.callable.find(name, access!)) {
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

  private entry(name: string): ListedModel {
    const [deployment] = this.catalogue.current().resolve(name);
    return { id: name, object: 'model', created: CREATED, owned_by: deployment?.provider ?? 'openai' };
  }
}
