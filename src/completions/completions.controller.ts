import { Controller, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ModelRoute } from '../access/model-route.js';
import {
  ChatCompletion,
  ChatCompletionRequest,
  Completion,
  CompletionRequest,
  EmbeddingList,
  EmbeddingRequest,
} from './completions.dto.js';
import { CompletionsService } from './completions.service.js';

const everyPath = (call: string) => [
  `v1/${call}`,
  call,
  `engines/:model/${call}`,
  `v1/engines/:model/${call}`,
  `openai/deployments/:model/${call}`,
];

const MODEL_IN_PATH = ApiParam({
  name: 'model',
  required: false,
  description: 'On `/engines/…` and `/openai/deployments/…`: the model, instead of the body.',
});

/** The doors for models. Bodies and answers pass as bytes; the routes describe what they look like. */
@ApiTags('completions')
@ModelRoute()
@Controller()
export class CompletionsController {
  constructor(private readonly completions: CompletionsService) {}

  @Post(everyPath('chat/completions'))
  @ApiOperation({ summary: 'Chat completion, OpenAI-compatible, JSON or server-sent events.' })
  @MODEL_IN_PATH
  @ApiBody({ type: ChatCompletionRequest })
  @ApiOkResponse({ type: ChatCompletion })
  chat(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(everyPath('completions'))
  @ApiOperation({ summary: 'Text completion, OpenAI-compatible, JSON or server-sent events.' })
  @MODEL_IN_PATH
  @ApiBody({ type: CompletionRequest })
  @ApiOkResponse({ type: Completion })
  complete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(everyPath('embeddings'))
  @ApiOperation({ summary: 'Embeddings, OpenAI-compatible.' })
  @MODEL_IN_PATH
  @ApiBody({ type: EmbeddingRequest })
  @ApiOkResponse({ type: EmbeddingList })
  embed(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }
}
