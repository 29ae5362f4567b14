import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NewBudgetDto } from '../../src/budgets/budgets.dto.js';
import { GenerateKeyDto } from '../../src/keys/keys.dto.js';
import { secretHash } from '../../src/platform/secrets.js';
import { figurePlaceholder } from '../../src/parties/spend-placeholders.js';
import { admin, body, refusal, AdminServices } from '../harness/admin-services.js';
import { NewTeamDto } from '../../src/teams/teams.dto.js';
import { Organization } from '../../src/parties/entities/organization.entity.js';
import {
  NewOrganizationDto,
  type OrganizationRow,
  UpdateOrganizationDto,
} from '../../src/organizations/organizations.dto.js';

const ME = admin('default_user_id');

let services: AdminServices;
beforeEach(async () => void (services = await AdminServices.onSqlite()));
afterEach(() => services.close());

const create = async (sent: object) =>
  services.organizations.create(await body(NewOrganizationDto, { organization_alias: 'Acme', ...sent }), ME);
const update = async (sent: object) =>
  services.organizations.update(await body(UpdateOrganizationDto, { organization_id: 'o1', ...sent }), ME);
const info = (id = 'o1') => services.organizations.info(id, ME);
const team = async (sent: object) => services.teams.create(await body(NewTeamDto, sent), ME);
const key = async (sent: object) => services.keys.generate(await body(GenerateKeyDto, sent), ME);
const keyIsThere = async (secret: string) => (await services.keys.getByHash(secretHash(secret))) !== null;

describe('an organization', () => {
  it('is told as it was sent: lists in order, nothing in its metadata that was not put there', async () => {
    const sent = {
      organization_id: 'o1',
      organization_alias: 'Acme',
      models: ['z', 'a'],
      tags: ['y', 'x'],
      metadata: { b: '1', a: '2' },
      model_rpm_limit: { m: 3 },
      model_tpm_limit: { m: 4 },
      blocked: true,
    };
    const limits = { max_budget: 0.1, budget_duration: '12h', tpm_limit: 0, rpm_limit: 7 };
    await create({ ...sent, ...limits, soft_budget: 0.05 });
    const organization = await info();
    expect(organization).toMatchObject({
      ...sent,
      ...limits,
      created_by: ME.id,
      updated_by: ME.id,
      members: [],
      users: null,
    });
    expect(organization.metadata).toEqual(sent.metadata);
    expect(organization.litellm_budget_table).toMatchObject({
      ...limits,
      soft_budget: 0.05,
      budget_id: organization.budget_id,
    });
    expect(organization.created_at).toBe(services.now.toISOString());
    expect(figurePlaceholder(organization.spend)).toMatchObject({ kind: 'organization', duration: '12h' });
  });

  it('tells no limit at the top that was not set', async () => {
    const organization = await create({ organization_id: 'o1' });
    for (const limit of ['max_budget', 'budget_duration', 'tpm_limit', 'rpm_limit', 'tags']) {
      expect(organization).not.toHaveProperty(limit);
    }
    expect(organization).toMatchObject({ metadata: {}, models: [], blocked: false, teams: [] });
  });

  it('shows the limits of its tier in the table, and not as its own', async () => {
    await services.budgets.create(
      await body(NewBudgetDto, { budget_id: 'gold', max_budget: 9, budget_duration: '1d' }),
      ME.id,
    );
    const organization = await create({ organization_id: 'o1', budget_id: 'gold' });
    expect(organization).toMatchObject({
      budget_id: 'gold',
      litellm_budget_table: { max_budget: 9, budget_duration: '1d' },
    });
    expect(organization).not.toHaveProperty('max_budget');
    expect(figurePlaceholder(organization.spend)).toMatchObject({ duration: '1d' });
  });

  it.each([
    ['an id that is taken', { organization_id: 'taken' }, 409, 'already exists'],
    ['an unknown tier', { budget_id: 'nothing' }, 404, 'not found'],
    ['no name', { organization_alias: undefined }, 422, 'organization_alias'],
    ['spending below zero', { spend: -1 }, 422, 'spend'],
    ['tags that are none', { tags: 'a' }, 422, 'tags'],
  ])('is refused with %s', async (_, sent, status, words) => {
    await create({ organization_id: 'taken' });
    const response = await refusal(create({ organization_id: 'o1', ...sent }));
    expect(response.status).toBe(status);
    expect(response.message).toContain(words);
    expect(await services.organizations.get('o1')).toBeNull();
  });

  it.each([
    ['models', ['a'], [], []],
    ['models', ['a'], null, []],
    ['metadata', { a: 1 }, { b: 2 }, { a: 1, b: 2 }],
    ['metadata', { a: 1, b: { c: 1 } }, { b: { d: 2 } }, { a: 1, b: { c: 1, d: 2 } }],
    ['metadata', { a: 1, b: 2 }, { a: null }, { b: 2 }],
    ['metadata', { a: 1 }, {}, { a: 1 }],
    ['metadata', { a: 1 }, null, {}],
    ['blocked', true, false, false],
    ['tags', ['a'], [], []],
    ['tags', ['a'], null, undefined],
    ['model_rpm_limit', { m: 1 }, null, undefined],
    ['max_budget', 5, 0, 0],
    ['max_budget', 5, null, undefined],
    ['budget_duration', '30d', null, undefined],
    ['rpm_limit', 5, null, undefined],
    ['organization_alias', 'A', 'B', 'B'],
  ])('keeps %s when it is absent, and takes %j over %j', async (name, before, sent, after) => {
    const field = name as keyof OrganizationRow;
    await create({ organization_id: 'o1', [field]: before });
    expect((await update({}))[field]).toEqual(before);
    expect((await update({ [field]: sent }))[field]).toEqual(after);
    expect((await info())[field]).toEqual(after);
  });

  it('keeps the metadata of two updates at once', async () => {
    await create({ organization_id: 'o1', metadata: { z: 0 } });
    const names = Array.from({ length: 6 }, (_, i) => `m${i}`);
    await Promise.all(names.map((name) => update({ metadata: { [name]: 1 } })));
    expect((await info()).metadata).toEqual({ z: 0, ...Object.fromEntries(names.map((name) => [name, 1])) });
  });

  it.each([null, ''])('cannot lose its name to %j', async (organization_alias) => {
    await create({ organization_id: 'o1' });
    expect((await refusal(update({ organization_alias }))).status).toBe(422);
  });

  it('takes limits where they are told, too; those at the top count first', async () => {
    await create({ organization_id: 'o1', max_budget: 5, rpm_limit: 7 });
    expect(
      await update({ litellm_budget_table: { max_budget: 6, tpm_limit: 1 }, tpm_limit: 2 }),
    ).toMatchObject({
      max_budget: 6,
      tpm_limit: 2,
      rpm_limit: 7,
    });
    expect((await refusal(update({ litellm_budget_table: { max_budget: -1 } }))).status).toBe(422);
    expect(await update({ litellm_budget_table: null })).not.toHaveProperty('max_budget');
  });

  it('can be sent back as it was told', async () => {
    await create({ organization_id: 'o1', max_budget: 5 });
    const { created_at, created_by, spend, ...organization } = await info();
    expect([created_at, created_by, spend]).not.toContain(undefined);
    const { budget_reset_at: _, ...table } = organization.litellm_budget_table!;
    expect(await update({ ...organization, litellm_budget_table: table })).toMatchObject(organization);
    expect((await services.row(Organization, { organizationId: 'o1' })).budgetId).toBeNull();
  });

  it('is blocked at once for those who cached it', async () => {
    expect(await services.organizations.get('o1')).toBeNull();
    await create({ organization_id: 'o1' });
    expect((await services.organizations.get('o1'))!.blocked).toBe(false);
    await update({ blocked: true });
    expect((await services.organizations.get('o1'))!.blocked).toBe(true);
  });

  it('that is not there is 404', async () => {
    for (const act of [
      () => info('nobody'),
      () => update({ organization_id: 'nobody' }),
      () => services.organizations.delete(['nobody'], ME),
    ]) {
      const response = await refusal(act());
      expect(response).toMatchObject({ status: 404, param: 'organization_id' });
      expect(response.message).toContain("Organization doesn't exist in db. Organization=nobody");
    }
  });

  it('is listed with its teams, and found by id or part of its name, where % and _ are text', async () => {
    await create({ organization_id: 'o1', organization_alias: 'Acme 100%' });
    await create({ organization_id: 'o2', organization_alias: 'Zeta_corp' });
    await team({
      team_id: 't1',
      organization_id: 'o1',
      members_with_roles: [{ role: 'user', user_id: 'alice' }],
    });
    const ids = async (query: object) =>
      (await services.organizations.list(query, ME)).map(({ organization_id }) => organization_id);
    expect(await ids({})).toEqual(['o1', 'o2']);
    expect(await ids({ org_id: 'o2' })).toEqual(['o2']);
    expect(await ids({ org_alias: 'ACME' })).toEqual(['o1']);
    expect(await ids({ org_alias: '%' })).toEqual(['o1']);
    expect(await ids({ org_alias: '_' })).toEqual(['o2']);
    expect((await info('o1')).teams).toMatchObject([
      { team_id: 't1', members_with_roles: [{ user_id: 'alice' }] },
    ]);
  });
});

describe('deleting organizations', () => {
  beforeEach(async () => {
    await create({ organization_id: 'o1' });
    await create({ organization_id: 'o2' });
    await team({
      team_id: 't1',
      organization_id: 'o1',
      members_with_roles: [{ role: 'user', user_id: 'alice' }],
    });
    await team({ team_id: 't2', organization_id: 'o2' });
    await key({ key: 'sk-of-its-own', organization_id: 'o1' });
    await key({ key: 'sk-of-its-team', team_id: 't1' });
    await key({ key: 'sk-of-another', team_id: 't2' });
  });

  const known = async () => [
    (await services.organizations.get('o1')) !== null,
    (await services.teams.get('t1')) !== null,
    (await services.teamMembers.get('t1', 'alice')) !== null,
    await keyIsThere('sk-of-its-own'),
    await keyIsThere('sk-of-its-team'),
  ];

  it('takes their teams, members and keys along, at once for those who cached them', async () => {
    expect(await known()).toEqual([true, true, true, true, true]);
    expect(await services.organizations.delete(['o1'], ME)).toMatchObject([
      { organization_id: 'o1', teams: [{ team_id: 't1' }] },
    ]);
    expect(await known()).toEqual([false, false, false, false, false]);
    expect(await services.organizations.get('o2')).not.toBeNull();
    expect(await services.teams.get('t2')).not.toBeNull();
    expect(await keyIsThere('sk-of-another')).toBe(true);
  });

  it('does nothing when one of them is not there', async () => {
    expect((await refusal(services.organizations.delete(['o1', 'nobody'], ME))).status).toBe(404);
    expect(await known()).toEqual([true, true, true, true, true]);
  });

  it('keeps the internal id for when the same id comes back, without its teams', async () => {
    const { id } = await services.row(Organization, { organizationId: 'o1' });
    await services.organizations.delete(['o1'], ME);
    expect(await create({ organization_id: 'o1' })).toMatchObject({ teams: [] });
    expect((await services.row(Organization, { organizationId: 'o1' })).id).toBe(id);
    expect(await services.teams.get('t1')).toBeNull();
  });
});
