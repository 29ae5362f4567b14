import { IsNull } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GenerateKeyDto } from '../../src/keys/keys.dto.js';
import { VirtualKey } from '../../src/parties/entities/virtual-key.entity.js';
import { figurePlaceholder } from '../../src/parties/spend-placeholders.js';
import { secretHash } from '../../src/platform/secrets.js';
import { User } from '../../src/parties/entities/user.entity.js';
import { Member } from '../../src/parties/entities/team-member.entity.js';
import { admin, body, DATABASES, refusal, AdminServices } from '../harness/admin-services.js';
import { teamMemberDefaults } from '../../src/teams/team-member-defaults.js';
import { Team } from '../../src/parties/entities/team.entity.js';
import {
  AddMembersDto,
  MemberOfTeamDto,
  NewTeamDto,
  type TeamRow,
  UpdateMemberDto,
  UpdateTeamDto,
} from '../../src/teams/teams.dto.js';

const ME = admin('default_user_id');

let services: AdminServices;

const create = async (sent: object) => services.teams.create(await body(NewTeamDto, sent), ME);
const update = async (sent: object) => services.teams.update(await body(UpdateTeamDto, sent), ME);
const info = (teamId: string) => services.teams.info(teamId, ME);
const addMembers = async (sent: object) => services.teamMembers.add(await body(AddMembersDto, sent), ME);
const updateMember = async (sent: object) =>
  services.teamMembers.update(await body(UpdateMemberDto, sent), ME);
const deleteMember = async (sent: object) =>
  services.teamMembers.delete(await body(MemberOfTeamDto, sent), ME);
const key = async (sent: object) => services.keys.generate(await body(GenerateKeyDto, sent), ME);
const memberIds = ({ members_with_roles }: TeamRow) => members_with_roles.map(({ user_id }) => user_id);

describe.each(DATABASES)('teams on $name', ({ open, skip }) => {
  beforeEach(async () => {
    if (!skip) services = await open();
  });
  afterEach(async () => {
    if (!skip) await services.close();
  });

  describe.skipIf(skip)('a team', () => {
    it('is told as it was sent, with lists in order and nothing invented', async () => {
      const sent = {
        team_id: 't1',
        team_alias: 'Research',
        models: ['z-model', 'a-model'],
        metadata: { b: 1, a: '[]' },
        max_budget: 0.1,
        budget_duration: '30d',
        tpm_limit: 0,
        rpm_limit: 7,
        tags: ['y', 'x'],
        guardrails: ['g'],
        prompts: ['p'],
        router_settings: { fallbacks: [{ m: ['b', 'a'] }] },
        model_rpm_limit: { m: 3 },
        team_member_budget: 0.25,
        team_member_budget_duration: '1d',
        team_member_rpm_limit: 0,
        secret_manager_settings: { a: 1 },
        allowed_vector_store_indexes: [{ index_name: 'i', index_permissions: ['read'] }],
        enforced_file_expires_after: { anchor: 'created_at', seconds: 3600 },
      };
      expect(await create(sent)).toMatchObject(sent);
      const { team_info } = await info('t1');
      expect(team_info).toMatchObject({
        ...sent,
        blocked: false,
        organization_id: null,
        members_with_roles: [],
      });
      expect(team_info.metadata).toEqual(sent.metadata);
      expect(team_info).not.toHaveProperty('team_member_budget_anchor');
      expect(team_info).not.toHaveProperty('team_member_tpm_limit');
      expect(figurePlaceholder(team_info.spend)).toMatchObject({
        kind: 'team',
        figure: 'spend',
        duration: '30d',
      });
    });

    it('tells its model aliases', async () => {
      await create({ team_id: 't1', model_aliases: { fast: 'gpt-4o-mini' } });
      const { team_info } = await info('t1');
      expect(team_info).toMatchObject({
        model_aliases: { fast: 'gpt-4o-mini' },
        litellm_model_table: { model_aliases: { fast: 'gpt-4o-mini' }, created_by: ME.id, updated_by: ME.id },
      });
    });

    it('gets an id when it has none, and never the caller as a member', async () => {
      const { team_id, members_with_roles } = await create({ team_alias: 'A' });
      expect(team_id).toMatch(/^[0-9a-f-]{36}$/);
      expect(members_with_roles).toEqual([]);
    });

    it.each([
      ['an id that is taken', { team_id: 'taken' }, 409, 'already exists'],
      ['an unknown organization', { organization_id: 'nobody' }, 404, "Organization doesn't exist in db"],
      ['an unknown tier', { budget_id: 'nothing' }, 404, 'not found'],
      ['spending below zero', { spend: -5 }, 422, 'spend'],
      ['a list that is none', { tags: 'a' }, 422, 'tags'],
      ['a mapping that is none', { router_settings: [] }, 422, 'router_settings'],
      ['a negative budget for members', { team_member_budget: -1 }, 422, 'team_member_budget'],
      ['a member nobody names', { members_with_roles: [{ role: 'user' }] }, 400, 'user_id'],
    ])('is refused with %s', async (_, sent, status, words) => {
      await create({ team_id: 'taken' });
      const response = await refusal(create({ team_id: 't1', ...sent }));
      expect(response.status).toBe(status);
      expect(response.message).toContain(words);
      expect(await services.teams.get('t1')).toBeNull();
    });

    it('is seen at once, though it was just looked up and not there', async () => {
      expect(await services.teams.get('t1')).toBeNull();
      await create({ team_id: 't1' });
      expect(await services.teams.get('t1')).toMatchObject({ teamId: 't1' });
    });

    it.each([
      ['team_alias', 'A', null, null],
      ['max_budget', 5, null, null],
      ['max_budget', 5, 0, 0],
      ['soft_budget', 5, null, null],
      ['budget_duration', '30d', null, null],
      ['tpm_limit', 5, 0, 0],
      ['tpm_limit', 5, null, null],
      ['rpm_limit', 5, null, null],
      ['models', ['a'], [], []],
      ['models', ['a'], null, []],
      ['blocked', true, false, false],
      ['metadata', { a: 1 }, { b: 2 }, { b: 2 }],
      ['metadata', { a: 1 }, {}, {}],
      ['tags', ['a'], [], []],
      ['tags', ['a'], null, undefined],
      ['team_member_budget', 5, 0, 0],
      ['team_member_budget', 5, null, undefined],
      ['team_member_budget_duration', '1d', null, undefined],
      ['team_member_tpm_limit', 5, null, undefined],
      ['router_settings', { a: 1 }, {}, {}],
    ])('keeps %s when it is absent, and takes %j over %j', async (name, before, sent, after) => {
      const field = name as keyof TeamRow;
      await create({ team_id: 't1', [field]: before });
      expect((await update({ team_id: 't1', models: undefined })).data[field]).toEqual(before);
      expect((await update({ team_id: 't1', [field]: sent })).data[field] ?? undefined).toEqual(
        after ?? undefined,
      );
      expect((await info('t1')).team_info[field] ?? undefined).toEqual(after ?? undefined);
    });

    it.each(['', null])('leaves its organization for %j', async (none) => {
      await organization('o1');
      expect(await create({ team_id: 't1', organization_id: 'o1' })).toMatchObject({ organization_id: 'o1' });
      expect((await update({ team_id: 't1', team_alias: 'A' })).data.organization_id).toBe('o1');
      expect((await update({ team_id: 't1', organization_id: none })).data.organization_id).toBeNull();
    });

    it('is blocked and unblocked, at once for those who cached it', async () => {
      await create({ team_id: 't1' });
      await services.teams.get('t1');
      expect(await services.teams.setBlocked('t1', true, ME)).toMatchObject({ team_id: 't1', blocked: true });
      expect((await services.teams.get('t1'))!.blocked).toBe(true);
      expect(await services.teams.setBlocked('t1', false, ME)).toMatchObject({ blocked: false });
      expect((await services.teams.get('t1'))!.blocked).toBe(false);
    });

    it.each([
      ['update', () => update({ team_id: 'nobody' })],
      ['info', () => info('nobody')],
      ['block', () => services.teams.setBlocked('nobody', true, ME)],
      ['delete', () => services.teams.delete(['nobody'], ME)],
    ])('that is not there cannot be asked to %s', async (_, act) => {
      const response = await refusal(act());
      expect(response).toMatchObject({ status: 404, param: 'team_id' });
      expect(response.message).toContain("Team doesn't exist in db. Team=nobody");
    });

    it('shows its live keys without secrets, and no expired one', async () => {
      await create({ team_id: 't1' });
      await key({ key: 'sk-alive-1234', team_id: 't1' });
      await key({ key: 'sk-gone-56789', team_id: 't1', duration: '1s' });
      services.now = new Date(services.now.getTime() + 2_000);
      const { keys } = await info('t1');
      expect(keys.map(({ token }) => token)).toEqual([secretHash('sk-alive-1234')]);
      expect(JSON.stringify(keys)).not.toContain('sk-alive');
    });

    it('is listed by name, by member and by organization', async () => {
      await organization('o1');
      await create({ team_id: 't2', team_alias: 'b', organization_id: 'o1' });
      await create({
        team_id: 't1',
        team_alias: 'a',
        members_with_roles: [{ role: 'user', user_id: 'alice' }],
      });
      await key({ key: 'sk-alive-1234', team_id: 't1' });
      const ids = async (query: object) =>
        (await services.teamLists.list(query, ME)).map(({ team_id }) => team_id);
      expect(await ids({})).toEqual(['t1', 't2']);
      expect(await ids({ user_id: 'alice' })).toEqual(['t1']);
      expect(await ids({ organization_id: 'o1' })).toEqual(['t2']);
      expect(await ids({ organization_id: 'default_organization' })).toEqual(['t1']);
      expect(await services.teamLists.list({ user_id: 'alice' }, ME)).toMatchObject([
        { keys: [{ token: secretHash('sk-alive-1234') }], team_memberships: [{ user_id: 'alice' }] },
      ]);
    });
  });

  describe.skipIf(skip)('deleting teams', () => {
    it('takes their members and keys along, at once for those who cached them', async () => {
      await create({ team_id: 't1', members_with_roles: [{ role: 'user', user_id: 'alice' }] });
      await create({ team_id: 't2' });
      await key({ key: 'sk-alive-1234', team_id: 't1', user_id: 'alice' });
      await key({ key: 'sk-other-1234', user_id: 'alice' });
      const cached = () =>
        Promise.all([
          services.teams.get('t1'),
          services.teamMembers.get('t1', 'alice'),
          services.keys.getByHash(secretHash('sk-alive-1234')),
        ]);
      expect(await cached()).not.toContain(null);
      await services.teams.delete(['t1', 't1'], ME);
      expect(await cached()).toEqual([null, null, null]);
      expect(await services.teams.get('t2')).not.toBeNull();
      expect(await services.keys.getByHash(secretHash('sk-other-1234'))).not.toBeNull();
    });

    it('does nothing when one of them is not there', async () => {
      await create({ team_id: 't1' });
      expect((await refusal(services.teams.delete(['t1', 'nobody'], ME))).status).toBe(404);
      expect(await services.teams.get('t1')).not.toBeNull();
    });

    it('keeps the internal id for when the same id comes back, and nothing else', async () => {
      await create({ team_id: 't1', max_budget: 5, blocked: true, tags: ['a'] });
      const { id } = await services.row(Team, { teamId: 't1' });
      await services.teams.delete(['t1'], ME);
      const again = await create({ team_id: 't1' });
      expect(again).toMatchObject({ max_budget: null, blocked: false, members_with_roles: [] });
      expect(again).not.toHaveProperty('tags');
      expect((await services.row(Team, { teamId: 't1' })).id).toBe(id);
    });

    it('takes thousands of keys along, and evicts every one', async () => {
      await create({ team_id: 't1' });
      await key({ key: 'sk-model-of-all', team_id: 't1' });
      const model = await services.row(VirtualKey, { teamId: 't1' });
      const many = Array.from({ length: 3_000 }, (_, i) => ({
        ...model,
        id: `id-${i}`,
        secretHash: `hash-${i}`,
      }));
      await services.database.write((tx) => tx.save(VirtualKey, many, { chunk: 200 }));
      expect(await services.keys.getByHash('hash-2999')).not.toBeNull();
      await services.teams.delete(['t1'], ME);
      expect(await services.keys.getByHash('hash-2999')).toBeNull();
      expect(
        await services.database.read((manager) => manager.countBy(VirtualKey, { deletedAt: IsNull() })),
      ).toBe(0);
    });
  });

  describe.skipIf(skip)('members', () => {
    beforeEach(() => create({ team_id: 't1' }));

    it('given with a new team become members, and users if they are none', async () => {
      const team = await create({
        team_id: 't2',
        members_with_roles: [
          { role: 'user', user_id: 'zoe' },
          { role: 'admin', user_id: 'alice', user_email: 'Alice@Example.com' },
          { role: 'user', user_id: 'zoe' },
        ],
      });
      expect(team.members_with_roles).toEqual([
        { user_id: 'zoe', user_email: null, role: 'user' },
        { user_id: 'alice', user_email: 'Alice@Example.com', role: 'admin' },
      ]);
      expect(await services.row(User, { userId: 'zoe' })).toMatchObject({ userRole: 'internal_user' });
    });

    it.each([
      ['one', { role: 'user', user_id: 'alice' }, ['alice']],
      [
        'several',
        [
          { role: 'user', user_id: 'zoe' },
          { role: 'admin', user_id: 'alice' },
        ],
        ['zoe', 'alice'],
      ],
    ])('are added, %s', async (_, member, ids) => {
      const answer = await addMembers({
        team_id: 't1',
        member,
        max_budget_in_team: 2.5,
        allowed_models: ['b', 'a'],
      });
      expect(memberIds(answer)).toEqual(ids);
      expect(answer.updated_users).toMatchObject(
        ids.map((id) => ({ user_id: id, user_role: 'internal_user' })),
      );
      expect(answer.updated_team_memberships).toMatchObject(
        ids.map((id) => ({ user_id: id, team_id: 't1', litellm_budget_table: { max_budget: 2.5 } })),
      );
      expect(await services.teamMembers.get('t1', ids[0]!)).toMatchObject({
        maxBudgetNanoUsd: 2_500_000_000n,
        models: ['b', 'a'],
      });
    });

    it.each([
      ['nobody', undefined],
      ['null', null],
      ['an empty list', []],
      ['a null among others', [null]],
      ['a text', ['alice']],
      ['an unknown role', { role: 'owner', user_id: 'alice' }],
      ['no role', { user_id: 'alice' }],
    ])('cannot be %s', async (_, member) => {
      expect((await refusal(addMembers({ team_id: 't1', member }))).status).toBe(422);
    });

    it('need an id or an address', async () => {
      expect((await refusal(addMembers({ team_id: 't1', member: { role: 'user' } }))).status).toBe(400);
    });

    it('need a team', async () => {
      const response = await refusal(
        addMembers({ team_id: 'nobody', member: { role: 'user', user_id: 'alice' } }),
      );
      expect(response.status).toBe(404);
      expect(
        (await refusal(services.row(User, { userId: 'alice' })).catch(() => ({ status: 0 }))).status,
      ).toBe(0);
    });

    it('already in are passed over; 400 when all are', async () => {
      const alice = { role: 'user', user_id: 'alice' };
      await addMembers({ team_id: 't1', member: alice, max_budget_in_team: 1 });
      const response = await refusal(addMembers({ team_id: 't1', member: alice, max_budget_in_team: 9 }));
      expect(response).toMatchObject({ status: 400, type: 'team_member_already_in_team', param: 'member' });
      expect(response.message).toContain('User already in team.');
      const zoe = { role: 'user', user_id: 'zoe' };
      const answer = await addMembers({ team_id: 't1', member: [alice, zoe, zoe], max_budget_in_team: 9 });
      expect(memberIds(answer)).toEqual(['alice', 'zoe']);
      expect(answer.updated_team_memberships).toMatchObject([{ user_id: 'zoe' }]);
      expect((await services.teamMembers.get('t1', 'alice'))!.maxBudgetNanoUsd).toBe(1_000_000_000n);
    });

    it('are found by their address, whatever the case of its ASCII letters, and made if there is none', async () => {
      const first = await addMembers({
        team_id: 't1',
        member: { role: 'user', user_email: 'Zoë@Example.com' },
      });
      const [zoe] = first.members_with_roles;
      expect(zoe).toMatchObject({ user_email: 'Zoë@Example.com' });
      expect(zoe!.user_id).toMatch(/^[0-9a-f-]{36}$/);
      await create({ team_id: 't2' });
      const second = await addMembers({
        team_id: 't2',
        member: { role: 'user', user_email: 'ZOë@example.COM' },
      });
      expect(memberIds(second)).toEqual([zoe!.user_id]);
    });

    it.each([
      ['an unknown', false],
      ['a known', true],
    ])('are one, however many add %s user at once', async (_, known) => {
      await create({ team_id: 't2', members_with_roles: known ? [{ role: 'user', user_id: 'alice' }] : [] });
      const asked = Array.from({ length: 12 }, () =>
        addMembers({ team_id: 't1', member: { role: 'user', user_id: 'alice' } }).then(
          () => 'added',
          (error: { getStatus(): number }) => error.getStatus(),
        ),
      );
      const answers = await Promise.all(asked);
      expect(answers.filter((answer) => answer === 'added')).toHaveLength(1);
      expect(answers.filter((answer) => answer === 400)).toHaveLength(11);
      expect(memberIds((await info('t1')).team_info)).toEqual(['alice']);
      expect(await services.database.read((manager) => manager.countBy(User, { userId: 'alice' }))).toBe(1);
    });

    it('are seen at once, though they were just looked up and not there', async () => {
      expect(await services.teamMembers.get('t1', 'alice')).toBeNull();
      await addMembers({ team_id: 't1', member: { role: 'user', user_id: 'alice' } });
      expect(await services.teamMembers.get('t1', 'alice')).toMatchObject({ role: 'user' });
    });

    it.each([
      ['max_budget_in_team', 5, 0, 0],
      ['max_budget_in_team', 5, null, null],
      ['tpm_limit', 5, 0, 0],
      ['tpm_limit', 5, null, null],
      ['rpm_limit', 5, null, null],
      ['allowed_models', ['b', 'a'], [], []],
      ['allowed_models', ['b', 'a'], null, []],
    ])('keep %s when it is absent, and take %j over %j', async (field, before, sent, after) => {
      await addMembers({ team_id: 't1', member: { role: 'user', user_id: 'alice' } });
      const alice = { team_id: 't1', user_id: 'alice' };
      expect(await updateMember({ ...alice, [field]: before })).toMatchObject({ ...alice, [field]: before });
      await services.teamMembers.get('t1', 'alice');
      expect(await updateMember({ ...alice, role: 'admin' })).toMatchObject({ [field]: before });
      expect(await updateMember({ ...alice, [field]: sent })).toMatchObject({ [field]: after });
      expect(await services.teamMembers.get('t1', 'alice')).toMatchObject({ role: 'admin' });
    });

    it('can be named by their address alone, also beside an empty id', async () => {
      await addMembers({
        team_id: 't1',
        member: { role: 'user', user_id: 'alice', user_email: 'a@example.com' },
      });
      expect(await updateMember({ team_id: 't1', user_email: 'A@example.com', rpm_limit: 3 })).toMatchObject({
        user_id: 'alice',
        user_email: 'a@example.com',
        rpm_limit: 3,
      });
      expect(
        memberIds(await deleteMember({ team_id: 't1', user_id: '', user_email: 'a@example.com' })),
      ).toEqual([]);
    });

    it.each([
      ['update', 'user', (sent: object) => updateMember({ team_id: 't1', user_id: 'nobody', ...sent })],
      ['delete', 'user', (sent: object) => deleteMember({ team_id: 't1', user_id: 'nobody', ...sent })],
    ])('that are not there cannot be asked to %s', async (_, __, act) => {
      const member = await refusal(act({}));
      expect([400, 404]).toContain(member.status);
      expect(member.message).toContain('User not found in team');
      const team = await refusal(act({ team_id: 'nobody' }));
      expect([400, 404]).toContain(team.status);
      expect(team.message).toMatch(/does not exist|doesn't exist/);
    });

    it('leave with their keys of this team, and come back with the same internal id', async () => {
      await create({ team_id: 't2' });
      for (const teamId of ['t1', 't2']) {
        await addMembers({
          team_id: teamId,
          member: { role: 'admin', user_id: 'alice' },
          max_budget_in_team: 5,
        });
        await key({ key: `sk-alice-in-${teamId}`, team_id: teamId, user_id: 'alice' });
      }
      await key({ key: 'sk-of-another', team_id: 't1', user_id: 'bob' });
      const { id } = await services.row(Member, { teamId: 't1', userId: 'alice' });
      const there = (secret: string) => services.keys.getByHash(secretHash(secret));
      expect([await there('sk-alice-in-t1'), await services.teamMembers.get('t1', 'alice')]).not.toContain(
        null,
      );

      expect(memberIds(await deleteMember({ team_id: 't1', user_id: 'alice' }))).toEqual([]);
      expect([await there('sk-alice-in-t1'), await services.teamMembers.get('t1', 'alice')]).toEqual([
        null,
        null,
      ]);
      expect([await there('sk-alice-in-t2'), await there('sk-of-another')]).not.toContain(null);

      await addMembers({ team_id: 't1', member: { role: 'user', user_id: 'alice' } });
      expect(await services.row(Member, { teamId: 't1', userId: 'alice' })).toMatchObject({
        id,
        role: 'user',
        maxBudgetNanoUsd: null,
        deletedAt: null,
      });
      expect(await there('sk-alice-in-t1')).toBeNull();
    });

    it('without a budget of their own have what their team says, and its window for an amount of their own', async () => {
      await update({ team_id: 't1', team_member_budget: 0.25, team_member_budget_duration: '12h' });
      const anchor = services.now;
      services.now = new Date(anchor.getTime() + 60_000);
      await update({ team_id: 't1', team_member_budget: 0.5, team_member_budget_duration: '12h' });
      const team = (await services.teams.get('t1'))!;
      expect(teamMemberDefaults(team)).toMatchObject({
        maxBudgetNanoUsd: 500_000_000n,
        budgetDuration: '12h',
        budgetAnchor: anchor,
      });
      await addMembers({ team_id: 't1', member: { role: 'user', user_id: 'alice' } });
      await addMembers({ team_id: 't1', member: { role: 'user', user_id: 'zoe' }, max_budget_in_team: 7 });
      const [alice, zoe] = (await info('t1')).team_memberships;
      expect(alice!.litellm_budget_table).toMatchObject({ max_budget: 0.5, budget_duration: '12h' });
      expect(figurePlaceholder(alice!.spend)).toMatchObject({
        kind: 'member',
        duration: '12h',
        anchorMs: anchor.getTime(),
      });
      expect(zoe!.litellm_budget_table).toMatchObject({ max_budget: 7, budget_duration: '12h' });
      expect(figurePlaceholder(zoe!.spend)).toMatchObject({ kind: 'member', duration: '12h' });

      await update({ team_id: 't1', team_member_budget: null, team_member_budget_duration: null });
      expect(teamMemberDefaults((await services.teams.get('t1'))!)).toBeNull();
    });

    it('have windows of their own, which changing the amount keeps and null takes away', async () => {
      const windowOf = async () => {
        const [member] = (await info('t1')).team_memberships;
        const { max_budget, budget_duration } = member!.litellm_budget_table!;
        return { max_budget, budget_duration, counted: figurePlaceholder(member!.spend)?.duration };
      };
      await addMembers({
        team_id: 't1',
        member: { role: 'user', user_id: 'alice' },
        max_budget_in_team: 5,
        budget_duration: '30d',
      });
      expect(await windowOf()).toEqual({ max_budget: 5, budget_duration: '30d', counted: '30d' });
      const change = { team_id: 't1', user_id: 'alice' };
      await updateMember({ ...change, max_budget_in_team: 6 });
      expect(await windowOf()).toEqual({ max_budget: 6, budget_duration: '30d', counted: '30d' });
      expect(await updateMember({ ...change, budget_duration: '7d' })).toMatchObject({
        max_budget_in_team: 6,
        budget_duration: '7d',
      });
      expect(await windowOf()).toEqual({ max_budget: 6, budget_duration: '7d', counted: '7d' });
      await updateMember({ ...change, budget_duration: null });
      expect(await windowOf()).toEqual({ max_budget: 6, budget_duration: null, counted: null });
    });
  });
});

const organization = (id: string) =>
  services.organizations.create({ organization_id: id, organization_alias: id }, ME);
