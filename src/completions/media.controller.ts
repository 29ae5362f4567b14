import { Controller, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ModelRoute } from '../access/model-route.js';
import { CompletionsService } from './completions.service.js';
import { openAiPaths, MODEL_IN_PATH } from './openai-paths.js';
import {
  ImageEdit,
  ImageList,
  ImageRequest,
  SpeechRequest,
  Transcript,
  TranscriptRequest,
} from './media.dto.js';

const BINARY = { schema: { type: 'string', format: 'binary' } };

/** Images and audio, OpenAI-compatible. Forms pass as bytes; only the model's name is replaced. */
@ApiTags('media')
@ModelRoute()
@Controller()
export class MediaController {
  constructor(private readonly completions: CompletionsService) {}

  @Post(openAiPaths('images/generations'))
  @ApiOperation({ summary: 'Draw images.' })
  @MODEL_IN_PATH
  @ApiBody({ type: ImageRequest })
  @ApiOkResponse({ type: ImageList })
  draw(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(openAiPaths('images/edits'))
  @ApiOperation({ summary: 'Draw images after others.' })
  @MODEL_IN_PATH
  @ApiConsumes('multipart/form-data')
  @ApiBody({ type: ImageEdit })
  @ApiOkResponse({ type: ImageList })
  edit(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(openAiPaths('audio/speech'))
  @ApiOperation({ summary: 'Read a text out.' })
  @MODEL_IN_PATH
  @ApiBody({ type: SpeechRequest })
  @ApiOkResponse({ content: { 'audio/mpeg': BINARY, 'application/octet-stream': BINARY } })
  speak(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(openAiPaths('audio/transcriptions'))
  @ApiOperation({ summary: 'Write down what is said.' })
  @MODEL_IN_PATH
  @ApiConsumes('multipart/form-data')
  @ApiBody({ type: TranscriptRequest })
  @ApiOkResponse({ type: Transcript })
  transcribe(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }

  @Post(openAiPaths('audio/translations'))
  @ApiOperation({ summary: 'Write down in English what is said.' })
  @MODEL_IN_PATH
  @ApiConsumes('multipart/form-data')
  @ApiBody({ type: TranscriptRequest })
  @ApiOkResponse({ type: Transcript })
  translate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.complete(request, reply);
  }
}
