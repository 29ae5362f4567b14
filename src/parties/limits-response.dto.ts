import { ApiProperty, IntersectionType } from '@nestjs/swagger';
import { BudgetLimitDto } from './limits.dto.js';

/** Author and time of the first and the last write of a row. */
export class AuthoredResponse {
  created_at: string;
  created_by: string;
  updated_at: string;
  updated_by: string;
}

/** Limits in every response that has limits. Null: not set. */
export class LimitsResponse {
  /** US dollars. */
  max_budget: number | null;
  /** US dollars. */
  soft_budget: number | null;
  budget_duration: string | null;
  /** End of the current budget window. */
  budget_reset_at: string | null;
  tpm_limit: number | null;
  rpm_limit: number | null;
  max_parallel_requests: number | null;
}

/** Limits as a nested object, for parties whose limits LiteLLM stores in another table. */
export class BudgetTable extends LimitsResponse {
  budget_id: string | null;

  /** Budgets per model, as sent. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  model_max_budget: Record<string, unknown> | null;
}

/** Fields of a party whose response has the limits beside its other fields. */
export class LimitedPartyResponse extends IntersectionType(LimitsResponse, AuthoredResponse) {
  /** US dollars. */
  spend: number;

  budget_id: string | null;

  /** Limits of the tier, which fill the ones left open here. */
  litellm_budget_table: BudgetTable | null;

  @ApiProperty({ type: [BudgetLimitDto], nullable: true })
  budget_limits: BudgetLimitDto[] | null;

  /** Budgets per model, as sent. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  model_max_budget: Record<string, unknown>;

  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: Record<string, unknown>;
}
