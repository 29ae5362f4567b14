import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ModelRoute } from '../access/model-route.js';
import { NATIVE_PATHS } from '../call-types/native-routes.js';
import { CompletionsService } from './completions.service.js';
import { NativeAnswer, NativeRequest } from './native.dto.js';

const TARGET = ApiParam({
  name: 'target',
  description: 'The public name of the model, a colon, and the action.',
});

/** Routes of the clouds' own APIs: the client's bytes pass, the model stands in the path. */
@ApiTags('native')
@ModelRoute()
@Controller()
export class NativeController {
  constructor(private readonly completions: CompletionsService) {}

  @Post(NATIVE_PATHS.bedrock)
  @HttpCode(200)
  @ApiParam({ name: 'model', description: 'The public name of the model.' })
  @ApiOperation({ summary: 'Bedrock’s InvokeModel (Claude) and Converse, whole or as a stream of frames.' })
  @ApiBody({ type: NativeRequest })
  @ApiOkResponse({ type: NativeAnswer })
  bedrock(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(NATIVE_PATHS.gemini)
  @HttpCode(200)
  @TARGET
  @ApiOperation({
    summary:
      'Gemini’s own API: `<model>:generateContent`, `streamGenerateContent`, `countTokens`, `embedContent`.',
  })
  @ApiBody({ type: NativeRequest })
  @ApiOkResponse({ type: NativeAnswer })
  gemini(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(NATIVE_PATHS.vertex)
  @HttpCode(200)
  @TARGET
  @ApiParam({ name: 'project', description: 'Any: the deployment has its own.' })
  @ApiParam({ name: 'location', description: 'Any: the deployment has its own.' })
  @ApiParam({ name: 'publisher', description: 'Any.' })
  @ApiOperation({
    summary: 'Vertex AI’s own API: Gemini’s actions, and `rawPredict` and `streamRawPredict` of Claude.',
  })
  @ApiBody({ type: NativeRequest })
  @ApiOkResponse({ type: NativeAnswer })
  vertex(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }
}
