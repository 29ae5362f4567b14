import { UnprocessableEntityException } from '@nestjs/common';
import { type NanoUsd, nanoUsdFromUsd } from '../policy/money.js';
import type { PartyDto } from './limits.dto.js';
import type { PartyRow } from './party-row.js';

/** An amount added to a budget for a while. LiteLLM `temp_budget_increase`, `temp_budget_expiry`. */
export interface TemporaryIncrease {
  readonly amountNanoUsd: NanoUsd;
  readonly until: Date;
}

const FIELDS = ['temp_budget_increase', 'temp_budget_expiry'] as const;

/**
 * Stores both fields as sent, in the row's `extra`. Throws 422 for one without the other, because it would have no
 * effect.
 */
export function applyTemporaryIncrease(row: PartyRow, dto: PartyDto): void {
  const extra = { ...row.extra };
  for (const field of FIELDS) {
    if (dto[field] === null) delete extra[field];
    else if (dto[field] !== undefined) extra[field] = dto[field];
  }
  const missing = FIELDS.filter((field) => extra[field] === undefined);
  if (missing.length === 1) {
    const [field] = missing as [string];
    const message = 'temp_budget_increase and temp_budget_expiry need each other';
    throw new UnprocessableEntityException({ message, fields: [{ field, message }] });
  }
  row.extra = Object.keys(extra).length ? extra : null;
}

/** Returns the amount and the end of the row's increase; undefined without an increase. */
export function temporaryIncrease({ extra }: Pick<PartyRow, 'extra'>): TemporaryIncrease | undefined {
  const amountNanoUsd = nanoUsdFromUsd(extra?.temp_budget_increase);
  return amountNanoUsd === undefined
    ? undefined
    : { amountNanoUsd, until: new Date(extra!.temp_budget_expiry as string) };
}
