import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** What every refusal and every failure looks like on the wire. */
class ErrorBody {
  /** One sentence for a person. */
  message: string;

  /** A stable kind, LiteLLM's names. */
  @ApiProperty({ example: 'budget_exceeded' })
  type: string;

  /** The field or parameter at fault. */
  @ApiProperty({ type: String, nullable: true, example: 'model' })
  param: string | null;

  /** The HTTP status, as text. */
  @ApiProperty({ example: '429' })
  code: string;

  /** The check, scope and numbers behind a refusal; the fields behind invalid input. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  details?: Record<string, unknown>;
}

export class ErrorEnvelope {
  error: ErrorBody;
}
