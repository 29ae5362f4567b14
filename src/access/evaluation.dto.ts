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
  ValidateNested,
} from 'class-validator';

/** Who would call. */
export class SubjectDto {
  @ApiProperty({ enum: ['key'], example: 'key' })
  @IsIn(['key'])
  type: 'key';

  /** The key itself, or its id (`token`). Never echoed, never logged. */
  @ApiProperty({ example: 'sk-1234567890abcdef' })
  @IsString()
  @IsNotEmpty()
  id: string;
}

/** What would be done. */
export class ActionDto {
  @ApiProperty({ enum: ['call'], example: 'call' })
  @IsIn(['call'])
  name: 'call';
}

/** What it would be done to. */
export class ResourceDto {
  @ApiProperty({ enum: ['model'], example: 'model' })
  @IsIn(['model'])
  type: 'model';

  /** The model's name as a call would give it. */
  @ApiProperty({ example: 'tollgate-demo' })
  @IsString()
  @IsNotEmpty()
  id: string;
}

/** Circumstances of the call. */
export class ContextDto {
  /** The route that would be called; default `/v1/chat/completions`. */
  @ApiPropertyOptional({ example: '/v1/chat/completions' })
  @IsOptional()
  @IsString()
  route?: string;

  /** The request body that would be sent; `model` is taken from the resource. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: { max_tokens: 100 } })
  @IsOptional()
  @IsObject()
  body?: Record<string, unknown>;
}

/** One question of the OpenID AuthZEN Authorization API 1.0. */
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
  context?: ContextDto;
}

/** One of several questions; what it leaves out is taken from the whole. */
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
  context?: ContextDto;
}

const MAX_EVALUATIONS = 100;

/** Several questions at once. */
export class EvaluationsDto extends PartialEvaluationDto {
  @ApiProperty({
    type: [PartialEvaluationDto],
    example: [
      {
        subject: { type: 'key', id: 'sk-1234567890abcdef' },
        action: { name: 'call' },
        resource: { type: 'model', id: 'tollgate-demo' },
      },
    ],
  })
  @IsArray()
  @ArrayMaxSize(MAX_EVALUATIONS)
  @ValidateNested({ each: true })
  @Type(() => PartialEvaluationDto)
  evaluations: PartialEvaluationDto[];
}

/** The answer, and in `context` what every check said. */
export class EvaluationAnswer {
  /** Would the call pass right now? */
  decision: boolean;

  /** `reason`, `details` of the refusal, and the `trace`: every check with its verdict and numbers, in policy order. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  context: Record<string, unknown>;
}

export class EvaluationsAnswer {
  evaluations: EvaluationAnswer[];
}
