import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { figurePlaceholder } from '../../src/parties/spend-placeholders.js';
import { secretHash } from '../../src/platform/secrets.js';
import { admin, body, DATABASES, refusal, AdminServices } from '../harness/admin-services.js';
import { NewTeamDto } from '../../src/teams/teams.dto.js';
import {
  BulkUpdateKeysDto,
  DeleteKeysDto,
  GenerateKeyDto,
  KeyListQuery,
  UpdateKeyDto,
} from '../../src/keys/keys.dto.js';
import type { ListedKey } from '../../src/keys/key-list.dto.js';
import { VirtualKey } from '../../src/parties/entities/virtual-key.entity.js';

const ME = admin('default_user_id');

let services: AdminServices;
const generate = async (sent: object = {}) => services.keys.generate(await body(GenerateKeyDto, sent), ME);
const update = async (sent: object) => services.keys.update(await body(UpdateKeyDto, sent), ME);
const info = async (key: string) => (await services.keys.info(key, ME)).info;
const remove = async (sent: object) => services.keys.delete(await body(DeleteKeysDto, sent), ME);
const list = async (query: Partial<KeyListQuery> = {}) => services.keyLists.list(query, ME);

describe.each(DATABASES)('keys on $name', ({ open, skip }) => {
  beforeEach(async () => {
    if (!skip) services = await open();
  });
  afterEach(async () => {
    if (!skip) await services.close();
  });

  describe.skipIf(skip)('a key', () => {
    it('is told once and stored as a hash and four characters', async () => {
      const { key, token, key_name } = await generate();
      expect(key).toMatch(/^sk-[\w-]{20,}$/);
      expect(token).toBe(secretHash(key));
      expect(key_name).toBe(`sk-...${key.slice(-4)}`);
      expect(JSON.stringify(await services.row(VirtualKey, { secretHash: token }))).not.toContain(key);
    });

    it('is told as it was sent, with lists in order', async () => {
      const sent = {
        key_alias: 'ci',
        models: ['z', 'a'],
        max_budget: 0.1,
        budget_duration: '30d',
        tpm_limit: 0,
        rpm_limit: 7,
        max_parallel_requests: 3,
        metadata: { b: 1, a: '[]' },
        tags: ['y', 'x'],
        aliases: { fast: 'slow' },
        allowed_routes: ['/v1/models', 'info_routes'],
        model_rpm_limit: { m: 1 },
      };
      const { key } = await generate(sent);
      const row = await info(key);
      const { metadata, tags, model_rpm_limit, ...plain } = sent;
      expect(row).toMatchObject(plain);
      expect(row.metadata).toEqual({ ...metadata, tags, model_rpm_limit });
      expect(figurePlaceholder(row.budget_reset_at)).toMatchObject({
        figure: 'budget_reset_at',
        duration: '30d',
      });
    });

    it.each([
      ['30d', '2026-12-23T12:00:00.000Z'],
      ['1mo', '2026-12-23T12:00:00.000Z'],
      ['30s', '2026-11-23T12:00:30.000Z'],
      ['-1', null],
      [null, null],
    ])('that lives %s expires at %s', async (duration, expires) => {
      expect((await generate({ duration })).expires).toBe(expires);
    });

    it('belongs to someone who is there; a user is made', async () => {
      expect(await refusal(generate({ team_id: 'nowhere' }))).toMatchObject({
        status: 404,
        param: 'team_id',
      });
      expect(await refusal(generate({ organization_id: 'nowhere' }))).toMatchObject({
        status: 404,
        param: 'organization_id',
      });
      expect(await refusal(generate({ budget_id: 'nowhere' }))).toMatchObject({ status: 404 });
      await generate({ user_id: 'new' });
      expect(await services.users.get('new')).toMatchObject({ userId: 'new', userRole: 'internal_user' });
    });

    it('has an alias of its own', async () => {
      await generate({ key_alias: 'taken' });
      expect(await refusal(generate({ key_alias: 'taken' }))).toMatchObject({
        status: 409,
        param: 'key_alias',
      });
      const other = await generate();
      expect(await refusal(update({ key: other.key, key_alias: 'taken' }))).toMatchObject({ status: 409 });
      await remove({ key_aliases: ['taken'] });
      await update({ key: other.key, key_alias: 'taken' });
    });

    it('may be chosen, once', async () => {
      await generate({ key: 'sk-chosen-12345' });
      expect(await refusal(generate({ key: 'sk-chosen-12345' }))).toMatchObject({ status: 409 });
      expect(await refusal(generate({ key: 'no-prefix-12345' }))).toMatchObject({ status: 422 });
    });
  });

  describe.skipIf(skip)('an update', () => {
    it('keeps what is absent, clears what is null, takes [], 0 and false as values', async () => {
      const { key } = await generate({
        max_budget: 5,
        models: ['a'],
        rpm_limit: 5,
        metadata: { a: 1 },
        key_alias: 'k',
        tags: ['t'],
      });
      await update({ key, rpm_limit: 0, models: [] });
      expect(await info(key)).toMatchObject({
        max_budget: 5,
        models: [],
        rpm_limit: 0,
        key_alias: 'k',
        metadata: { a: 1, tags: ['t'] },
      });
      await update({ key, max_budget: null, metadata: null, key_alias: null, tags: null });
      expect(await info(key)).toMatchObject({ max_budget: null, key_alias: null, metadata: {} });
    });

    it('works by hash too, and is 404 for a key that is not there', async () => {
      const { key, token } = await generate();
      await update({ key: token, max_budget: 1 });
      expect(await info(key)).toMatchObject({ max_budget: 1 });
      expect(await refusal(update({ key: 'sk-nobody-1234', max_budget: 1 }))).toMatchObject({
        status: 404,
        param: 'key',
      });
    });

    it('keeps the window when the duration is sent again, and anchors a new one now', async () => {
      const { key, token } = await generate({ budget_duration: '10d' });
      const anchor = async () =>
        (await services.row(VirtualKey, { secretHash: token })).budgetAnchor?.toISOString();
      const first = await anchor();
      services.now = new Date('2026-11-25T12:00:00.000Z');
      await update({ key, budget_duration: '10d', max_budget: 3 });
      expect(await anchor()).toBe(first);
      await update({ key, budget_duration: '11d' });
      expect(await anchor()).toBe('2026-11-25T12:00:00.000Z');
    });
  });

  describe.skipIf(skip)('many changes at once', () => {
    it('are each for themselves', async () => {
      const [a, b] = [await generate({ key_alias: 'a' }), await generate()];
      const sent = [
        { key: a.key, max_budget: 7 },
        { key: 'sk-nobody-1234' },
        { key: b.token, key_alias: 'a' },
      ];
      const { keys } = await body(BulkUpdateKeysDto, { keys: sent });
      expect(await services.keys.bulkUpdate(keys, ME)).toMatchObject({
        total_requested: 3,
        successful_updates: [{ key: a.key, key_info: { max_budget: 7, key_alias: 'a' } }],
        failed_updates: [
          { key: 'sk-nobody-1234', key_info: null, failed_reason: expect.stringContaining('not found') },
          { key: b.token, key_info: null, failed_reason: expect.stringContaining('already exists') },
        ],
      });
    });
  });

  describe.skipIf(skip)('a service account', () => {
    it('is a team’s key and nobody’s', async () => {
      const make = async (sent: object) =>
        services.keys.generateServiceAccount(await body(GenerateKeyDto, sent), ME);
      expect(await refusal(make({ user_id: 'u' }))).toMatchObject({ status: 400, param: 'team_id' });
      expect(await refusal(make({ team_id: 'not-there' }))).toMatchObject({ status: 404 });
      await services.teams.create(await body(NewTeamDto, { team_id: 't' }), ME);
      expect(await make({ team_id: 't', user_id: 'u' })).toMatchObject({ team_id: 't', user_id: null });
    });
  });

  describe.skipIf(skip)('deleting', () => {
    it('names what was deleted, passes over the unknown, but not if all are', async () => {
      const [a, b] = [await generate(), await generate()];
      expect(await remove({ keys: [a.key, 'sk-unknown-1', b.token] })).toEqual([a.key, b.token]);
      expect(await refusal(remove({ keys: [a.key] }))).toMatchObject({ status: 404 });
      expect(await refusal(remove({}))).toMatchObject({ status: 400 });
      expect(await services.keys.getByHash(a.token)).toBeNull();
    });
  });

  describe.skipIf(skip)('the list', () => {
    it('comes in pages, newest first, filtered', async () => {
      for (let i = 1; i <= 12; i++) {
        services.now = new Date(services.now.getTime() + 1_000);
        await generate({ key_alias: `k${i}`, ...(i % 2 && { user_id: 'odd' }) });
      }
      const first = await list({ return_full_object: true });
      expect(first).toMatchObject({ total_count: 12, current_page: 1, total_pages: 2 });
      expect(first.keys.map((key) => (key as ListedKey).key_alias)).toEqual(
        [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((i) => `k${i}`),
      );
      expect((await list({ page: 2 })).keys).toHaveLength(2);
      expect((await list({ user_id: 'odd' })).total_count).toBe(6);
      expect((await list({ key_alias: 'k1' })).total_count).toBe(1);
      expect((await list({ user_id: '%' })).total_count).toBe(0);
    });

    it('knows who made a key, whose team it is, what it spent and what is gone', async () => {
      const own = await generate({ key_alias: 'own', user_id: 'maker', spend: 0.1 });
      const other = await services.keys.generate(
        await body(GenerateKeyDto, { key_alias: 'made', spend: 0.3 }),
        admin('maker'),
      );
      const gone = await generate({ key_alias: 'gone', user_id: 'maker', spend: 0.2 });
      const aliases = async (query: Partial<KeyListQuery>) =>
        (await list({ return_full_object: true, ...query })).keys.map((key) => (key as ListedKey).key_alias);

      expect(await aliases({ sort_by: 'spend' })).toEqual(['made', 'gone', 'own']);
      expect(await aliases({ sort_by: 'spend', sort_order: 'asc', size: 2, page: 2 })).toEqual(['made']);
      await remove({ keys: [gone.key] });
      expect(await aliases({ status: 'deleted' })).toEqual(['gone']);
      expect(await aliases({ user_id: 'maker' })).toEqual(['own']);
      expect(
        await aliases({
          user_id: 'maker',
          include_created_by_keys: true,
          sort_by: 'key_alias',
          sort_order: 'asc',
        }),
      ).toEqual(['made', 'own']);
      const [expanded] = (await list({ user_id: 'maker', return_full_object: true, expand: ['user'] })).keys;
      expect(expanded).toMatchObject({ user: { user_id: 'maker' } });

      expect(await services.keyLists.aliases({ search: 'OW' }, ME)).toEqual({
        aliases: ['own'],
        total_count: 1,
        current_page: 1,
        total_pages: 1,
        size: 50,
      });
      expect((await services.keyLists.aliases({ search: '%' }, ME)).aliases).toEqual([]);
      expect((await services.keyLists.aliases({}, ME)).aliases).toEqual(['made', 'own']);
      const asked = [own.key, 'sk-nobody-1234', other.token, gone.token];
      const { key, info: infos } = await services.keyLists.infos(asked, ME);
      expect(key).toEqual(asked);
      expect(infos.map((one) => one.key_alias).toSorted()).toEqual(['made', 'own']);
    });
  });

  describe.skipIf(skip)('a look at a key', () => {
    it('is its own and the administrator’s', async () => {
      const [mine, other] = [await generate(), await generate()];
      const me = { ...ME, role: 'customer', userId: null, keyHash: mine.token } as const;
      expect(await services.keys.info(undefined, me)).toMatchObject({ key: mine.token });
      expect(await refusal(services.keys.info(other.key, me))).toMatchObject({ status: 404 });
      expect(await refusal(services.keys.info('sk-nobody-1234', me))).toMatchObject({ status: 404 });
      expect(await refusal(services.keys.info('sk-nobody-1234', ME))).toMatchObject({ status: 404 });
    });
  });
});
