import { ApiProperty, IntersectionType } from '@nestjs/swagger';
import { OnlyLooksUp } from '../http/free-content.js';
import { AuthoredResponse, LimitsResponse } from '../parties/limits-response.dto.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import { IsRequiredText, IsOptionalText, IsTextList } from '../http/text-fields.js';
import { TIER_FIELDS } from '../parties/fields/tier-fields.js';
import { BudgetLimitDto, LimitsDto } from '../parties/limits.dto.js';

/** A tier to make. */
@DeclaredBy(TIER_FIELDS)
export class NewBudgetDto extends LimitsDto {
  /** What parties name it by; made if absent. */
  @IsOptionalText('free-tier')
  budget_id?: string;
}

/** What to change of a tier; absent keeps, null clears. Whoever names it is limited so at once. */
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

  /** What the tier says; null: nothing. */
  @ApiProperty({ nullable: true, oneOf: [{ type: 'number' }, { type: 'string' }, { type: 'object' }] })
  field_value: unknown;
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

  /** Only when there are any. */
  budget_limits?: BudgetLimitDto[];

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  model_max_budget: Record<string, unknown> | null;
  allowed_models: string[];
}
