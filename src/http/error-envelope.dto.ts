import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** The error object of every refusal and every failure. */
class ErrorBody {
  /** One sentence for a person. */
  message: string;

  /**
   * A stable type with LiteLLM's names, or the upstream's own type. Anthropic's clients get a type of Anthropic's API, and this
   * one in `details.type`.
   */
  @ApiProperty({ example: 'budget_exceeded' })
  type: string;

  /** The field or parameter at fault. */
  @ApiProperty({ type: String, nullable: true, example: 'model' })
  param: string | null;

  /** The HTTP status, as text, or the upstream's own code. */
  @ApiProperty({ example: '429' })
  code: string;

  /**
   * The check, scope and numbers of a refusal, or the invalid fields. `retryable` is false if the same request never passes by
   * itself. The response then has `x-should-retry: false`.
   */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  details?: Record<string, unknown>;
}

export class ErrorEnvelope {
  error: ErrorBody;
}
