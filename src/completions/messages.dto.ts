import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ChatMessage } from './completions.dto.js';

/** Describes a body for the documentation only. Model routes forward bodies as bytes and do not parse them into classes. */
export class TokenCountRequest {
  @ApiProperty({ example: 'claude-sonnet-4-5' })
  model: string;

  messages: ChatMessage[];
}

export class MessagesRequest extends TokenCountRequest {
  /** Maximum of output tokens. The hold is computed from it. */
  @ApiProperty({ example: 100 })
  max_tokens: number;

  @ApiPropertyOptional({ example: 'Be brief.' })
  system?: string;

  @ApiPropertyOptional({ example: false })
  stream?: boolean;
}

export class MessagePart {
  @ApiProperty({ example: 'text' })
  type: string;

  @ApiPropertyOptional({ example: 'Hello!' })
  text?: string;
}

export class MessageUsage {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens?: number;
  cache_read_input_tokens?: number;
}

export class AnthropicMessage {
  id: string;

  @ApiProperty({ example: 'message' })
  type: string;

  @ApiProperty({ example: 'assistant' })
  role: string;
  model: string;
  content: MessagePart[];

  @ApiProperty({ example: 'end_turn' })
  stop_reason: string;
  usage: MessageUsage;
}

export class TokenCount {
  @ApiProperty({ example: 12 })
  input_tokens: number;
}
