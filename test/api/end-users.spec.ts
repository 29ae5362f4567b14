import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NewBudgetDto } from '../../src/budgets/budgets.dto.js';
import { figurePlaceholder } from '../../src/parties/spend-placeholders.js';
import { body, DATABASES, refusal, AdminServices } from '../harness/admin-services.js';
import { EndUser } from '../../src/parties/entities/end-user.entity.js';
import { type EndUserRow, NewEndUserDto, UpdateEndUserDto } from '../../src/end-users/end-users.dto.js';

const ME = 'default_user_id';

let services: AdminServices;

const create = async (sent: object) => services.endUsers.create(await body(NewEndUserDto, sent), ME);
const update = async (sent: object) => services.endUsers.update(await body(UpdateEndUserDto, sent), ME);
const info = (userId: string) => services.endUsers.info(userId);
const tier = async (sent: object) => services.budgets.create(await body(NewBudgetDto, sent), ME);

describe.each(DATABASES)('end users on $name', ({ open, skip }) => {
  beforeEach(async () => {
    if (!skip) services = await open();
  });
  afterEach(async () => {
    if (!skip) await services.close();
  });

  describe.skipIf(skip)('an end user', () => {
    it('has the shape LiteLLM gives it', async () => {
      const { spend, ...endUser } = await create({ user_id: 'c1' });
      expect(endUser).toEqual({
        user_id: 'c1',
        blocked: false,
        alias: null,
        allowed_model_region: null,
        default_model: null,
        litellm_budget_table: null,
        object_permission_id: null,
        object_permission: null,
      });
      expect(figurePlaceholder(spend)).toMatchObject({ kind: 'end_user', duration: null });
    });

    it('is told as it was sent, its limits in a table', async () => {
      const fields = { alias: 'A', blocked: true, allowed_model_region: null, default_model: 'gpt-4o-mini' };
      const limits = { max_budget: 0.1, tpm_limit: 0, budget_duration: '12h' };
      const permission = { object_permission: { mcp_servers: [] } };
      await create({ user_id: 'c1', ...fields, ...limits, ...permission });
      const endUser = await info('c1');
      expect(endUser).toMatchObject({ ...fields, ...permission, litellm_budget_table: limits });
      expect(figurePlaceholder(endUser.spend)).toMatchObject({ kind: 'end_user', duration: '12h' });
    });

    it('shows the limits of its tier, where it has none of its own', async () => {
      await tier({ budget_id: 'free', max_budget: 1, budget_duration: '12h', tpm_limit: 5 });
      expect(
        (await create({ user_id: 'c1', budget_id: 'free', tpm_limit: 9 })).litellm_budget_table,
      ).toMatchObject({
        budget_id: 'free',
        max_budget: 1,
        budget_duration: '12h',
        tpm_limit: 9,
      });
      expect(figurePlaceholder((await info('c1')).spend)).toMatchObject({ duration: '12h' });
      expect((await update({ user_id: 'c1', max_budget: 2 })).litellm_budget_table).toMatchObject({
        max_budget: 2,
        budget_duration: null,
      });
    });

    it.each([
      ['an id that is taken', { user_id: 'taken' }, 409, 'Customer already exists, passed user_id=taken'],
      ['an unknown tier', { budget_id: 'nothing' }, 404, 'not found'],
      ['spending below zero', { spend: -5 }, 422, 'spend'],
      ['an unknown region', { allowed_model_region: 'mars' }, 422, 'allowed_model_region'],
      ['no id', { user_id: '' }, 422, 'user_id'],
      ['a permission that is none', { object_permission: [] }, 422, 'object_permission'],
      ['a permission', { object_permission: { vector_stores: ['a'] } }, 422, 'object_permission'],
      ['a region', { allowed_model_region: 'eu' }, 422, 'allowed_model_region'],
      ['models', { models: ['gpt-4o'] }, 422, 'models'],
    ])('is refused with %s', async (_, sent, status, words) => {
      await create({ user_id: 'taken' });
      const response = await refusal(create({ user_id: 'c1', ...sent }));
      expect(response.status).toBe(status);
      expect(response.message).toContain(words);
      expect(await services.endUsers.get('c1')).toBeNull();
    });

    it('takes no list of models, which nobody would look at', async () => {
      await create({ user_id: 'c1', models: [], metadata: 'x' });
      expect(await services.endUsers.get('c1')).toMatchObject({ models: null, metadata: null });
    });

    it.each([
      ['alias', 'A', null, null],
      ['blocked', true, false, false],
      ['default_model', 'm', null, null],
      ['object_permission', { a: [] }, null, null],
      ['object_permission', { a: [] }, {}, {}],
    ])('keeps %s when it is absent, and takes %j over %j', async (name, before, sent, after) => {
      const field = name as keyof EndUserRow;
      await create({ user_id: 'c1', [field]: before });
      expect((await update({ user_id: 'c1' }))[field]).toEqual(before);
      expect((await update({ user_id: 'c1', [field]: sent }))[field]).toEqual(after);
      expect((await info('c1'))[field]).toEqual(after);
    });

    it.each([
      ['max_budget', 5, 0, 0],
      ['tpm_limit', 5, 0, 0],
      ['budget_duration', '1d', '2d', '2d'],
    ])(
      'keeps its limit %s when it is absent, and takes %j over %j; null clears',
      async (field, before, sent, after) => {
        await create({ user_id: 'c1', [field]: before });
        expect((await update({ user_id: 'c1' })).litellm_budget_table).toMatchObject({ [field]: before });
        expect((await update({ user_id: 'c1', [field]: sent })).litellm_budget_table).toMatchObject({
          [field]: after,
        });
        expect((await update({ user_id: 'c1', [field]: null })).litellm_budget_table).toBeNull();
      },
    );

    it('that is not there is neither told nor changed', async () => {
      const words = 'End User Id=nobody does not exist in db';
      expect(await refusal(info('nobody'))).toMatchObject({
        status: 404,
        param: 'end_user_id',
        message: words,
      });
      expect(await refusal(update({ user_id: 'nobody' }))).toMatchObject({
        status: 404,
        param: 'user_id',
        message: words,
      });
    });

    it('is listed, oldest first', async () => {
      await create({ user_id: 'z' });
      services.now = new Date(services.now.getTime() + 1_000);
      await create({ user_id: 'a' });
      expect((await services.endUsers.list({})).map(({ user_id }) => user_id)).toEqual(['z', 'a']);
    });
  });

  describe.skipIf(skip)('deleting end users', () => {
    it('is seen at once, keeps the internal id, and nothing else', async () => {
      await create({ user_id: 'c1', max_budget: 5, blocked: true });
      const { id } = await services.row(EndUser, { userId: 'c1' });
      expect(await services.endUsers.get('c1')).not.toBeNull();
      expect(await services.endUsers.delete(['c1', 'c1'], ME)).toEqual({
        deleted_customers: 1,
        message: "Successfully deleted customers with ids: ['c1']",
      });
      expect(await services.endUsers.get('c1')).toBeNull();
      expect(await create({ user_id: 'c1' })).toMatchObject({ blocked: false, litellm_budget_table: null });
      expect((await services.row(EndUser, { userId: 'c1' })).id).toBe(id);
    });

    it('names all that are not there, and deletes none', async () => {
      await create({ user_id: 'c1' });
      expect(await refusal(services.endUsers.delete(['a', 'c1', 'b'], ME))).toMatchObject({
        status: 404,
        param: 'user_ids',
        message: 'End User Id(s)=a, b do not exist in db',
      });
      expect(await services.endUsers.get('c1')).not.toBeNull();
    });
  });

  describe.skipIf(skip)('blocking end users', () => {
    it('makes those nobody has met, blocked, and is seen at once', async () => {
      await create({ user_id: 'c1', alias: 'A' });
      expect([await services.endUsers.get('c1'), await services.endUsers.get('c2')]).toMatchObject([
        { alias: 'A' },
        null,
      ]);
      expect(await services.endUsers.block(['c2', 'c1'], ME)).toMatchObject([
        { user_id: 'c2', blocked: true },
        { user_id: 'c1', blocked: true, alias: 'A' },
      ]);
      for (const id of ['c1', 'c2']) expect((await services.endUsers.get(id))!.blocked).toBe(true);
    });

    it('revives the deleted: they must not call either', async () => {
      await create({ user_id: 'c1' });
      const { id } = await services.row(EndUser, { userId: 'c1' });
      await services.endUsers.delete(['c1'], ME);
      await services.endUsers.block(['c1'], ME);
      expect(await services.endUsers.get('c1')).toMatchObject({ id, blocked: true });
    });

    it('is undone by unblocking: none of them is left', async () => {
      await services.endUsers.block(['c1', 'c2'], ME);
      expect(await services.endUsers.unblock(['c1'], ME)).toEqual([]);
      expect((await services.endUsers.get('c1'))!.blocked).toBe(false);
      expect((await services.endUsers.get('c2'))!.blocked).toBe(true);
    });

    it('is not undone for any when one is not there', async () => {
      await services.endUsers.block(['c1'], ME);
      expect(await refusal(services.endUsers.unblock(['c1', 'x', 'y'], ME))).toMatchObject({
        status: 404,
        message: 'End User Id(s)=x, y do not exist in db',
      });
      expect((await services.endUsers.get('c1'))!.blocked).toBe(true);
    });

    it('ends with one row each, however many block them at once and in any order', async () => {
      const ids = ['a', 'b', 'c', 'd'];
      await Promise.all(
        Array.from({ length: 10 }, (_, i) => services.endUsers.block(i % 2 ? ids : ids.toReversed(), ME)),
      );
      expect(await services.database.read((manager) => manager.countBy(EndUser, { blocked: true }))).toBe(4);
    });
  });

  it.skipIf(skip)('are made once, however many calls bring a new one at once', async () => {
    const rows = await Promise.all(
      Array.from({ length: 10 }, () => services.endUsers.getOrCreate('c1', async () => {})),
    );
    expect(new Set(rows.map(({ id }) => id)).size).toBe(1);
  });
});
