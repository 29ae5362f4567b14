import { ApiPropertyOptional } from '@nestjs/swagger';
import { ChatMessage } from './completions.dto.js';

/** Describes a body for the documentation only: it has the members of the cloud's own API. */
export class NativeRequest {
  /** Claude at Bedrock and Vertex AI, and Converse. */
  messages?: ChatMessage[];

  /** Gemini. */
  @ApiPropertyOptional({ type: 'array', items: { type: 'object', additionalProperties: true } })
  contents?: Record<string, unknown>[];
}

/** Describes an answer for the documentation only: it is the cloud's own. */
export class NativeAnswer {
  /** Claude and Converse. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  usage?: Record<string, unknown>;

  /** Gemini. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  usageMetadata?: Record<string, unknown>;
}
