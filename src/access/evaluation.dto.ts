import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { FreeContent, OnlyLooksUp } from '../http/free-content.js';
import { IsOneOf } from '../http/is-one-of.js';
import { IsRequiredText } from '../http/text-fields.js';

/** The subject: the caller of the call in question. */
export class SubjectDto {
  /** A `user`, `team` or `end_user` stands for a key of theirs that has no limits of its own. */
  @ApiProperty({ enum: ['key', 'jwt', 'user', 'team', 'end_user'], example: 'key' })
  @IsIn(['key', 'jwt', 'user', 'team', 'end_user'])
  type: 'key' | 'jwt' | 'user' | 'team' | 'end_user';

  /**
   * The key, its id (`token`) or the JWT; else the id of the user, team or end user. Secrets are never echoed or logged.
   */
  @IsRequiredText('sk-1234567890abcdef')
  id: string;
}

/** The action: the call in question. */
export class ActionDto {
  /** `call`, or the route of the call as this document writes it: `/v1/embeddings`, `/engines/{model}/completions`. */
  @IsRequiredText('call')
  name: string;
}

/** The resource: the model to call. */
export class ResourceDto {
  @ApiProperty({ enum: ['model'], example: 'model' })
  @IsIn(['model'])
  type: 'model';

  /** The name of the model, as a call would give it. */
  @IsRequiredText('tollgate-demo')
  id: string;
}

const MAX_USER_AGENT_CHARS = 1_000;

/** Circumstances of the call. */
export class ContextDto {
  /** The route of the call, if the action is only `call`; default `/v1/chat/completions`. */
  @ApiPropertyOptional({ example: '/v1/chat/completions' })
  @IsOptional()
  @IsString()
  route?: string;

  /** The request body of the call. Without a `model` it gets the resource's. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: { max_tokens: 100 } })
  @IsOptional()
  @IsObject()
  body?: Record<string, unknown>;

  /** The `user-agent` of the client, on which the status of a budget's refusal may depend. */
  @ApiPropertyOptional({ example: 'codex_exec/0.171.0' })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_USER_AGENT_CHARS)
  user_agent?: string;
}

/** One question of the OpenID AuthZEN Authorization API 1.0. */
@OnlyLooksUp()
export class EvaluationDto {
  @ApiProperty({ type: SubjectDto })
  @IsNotEmpty()
  @ValidateNested()
  @Type(() => SubjectDto)
  subject: SubjectDto;

  @ApiProperty({ type: ActionDto })
  @IsNotEmpty()
  @ValidateNested()
  @Type(() => ActionDto)
  action: ActionDto;

  @ApiProperty({ type: ResourceDto })
  @IsNotEmpty()
  @ValidateNested()
  @Type(() => ResourceDto)
  resource: ResourceDto;

  @ApiPropertyOptional({ type: ContextDto })
  @IsOptional()
  @ValidateNested()
  @Type(() => ContextDto)
  @FreeContent()
  context?: ContextDto;
}

/** One of several questions. It takes the fields that it leaves out from the whole body. */
export class PartialEvaluationDto {
  @IsOptional()
  @ValidateNested()
  @Type(() => SubjectDto)
  subject?: SubjectDto;

  @IsOptional()
  @ValidateNested()
  @Type(() => ActionDto)
  action?: ActionDto;

  @IsOptional()
  @ValidateNested()
  @Type(() => ResourceDto)
  resource?: ResourceDto;

  @IsOptional()
  @ValidateNested()
  @Type(() => ContextDto)
  @FreeContent()
  context?: ContextDto;
}

const MAX_EVALUATIONS = 100;

const SEMANTICS = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const;

/** Options for the answers to several questions. */
export class EvaluationOptionsDto {
  /** The end of the evaluation: after the first no, after the first yes, or after the last question. */
  @IsOneOf(SEMANTICS, { example: 'execute_all' })
  evaluations_semantic?: (typeof SEMANTICS)[number];
}

/** Several questions at once. Without any, the other fields are one question. */
@OnlyLooksUp()
export class EvaluationsDto extends PartialEvaluationDto {
  @ApiPropertyOptional({
    type: [PartialEvaluationDto],
    example: [
      {
        subject: { type: 'key', id: 'sk-1234567890abcdef' },
        action: { name: 'call' },
        resource: { type: 'model', id: 'tollgate-demo' },
      },
    ],
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_EVALUATIONS)
  @ValidateNested({ each: true })
  @Type(() => PartialEvaluationDto)
  @FreeContent()
  evaluations?: PartialEvaluationDto[];

  @ApiPropertyOptional({ type: EvaluationOptionsDto })
  @IsOptional()
  @ValidateNested()
  @Type(() => EvaluationOptionsDto)
  options?: EvaluationOptionsDto;
}

/** The answer. Its `context` has the result of every check. */
export class EvaluationAnswer {
  /** True if the call would pass right now. */
  decision: boolean;

  /**
   * `reason`, `code`, `status` and `details` of the refusal, and the `trace`: every check with its verdict and figures, in policy
   * order. `clamped`: the output limit that the call asks for and the one it would be sent with, if budgets lower it. A
   * question without an answer has an `error` instead.
   */
  @ApiProperty({ type: 'object', additionalProperties: true })
  context: Record<string, unknown>;
}

export class EvaluationsAnswer {
  evaluations: EvaluationAnswer[];
}
