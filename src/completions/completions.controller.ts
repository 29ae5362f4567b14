import { Controller, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ModelRoute } from '../access/model-route.js';
import {
  ChatCompletion,
  ChatCompletionRequest,
  Completion,
  CompletionRequest,
  EmbeddingList,
  EmbeddingRequest,
  ModerationAnswer,
  RerankAnswer,
  RerankRequest,
  InputCount,
  InputCountRequest,
  ResponseAnswer,
  ResponseRequest,
} from './completions.dto.js';
import { openAiPaths, MODEL_IN_PATH } from './openai-paths.js';
import { CompletionsService } from './completions.service.js';

/** The model routes. Bodies and responses pass as bytes; the DTO classes only describe them. */
@ApiTags('completions')
@ModelRoute()
@Controller()
export class CompletionsController {
  constructor(private readonly completions: CompletionsService) {}

  @Post(openAiPaths('chat/completions'))
  @ApiOperation({ summary: 'Chat completion, OpenAI-compatible, JSON or server-sent events.' })
  @MODEL_IN_PATH
  @ApiBody({ type: ChatCompletionRequest })
  @ApiOkResponse({ type: ChatCompletion })
  chat(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(openAiPaths('completions'))
  @ApiOperation({ summary: 'Text completion, OpenAI-compatible, JSON or server-sent events.' })
  @MODEL_IN_PATH
  @ApiBody({ type: CompletionRequest })
  @ApiOkResponse({ type: Completion })
  complete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(openAiPaths('embeddings'))
  @ApiOperation({ summary: 'Embeddings, OpenAI-compatible.' })
  @MODEL_IN_PATH
  @ApiBody({ type: EmbeddingRequest })
  @ApiOkResponse({ type: EmbeddingList })
  embed(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(['v1/responses', 'responses'])
  @ApiOperation({
    summary: 'OpenAI’s Responses, JSON or server-sent events.',
    description: 'Answers are not kept here: none is made in the background, and none is fetched later.',
  })
  @ApiBody({ type: ResponseRequest })
  @ApiOkResponse({ type: ResponseAnswer })
  respond(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(['v1/responses/input_tokens', 'responses/input_tokens'])
  @ApiOperation({ summary: 'How many tokens the input of a response would have; costs nothing.' })
  @ApiBody({ type: InputCountRequest })
  @ApiOkResponse({ type: InputCount })
  countInput(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(['v1/moderations', 'moderations'])
  @ApiOperation({ summary: 'Moderations, OpenAI-compatible.' })
  @ApiBody({ type: EmbeddingRequest })
  @ApiOkResponse({ type: ModerationAnswer })
  moderate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(['v1/rerank', 'rerank', 'v2/rerank'])
  @ApiOperation({ summary: 'Documents by how well they answer a query, as Cohere and Jina do it.' })
  @ApiBody({ type: RerankRequest })
  @ApiOkResponse({ type: RerankAnswer })
  rerank(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }
}
