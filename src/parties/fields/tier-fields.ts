import type { Fields } from './field.js';
import { name } from './field-templates.js';
import { limitFields } from './limit-fields.js';

/** Every field of `/budget/new` and `/budget/update`: the limits of the parties that name the tier. */
export const TIER_FIELDS = {
  ...limitFields('proxyAdmin'),
  budget_id: { ...name('budgetId', 'proxyAdmin'), limits: true },
} as const satisfies Fields;
