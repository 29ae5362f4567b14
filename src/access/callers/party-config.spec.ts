import { describe, expect, it } from 'vitest';
import type { Config } from '../../config/config.js';
import { proxyParty } from './party-config.js';

const budgetsOf = (litellm: Partial<Config['litellm']>) =>
  proxyParty({ litellm: litellm as Config['litellm'] }).budgets;

describe('the budget of all calls together', () => {
  it('is none where it is 0, as in LiteLLM', () => {
    expect(budgetsOf({ maxBudgetUsd: 0 })).toEqual([]);
    expect(budgetsOf({})).toEqual([]);
  });

  it('has its amount, and its duration from 1970 on', () => {
    const start = new Date(0);
    expect(budgetsOf({ maxBudgetUsd: 2, budgetDuration: '1d' })).toEqual([
      { limitNanoUsd: 2_000_000_000n, window: { duration: '1d', anchor: start, since: start } },
    ]);
  });
});
