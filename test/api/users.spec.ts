import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secretHash } from '../../src/platform/secrets.js';
import { NewTeamDto } from '../../src/teams/teams.dto.js';
import { admin, body, DATABASES, refusal, AdminServices } from '../harness/admin-services.js';
import { User } from '../../src/parties/entities/user.entity.js';
import { NewUserDto, UpdateUserDto, type UserListQuery } from '../../src/users/users.dto.js';

const ME = admin('default_user_id');

let services: AdminServices;
const create = async (sent: object = {}) => services.users.create(await body(NewUserDto, sent), ME);
const update = async (sent: object) => services.users.update(await body(UpdateUserDto, sent), ME);
const info = (id: string) => services.users.info(id, ME);
const list = (query: UserListQuery = {}) => services.userLists.list(query, ME);
const team = async (team_id: string) => services.teams.create(await body(NewTeamDto, { team_id }), ME);

describe.each(DATABASES)('users on $name', ({ open, skip }) => {
  beforeEach(async () => {
    if (!skip) services = await open();
  });
  afterEach(async () => {
    if (!skip) await services.close();
  });

  describe.skipIf(skip)('a user', () => {
    it('is made with a key of its own, whose limits are the user’s', async () => {
      const { key, user_id, max_budget } = await create({ user_id: 'alice', max_budget: 5, models: ['m'] });
      expect([user_id, max_budget]).toEqual(['alice', 5]);
      expect(await services.keys.getByHash(secretHash(key))).toMatchObject({
        userId: 'alice',
        maxBudgetNanoUsd: null,
        models: null,
      });
      expect(await info('alice')).toMatchObject({
        user_info: { max_budget: 5, models: ['m'] },
        keys: [{ user_id: 'alice' }],
      });
    });

    it('or without one', async () => {
      expect(await create({ user_id: 'bob', auto_create_key: false })).toMatchObject({
        key: '',
        token: null,
      });
      expect((await info('bob')).keys).toEqual([]);
    });

    it('joins teams, or is not made at all', async () => {
      await team('t1');
      expect(await refusal(create({ user_id: 'carol', teams: ['t1', 'nowhere'] }))).toMatchObject({
        status: 404,
      });
      expect(await services.users.get('carol')).toBeNull();
      await create({ user_id: 'carol', teams: ['t1'] });
      expect((await info('carol')).teams.map(({ team_id }) => team_id)).toEqual(['t1']);
      expect(await services.teamMembers.get('t1', 'carol')).not.toBeNull();
    });

    it('has an id and an address of its own', async () => {
      await create({ user_id: 'dora', user_email: 'Dora@Example.com' });
      expect(await refusal(create({ user_id: 'dora' }))).toMatchObject({ status: 409, param: 'user_id' });
      expect(await refusal(create({ user_email: 'dora@example.COM' }))).toMatchObject({
        status: 409,
        param: 'user_email',
      });
    });

    it('that many ask for at once is one', async () => {
      const users = await Promise.all(
        Array.from({ length: 10 }, () => services.users.getOrCreate('once', ME.id)),
      );
      expect(new Set(users.map(({ id }) => id)).size).toBe(1);
      expect(users[0]).toMatchObject({ userRole: 'internal_user' });
    });
  });

  describe.skipIf(skip)('an update', () => {
    it('keeps what is absent and clears what is null', async () => {
      await create({
        user_id: 'u',
        max_budget: 5,
        user_alias: 'U',
        metadata: { a: 1 },
        auto_create_key: false,
      });
      await update({ user_id: 'u', rpm_limit: 3 });
      expect((await info('u')).user_info).toMatchObject({
        max_budget: 5,
        user_alias: 'U',
        rpm_limit: 3,
        metadata: { a: 1 },
      });
      await update({ user_id: 'u', max_budget: null, user_alias: null });
      expect((await info('u')).user_info).toMatchObject({ max_budget: null, user_alias: null, rpm_limit: 3 });
    });

    it('finds the user by address as well', async () => {
      await create({ user_id: 'u', user_email: 'u@example.com', auto_create_key: false });
      expect((await update({ user_email: 'U@example.com', max_budget: 1 })).user_id).toBe('u');
      expect(await refusal(update({ user_email: 'nobody@example.com' }))).toMatchObject({ status: 404 });
      expect(await refusal(update({ max_budget: 1 }))).toMatchObject({ status: 400 });
      expect(await refusal(update({ user_id: 'nobody' }))).toMatchObject({ status: 404 });
    });

    it('blocks', async () => {
      await create({ user_id: 'u', auto_create_key: false });
      await update({ user_id: 'u', blocked: true });
      expect(await services.users.get('u')).toMatchObject({ blocked: true });
    });
  });

  describe.skipIf(skip)('deleting', () => {
    it('takes keys and memberships along, all or none; the internal id stays', async () => {
      await team('t1');
      const { key } = await create({ user_id: 'u', teams: ['t1'] });
      const { id } = await services.row(User, { userId: 'u' });
      expect(await refusal(services.users.delete(['u', 'nobody'], ME))).toMatchObject({ status: 404 });
      expect(await services.keys.getByHash(secretHash(key))).not.toBeNull();
      expect(await services.users.delete(['u', 'u'], ME)).toBe(1);
      expect(await services.keys.getByHash(secretHash(key))).toBeNull();
      expect(await services.teamMembers.get('t1', 'u')).toBeNull();
      await create({ user_id: 'u', auto_create_key: false });
      expect((await services.row(User, { userId: 'u' })).id).toBe(id);
      expect((await info('u')).user_info).toMatchObject({ teams: [], max_budget: null });
    });
  });

  describe.skipIf(skip)('the list', () => {
    it('is filtered by text, not by patterns, and comes in pages', async () => {
      for (const [user_id, user_email] of [
        ['a', 'a_1@example.com'],
        ['b', 'ab1@example.com'],
        ['c', '100%@example.com'],
      ])
        await create({ user_id, user_email, auto_create_key: false });
      const found = async (query: UserListQuery) =>
        (await list(query)).users.map(({ user_id }) => user_id).toSorted();
      expect(await found({ user_email: 'A_1' })).toEqual(['a']);
      expect(await found({ user_email: '%' })).toEqual(['c']);
      expect(await found({ user_ids: 'a,c,zzz' })).toEqual(['a', 'c']);
      expect(await list({ page: 2, page_size: 2 })).toMatchObject({
        total: 3,
        page: 2,
        page_size: 2,
        total_pages: 2,
      });
    });
  });
});
