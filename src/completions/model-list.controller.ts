import { Controller, Get, Inject, NotFoundException, Param, Query, Req, Res } from '@nestjs/common';
import {
  ApiExcludeEndpoint,
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallAccess } from '../access/call-access.js';
import { CONFIG, type Config } from '../config/config.js';
import { wantsAnthropicForm } from '../http/anthropic-form.js';
import { invalidFields } from '../http/invalid-fields.js';
import { CallerRoute } from '../http/route-access.js';
import { Catalogue } from '../models/catalogue.service.js';
import { displayName, publicModelInfo } from '../models/public-model-info.js';
import { anthropicModelList } from './anthropic-model-list.js';
import { type CallableModel, CallableModels } from './callable-models.js';
import {
  AnthropicModel,
  AnthropicModelList,
  ListedModel,
  type ListedModelMetadata,
  ModelList,
  ModelListQuery,
} from './completions.dto.js';
import { MODEL_LIST_PATHS, MODEL_PATHS, MODEL_PATHS_WITH_SLASHES } from './openai-paths.js';

/** A fixed time, as LiteLLM returns it, because deployments have no creation time. */
const CREATED = 1_677_610_602;
const CREATED_AT = new Date(CREATED * 1_000).toISOString().replace('.000', '');

/** Members of a query that nothing here can honour. */
const IGNORED = ['include_model_access_groups', 'only_model_access_groups', 'healthy_only'] as const;

const ANTHROPIC_VERSION = ApiHeader({
  name: 'anthropic-version',
  required: false,
  description: 'If it is sent, the response has Anthropic’s form.',
});

/** Lists exactly the models that this caller may call, in OpenAI's form or in Anthropic's. */
@ApiTags('completions')
@ApiExtraModels(ModelList, AnthropicModelList, ListedModel, AnthropicModel)
@CallerRoute()
@Controller()
export class ModelListController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly callable: CallableModels,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get(MODEL_LIST_PATHS)
  @ANTHROPIC_VERSION
  @ApiOperation({
    summary: 'The models this key may call.',
    description: 'All of them, whichever API their provider has. Only Anthropic’s form has pages.',
  })
  @ApiOkResponse({
    schema: { oneOf: [{ $ref: getSchemaPath(ModelList) }, { $ref: getSchemaPath(AnthropicModelList) }] },
  })
  list(
    @Query() query: ModelListQuery,
    @Req() { access, headers }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): ModelList | AnthropicModelList {
    const { teamId } = access!.caller!.names;
    if (query.team_id !== undefined && query.team_id !== teamId)
      throw invalidFields([{ field: 'team_id', message: 'Only the team of the calling key may be named.' }]);
    const ignored = IGNORED.filter((name) => query[name]);
    if (ignored.length) reply.header('x-tollgate-ignored', ignored.join(', '));
    const models = this.callable.all(access!);
    const globs = query.return_wildcard_routes ? this.callable.wildcards(access!) : [];
    if (wantsAnthropicForm(headers)) {
      const listed = [...models.map((model) => this.anthropicEntry(model)), ...globs.map(anthropicEntryOf)];
      return anthropicModelList(listed, query);
    }
    const data = [
      ...models.map((model) => ({
        ...this.entry(model),
        ...(query.include_metadata && {
          metadata: this.metadata(model, access!, query.fallback_type ?? 'general'),
        }),
      })),
      ...globs.map((glob) => entryOf(glob)),
    ];
    return { object: 'list', data };
  }

  @Get(MODEL_PATHS)
  @ANTHROPIC_VERSION
  @ApiOperation({ summary: 'One model, if this key may call it.' })
  @ApiOkResponse({
    schema: { oneOf: [{ $ref: getSchemaPath(ListedModel) }, { $ref: getSchemaPath(AnthropicModel) }] },
  })
  get(
    @Param('model') name: string,
    @Req() { access, headers }: FastifyRequest,
  ): ListedModel | AnthropicModel {
    const model = this.callable.find(name, access!);
    if (!model) {
      throw new NotFoundException({
        message: `The model '${name}' was not found, or you may not call it.`,
        param: 'model',
      });
    }
    return wantsAnthropicForm(headers) ? this.anthropicEntry(model) : this.entry(model);
  }

  @Get(MODEL_PATHS_WITH_SLASHES)
  @ApiExcludeEndpoint()
  getBySlashes(@Param('*') name: string, @Req() request: FastifyRequest): ListedModel | AnthropicModel {
    return this.get(name, request);
  }

  private entry({ name, facts }: CallableModel): ListedModel {
    const [info] = publicModelInfo(this.catalogue.current(), name, facts);
    if (!info) return entryOf(name);
    const { providers, mode, max_input_tokens, max_output_tokens } = info;
    return {
      ...entryOf(name, providers[0]),
      ...(mode !== null && { mode }),
      ...(max_input_tokens !== null && { max_input_tokens }),
      ...(max_output_tokens !== null && { max_output_tokens }),
    };
  }

  private anthropicEntry({ name, facts }: CallableModel): AnthropicModel {
    const catalogue = this.catalogue.current();
    const [info] = publicModelInfo(catalogue, name, facts);
    return {
      ...anthropicEntryOf(name),
      display_name: displayName(catalogue, facts) ?? name,
      max_input_tokens: info?.max_input_tokens ?? null,
      max_tokens: info?.max_output_tokens ?? null,
    };
  }

  private metadata(
    { name, facts }: CallableModel,
    access: CallAccess,
    type: NonNullable<ModelListQuery['fallback_type']>,
  ): ListedModelMetadata {
    const { litellm, router } = this.config;
    const names =
      type === 'general'
        ? [name, facts.name].flatMap((one) => litellm.fallbacks[one] ?? router.fallbacks[one] ?? [])
        : [];
    return {
      fallbacks: [...new Set(names)].filter((one) => one !== name && this.callable.find(one, access)),
    };
  }
}

const entryOf = (id: string, owned_by = 'openai'): ListedModel => ({
  id,
  object: 'model',
  created: CREATED,
  owned_by,
});

const anthropicEntryOf = (id: string): AnthropicModel => ({
  type: 'model',
  id,
  display_name: id,
  created_at: CREATED_AT,
  max_input_tokens: null,
  max_tokens: null,
});
