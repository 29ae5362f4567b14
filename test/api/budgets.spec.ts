import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { figurePlaceholder } from '../../src/parties/spend-placeholders.js';
import { body, refusal, AdminServices } from '../harness/admin-services.js';
import { Budget } from '../../src/parties/entities/budget.entity.js';
import { BudgetInfoDto, NewBudgetDto } from '../../src/budgets/budgets.dto.js';

const ME = 'default_user_id';

let services: AdminServices;
beforeEach(async () => void (services = await AdminServices.onSqlite()));
afterEach(() => services.close());

const create = async (sent: object) => services.budgets.create(await body(NewBudgetDto, sent), ME);
const info = async (...ids: string[]) =>
  services.budgets.info((await body(BudgetInfoDto, { budgets: ids })).budgets);

describe('a tier', () => {
  it('is told as it was sent', async () => {
    const sent = {
      budget_id: 'b1',
      max_budget: 0.000000001,
      soft_budget: 0,
      max_parallel_requests: 3,
      tpm_limit: 0,
      rpm_limit: 7,
      budget_duration: '12h',
      model_max_budget: { z: { max_budget: 1.5, budget_duration: '1d' }, a: { max_budget: 0 } },
      budget_limits: [{ budget_duration: '1d', max_budget: 2.25 }],
    };
    const budget = await create(sent);
    expect(budget).toMatchObject(sent);
    expect(await info('b1')).toEqual([budget]);
    expect(JSON.stringify(budget.model_max_budget)).toBe(JSON.stringify(sent.model_max_budget));
    expect(figurePlaceholder(budget.budget_reset_at)).toMatchObject({
      duration: '12h',
      anchorMs: services.now.getTime(),
    });
  });

  it('invents nothing that was not sent', async () => {
    expect(await create({ budget_id: 'b1' })).toEqual({
      budget_id: 'b1',
      max_budget: null,
      soft_budget: null,
      max_parallel_requests: null,
      tpm_limit: null,
      rpm_limit: null,
      budget_duration: null,
      budget_reset_at: null,
      model_max_budget: null,
      allowed_models: [],
      created_at: services.now.toISOString(),
      created_by: ME,
      updated_at: services.now.toISOString(),
      updated_by: ME,
    });
  });

  it('gets an id when it has none', async () => {
    expect((await create({ max_budget: 1 })).budget_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    [{ max_budget: -1 }, 'max_budget'],
    [{ max_budget: 0.0000000001 }, 'max_budget'],
    [{ max_budget: 'five' }, 'max_budget'],
    [{ budget_duration: 'soon' }, 'budget_duration'],
    [{ tpm_limit: 1.5 }, 'tpm_limit'],
    [{ model_max_budget: [] }, 'model_max_budget'],
    [{ budget_id: '' }, 'budget_id'],
  ])('is refused with %j', async (sent, field) => {
    const response = await refusal(create(sent));
    expect(response.status).toBe(422);
    expect(response.message).toContain(field);
  });

  it('is seen at once, though it was just looked up and not there', async () => {
    expect(await services.budgets.get('b1')).toBeNull();
    await create({ budget_id: 'b1', max_budget: 5 });
    expect(await services.budgets.get('b1')).toMatchObject({ maxBudgetNanoUsd: 5_000_000_000n });
  });

  it('is one, however many make the same at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        create({ budget_id: 'b1' }).then(
          () => 200,
          (error: { getStatus(): number }) => error.getStatus(),
        ),
      ),
    );
    expect(answers.toSorted()).toEqual([200, ...Array<number>(7).fill(409)]);
    expect(await services.database.read((manager) => manager.countBy(Budget, {}))).toBe(1);
    expect((await refusal(create({ budget_id: 'b1' }))).message).toContain('already exists');
  });
});

describe('looking tiers up', () => {
  it('answers in the order asked, without those that are not there', async () => {
    for (const id of ['a', 'b', 'c']) await create({ budget_id: id });
    expect((await info('c', 'nothing', 'a')).map(({ budget_id }) => budget_id)).toEqual(['c', 'a']);
    expect(await info('nothing')).toEqual([]);
  });

  it('needs to be asked for some', async () => {
    expect(await refusal(info())).toMatchObject({ status: 400, param: 'budgets' });
    expect((await refusal(body(BudgetInfoDto, {}))).status).toBe(422);
  });
});
