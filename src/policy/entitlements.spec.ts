import { describe, expect, it } from 'vitest';
import { firstFieldBeyond, type Strictness, type Entitlements } from './entitlements.js';
import { compileModelList, saysEveryModel } from './model-list.js';
import { compileKeyRoutes } from './routes.js';
import { usd } from './fixtures.testing.js';

const DAY = 86_400;
const GROUPS = ['beta'];
const namesOf = (entry: string) => ({
  names: [entry],
  groups: entry === 'm-beta' ? ['beta'] : [],
  isGroup: GROUPS.includes(entry),
});

const nothing: Entitlements = {
  budgets: [],
  modelBudgets: new Map(),
  caps: new Map(),
  models: 'any',
  saysEveryModel: false,
  routes: 'any',
  tags: new Set(),
  until: Infinity,
  fields: new Map(),
};
const budget = (amount: number, seconds: number | null = null, since = 0) => ({
  limitNanoUsd: usd(amount),
  seconds,
  since,
});
const budgets = (...list: ReturnType<typeof budget>[]) => ({ budgets: list });
const caps = (entries: Record<string, number>) => ({
  caps: new Map(Object.entries(entries).map(([name, most]) => [name, BigInt(most)])),
});
const models = (...list: string[]) => ({
  models: compileModelList(list),
  saysEveryModel: saysEveryModel(list),
});
const routes = (...list: string[]) => ({ routes: compileKeyRoutes(list) });
const tags = (...list: string[]) => ({ tags: new Set(list) });
const perModel = (amount: number) => ({ modelBudgets: new Map([['m', budget(amount)]]) });

const answers = (asked: Partial<Entitlements>, holder: Partial<Entitlements>) =>
  (['sole', 'unchanged', 'backstop'] as Strictness[]).map(
    (strictness) =>
      firstFieldBeyond({ ...nothing, ...asked }, { ...nothing, ...holder }, strictness, namesOf) ?? 'ok',
  );

describe('what is more than what is held', () => {
  it.each<[Partial<Entitlements>, Partial<Entitlements>, alone: string, before: string, enforced: string]>([
    [{}, {}, 'ok', 'ok', 'ok'],
    [budgets(budget(5)), {}, 'ok', 'ok', 'ok'],
    // Money: the amount, its period, and the spending it does not count.
    [budgets(budget(10)), budgets(budget(10)), 'ok', 'ok', 'ok'],
    [budgets(budget(11)), budgets(budget(10)), 'max_budget', 'max_budget', 'max_budget'],
    [{}, budgets(budget(10)), 'max_budget', 'max_budget', 'ok'],
    [budgets(budget(10, DAY)), budgets(budget(10)), 'max_budget', 'max_budget', 'ok'],
    [budgets(budget(10)), budgets(budget(10, DAY)), 'ok', 'ok', 'ok'],
    [budgets(budget(10, DAY)), budgets(budget(10, 30 * DAY)), 'max_budget', 'max_budget', 'ok'],
    [budgets(budget(10, 30 * DAY)), budgets(budget(10, DAY)), 'ok', 'ok', 'ok'],
    [budgets(budget(10, DAY, 2)), budgets(budget(10, DAY, 1)), 'ok', 'max_budget', 'ok'],
    [budgets(budget(5)), budgets(budget(10), budget(4)), 'max_budget', 'max_budget', 'max_budget'],
    [budgets(budget(5), budget(4)), budgets(budget(10), budget(4)), 'ok', 'ok', 'ok'],
    // Limits per model.
    [perModel(2), perModel(2), 'ok', 'ok', 'ok'],
    [perModel(3), perModel(2), 'model_max_budget', 'model_max_budget', 'model_max_budget'],
    [{}, perModel(2), 'model_max_budget', 'model_max_budget', 'ok'],
    [{ ...budgets(budget(1)), ...perModel(3) }, budgets(budget(2)), 'model_max_budget', 'ok', 'model_max_budget'],
    [caps({ model_rpm_limit: 0, 'model_rpm_limit.m': 9, rpm_limit: 5 }), caps({ rpm_limit: 5 }), 'model_rpm_limit', 'ok', 'model_rpm_limit'],
    // Rates.
    [caps({ rpm_limit: 5 }), caps({ rpm_limit: 5 }), 'ok', 'ok', 'ok'],
    [caps({ rpm_limit: 6 }), caps({ rpm_limit: 5 }), 'rpm_limit', 'rpm_limit', 'rpm_limit'],
    [{}, caps({ tpm_limit: 5 }), 'tpm_limit', 'tpm_limit', 'ok'],
    [{}, caps({ max_parallel_requests: 0 }), 'max_parallel_requests', 'max_parallel_requests', 'ok'],
    [caps({ 'model_tpm_limit.m': 6 }), caps({ 'model_tpm_limit.m': 5 }), 'model_tpm_limit', 'model_tpm_limit', 'model_tpm_limit'],
    // Models.
    [models('a'), models('a', 'b'), 'ok', 'ok', 'ok'],
    [models('a', 'c'), models('a', 'b'), 'models', 'models', 'models'],
    [{}, models('a'), 'models', 'models', 'ok'],
    [models('*'), models('a'), 'models', 'models', 'models'],
    [models('all-team-models'), models('a'), 'models', 'models', 'ok'],
    [models('openai/x*'), models('openai/*'), 'ok', 'ok', 'ok'],
    [models('*x'), models('a*'), 'models', 'models', 'models'],
    [models('m-beta'), models('beta'), 'ok', 'ok', 'ok'],
    [models('beta'), models('beta*'), 'models', 'models', 'models'],
    [models('beta'), models('beta'), 'ok', 'ok', 'ok'],
    [models('no-default-models'), models('a'), 'ok', 'ok', 'ok'],
    // Routes.
    [routes('/key/info'), routes('info_routes'), 'ok', 'ok', 'ok'],
    [routes('/*'), routes('info_routes'), 'allowed_routes', 'allowed_routes', 'allowed_routes'],
    [routes('/key/*'), routes('/*'), 'ok', 'ok', 'ok'],
    [routes('/key/*'), routes('/key/{id}'), 'allowed_routes', 'allowed_routes', 'allowed_routes'],
    [routes('/key/info'), routes('/key'), 'ok', 'ok', 'ok'],
    [routes('/key/*'), routes('/key'), 'ok', 'ok', 'ok'],
    [routes('/key'), routes('/key'), 'ok', 'ok', 'ok'],
    [routes('/key*'), routes('/key'), 'allowed_routes', 'allowed_routes', 'allowed_routes'],
    [routes('/key'), routes('/key/info'), 'allowed_routes', 'allowed_routes', 'allowed_routes'],
    [routes('/keyx'), routes('/key'), 'allowed_routes', 'allowed_routes', 'allowed_routes'],
    [routes('/models'), routes('info_routes'), 'allowed_routes', 'allowed_routes', 'allowed_routes'],
    [routes('/models'), routes('openai_routes'), 'ok', 'ok', 'ok'],
    [routes('info_routes'), routes('admin_viewer_routes'), 'ok', 'ok', 'ok'],
    [{}, routes('/key/info'), 'allowed_routes', 'allowed_routes', 'ok'],
    // Tags.
    [tags('a', 'b'), tags('a'), 'ok', 'ok', 'ok'],
    [tags('b'), tags('a'), 'tags', 'tags', 'ok'],
    // Expiry.
    [{ until: 5 }, { until: 5 }, 'ok', 'ok', 'ok'],
    [{ until: 6 }, { until: 5 }, 'duration', 'duration', 'duration'],
    [{}, { until: 5 }, 'duration', 'duration', 'ok'],
  ])('%o of %o: alone %s, before %s, enforced %s', (asked, holder, ...expected) => {
    expect(answers(asked, holder)).toEqual(expected);
  }); // prettier-ignore

  it('is not compared without an end: a thousand entries with a thousand wildcards are taken to be more', () => {
    const numbered = (name: string, count: number) => Array.from({ length: count }, (_, i) => name.replace('#', String(i))); // prettier-ignore
    const few = compileModelList(numbered('a#-*', 100));
    const many = compileModelList(numbered('a#-*', 1_000));
    const asked = compileModelList(numbered('a1-x#', 1_000));
    const of = (models: typeof few) => ({ ...nothing, models });
    expect(firstFieldBeyond(of(asked), of(few), 'sole', namesOf)).toBeUndefined();
    expect(firstFieldBeyond(of(asked), of(many), 'sole', namesOf)).toBe('models');
  });
});
