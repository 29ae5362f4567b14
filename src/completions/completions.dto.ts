import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** Describes a body for the documentation only. Model routes forward bodies as bytes and do not parse them into classes. */
export class ChatMessage {
  @ApiProperty({ example: 'user' })
  role: string;

  @ApiProperty({ example: 'Hello!' })
  content: string;
}

export class ChatCompletionRequest {
  @ApiProperty({ example: 'tollgate-demo' })
  model: string;

  messages: ChatMessage[];

  /** Maximum of output tokens. The hold is computed from it. */
  @ApiPropertyOptional({ example: 100 })
  max_tokens?: number;

  @ApiPropertyOptional({ example: false })
  stream?: boolean;

  /** The end user on whose behalf the call is made. */
  @ApiPropertyOptional({ example: 'customer-42' })
  user?: string;

  /** Models to try in order if this one fails. The key must be allowed to call each of them. */
  @ApiPropertyOptional({ type: [String], example: ['tollgate-demo-free'] })
  fallbacks?: string[];
}

export class CompletionRequest {
  @ApiProperty({ example: 'tollgate-demo' })
  model: string;

  @ApiProperty({ example: 'Once upon a time' })
  prompt: string;

  @ApiPropertyOptional({ example: 100 })
  max_tokens?: number;

  @ApiPropertyOptional({ example: false })
  stream?: boolean;
}

export class EmbeddingRequest {
  @ApiProperty({ example: 'tollgate-demo' })
  model: string;

  @ApiProperty({ example: 'Hello!' })
  input: string;
}

export class TokenUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

export class ChatChoice {
  index: number;
  message: ChatMessage;

  @ApiProperty({ example: 'stop' })
  finish_reason: string;
}

export class ChatCompletion {
  id: string;

  @ApiProperty({ example: 'chat.completion' })
  object: string;
  created: number;
  model: string;
  choices: ChatChoice[];
  usage: TokenUsage;
}

export class TextChoice {
  index: number;
  text: string;
  finish_reason: string;
}

export class Completion {
  id: string;

  @ApiProperty({ example: 'text_completion' })
  object: string;
  created: number;
  model: string;
  choices: TextChoice[];
  usage: TokenUsage;
}

export class Embedding {
  @ApiProperty({ example: 'embedding' })
  object: string;
  index: number;
  embedding: number[];
}

export class EmbeddingList {
  @ApiProperty({ example: 'list' })
  object: string;
  model: string;
  data: Embedding[];
  usage: TokenUsage;
}

export class ResponseRequest {
  @ApiProperty({ example: 'gpt-4.1-mini' })
  model: string;

  @ApiProperty({ example: 'Hello!' })
  input: string;

  /** Maximum of output tokens. The hold is computed from it. */
  @ApiPropertyOptional({ example: 100 })
  max_output_tokens?: number;

  @ApiPropertyOptional({ example: false })
  stream?: boolean;
}

export class ResponseUsage {
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
}

export class ResponseAnswer {
  id: string;

  @ApiProperty({ example: 'response' })
  object: string;

  @ApiProperty({ example: 'completed' })
  status: string;
  model: string;

  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  output: object[];
  usage: ResponseUsage;
}

export class ModerationResult {
  @ApiProperty({ example: false })
  flagged: boolean;
}

export class ModerationAnswer {
  id: string;
  model: string;
  results: ModerationResult[];
}

export class RerankRequest {
  @ApiProperty({ example: 'rerank-v3.5' })
  model: string;

  @ApiProperty({ example: 'Who pays the toll?' })
  query: string;

  @ApiProperty({ type: [String], example: ['The driver.', 'The river.'] })
  documents: string[];

  @ApiPropertyOptional({ example: 1 })
  top_n?: number;
}

export class RankedDocument {
  index: number;
  relevance_score: number;
}

export class RerankAnswer {
  id: string;
  results: RankedDocument[];
}

export class ListedModel {
  @ApiProperty({ example: 'tollgate-demo' })
  id: string;

  @ApiProperty({ example: 'model' })
  object: string;

  /** Seconds since 1970. */
  @ApiProperty({ example: 1677610602 })
  created: number;

  @ApiProperty({ example: 'openai' })
  owned_by: string;
}

export class ModelList {
  @ApiProperty({ example: 'list' })
  object: string;
  data: ListedModel[];
}
