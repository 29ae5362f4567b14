import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString } from 'class-validator';
import { IsFlag } from '../http/is-flag.js';

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

export class InputCountRequest {
  @ApiProperty({ example: 'gpt-4.1-mini' })
  model: string;

  @ApiProperty({ example: 'Hello!' })
  input: string;
}

export class InputCount {
  @ApiProperty({ example: 'response.input_tokens' })
  object: string;

  @ApiProperty({ example: 12 })
  input_tokens: number;
}

export class ResponseRequest extends InputCountRequest {
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

/** Part of a listed model that `include_metadata` asks for. */
export class ListedModelMetadata {
  /** Models that are tried in order if this one fails, as far as the caller may call them. */
  @ApiProperty({ type: [String], example: ['tollgate-demo-free'] })
  fallbacks: string[];
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

  /** `chat`, `embedding` … Absent if it is not known, as the sizes are. */
  @ApiPropertyOptional({ example: 'chat' })
  mode?: string;

  @ApiPropertyOptional({ example: 128000 })
  max_input_tokens?: number;

  @ApiPropertyOptional({ example: 16384 })
  max_output_tokens?: number;
  metadata?: ListedModelMetadata;
}

export const FALLBACK_TYPES = ['general', 'context_window', 'content_policy'] as const;

/** LiteLLM's query of a list of models, and Anthropic's. */
export class ModelListQuery {
  /** Adds the fallbacks of each model. Only in OpenAI's form. */
  @IsFlag()
  include_metadata?: boolean;

  /** The fallbacks that `include_metadata` shows. Only `general` ones are made here. */
  @IsOptional()
  @IsIn(FALLBACK_TYPES)
  fallback_type?: (typeof FALLBACK_TYPES)[number];

  /** Adds the wildcards themselves to the names that they serve. */
  @IsFlag()
  return_wildcard_routes?: boolean;

  /** The team of the calling key. */
  @IsOptional()
  @IsString()
  team_id?: string;

  /** A list is never narrower than what its caller may call. */
  @IsOptional()
  @IsIn(['expand'])
  scope?: string;

  /** Names of groups are not listed. `x-tollgate-ignored` says so. */
  @IsFlag()
  include_model_access_groups?: boolean;

  /** Names of groups are not listed. `x-tollgate-ignored` says so. */
  @IsFlag()
  only_model_access_groups?: boolean;

  /** The health of deployments is not asked. `x-tollgate-ignored` says so. */
  @IsFlag()
  healthy_only?: boolean;

  /** With `anthropic-version`: the most models of a page, 1 to 1,000. Absent: all. */
  @IsOptional()
  @IsString()
  limit?: string;

  /** With `anthropic-version`: the page before this model. */
  @IsOptional()
  @IsString()
  before_id?: string;

  /** With `anthropic-version`: the page after this model. */
  @IsOptional()
  @IsString()
  after_id?: string;
}

export class ModelList {
  @ApiProperty({ example: 'list' })
  object: string;
  data: ListedModel[];
}

/** A model as Anthropic's API describes one. */
export class AnthropicModel {
  @ApiProperty({ example: 'model' })
  type: string;

  @ApiProperty({ example: 'claude-sonnet-4-5' })
  id: string;

  /** `model_info.display_name` of its deployment, else the id. */
  @ApiProperty({ example: 'claude-sonnet-4-5' })
  display_name: string;

  @ApiProperty({ example: '2023-02-28T18:56:42Z' })
  created_at: string;
  max_input_tokens: number | null;
  max_tokens: number | null;
}

/** A list of models as Anthropic's API returns one. */
export class AnthropicModelList {
  data: AnthropicModel[];
  has_more: boolean;
  first_id: string | null;
  last_id: string | null;
}
