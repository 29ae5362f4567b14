import { Controller, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ModelRoute } from '../access/model-route.js';
import { CompletionsService } from './completions.service.js';
import { AnthropicMessage, MessagesRequest, TokenCount, TokenCountRequest } from './messages.dto.js';

/** Anthropic's own API, for the deployments of `anthropic/…`. Errors have Anthropic's shape. */
@ApiTags('messages')
@ModelRoute()
@Controller()
export class MessagesController {
  constructor(private readonly completions: CompletionsService) {}

  @Post(['v1/messages', 'messages'])
  @ApiOperation({ summary: 'Anthropic’s Messages, JSON or server-sent events.' })
  @ApiBody({ type: MessagesRequest })
  @ApiOkResponse({ type: AnthropicMessage })
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(['v1/messages/count_tokens', 'messages/count_tokens'])
  @ApiOperation({ summary: 'How many tokens a message would have; costs nothing.' })
  @ApiBody({ type: TokenCountRequest })
  @ApiOkResponse({ type: TokenCount })
  countTokens(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }
}
