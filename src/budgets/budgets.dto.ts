import { ApiProperty, IntersectionType } from '@nestjs/swagger';
import { OnlyLooksUp } from '../http/free-content.js';
import { AuthoredResponse, LimitsResponse } from '../parties/limits-response.dto.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import { IsRequiredText, IsOptionalText, IsTextList } from '../http/text-fields.js';
import { TIER_FIELDS } from '../parties/fields/tier-fields.js';
import { BudgetLimitDto, LimitsDto } from '../parties/limits.dto.js';

/** A new tier. */
@DeclaredBy(TIER_FIELDS)
export class NewBudgetDto extends LimitsDto {
  /** The id by which parties name it; generated if absent. */
  @IsOptionalText('free-tier')
  budget_id?: string;
}

/** Changes of a tier; absent keeps, null clears. They apply to its parties at once. */
@DeclaredBy(TIER_FIELDS)
export class UpdateBudgetDto extends LimitsDto {
  @IsRequiredText('free-tier')
  budget_id: string;
}

export class BudgetIdQuery {
  @IsRequiredText('free-tier')
  budget_id: string;
}

@OnlyLooksUp()
export class DeleteBudgetDto {
  /** `budget_id` of the tier. */
  @IsRequiredText('free-tier')
  id: string;
}

/** One limit of a tier, described for a form. */
export class BudgetSetting {
  field_name: string;

  @ApiProperty({ enum: ['Integer', 'String', 'Float', 'Object'] })
  field_type: 'Integer' | 'String' | 'Float' | 'Object';
  field_description: string;

  /** The value of the tier; null: not set. */
  @ApiProperty({
    nullable: true,
    oneOf: [{ type: 'number' }, { type: 'string' }, { type: 'object', additionalProperties: true }],
  })
  field_value: number | string | Record<string, unknown> | null;
  stored_in_db: boolean;

  @ApiProperty({ nullable: true, type: 'string', example: null })
  field_default_value: null;
}

@OnlyLooksUp()
export class BudgetInfoDto {
  @IsTextList(['free-tier'], { mayBeEmpty: true })
  budgets: string[];
}

/** A tier. */
export class BudgetRow extends IntersectionType(LimitsResponse, AuthoredResponse) {
  budget_id: string;

  /** Absent without further windows. */
  budget_limits?: BudgetLimitDto[];

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  model_max_budget: Record<string, unknown> | null;
  allowed_models: string[];
}
