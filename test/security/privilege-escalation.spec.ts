import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Field, type Fields, isPassedOn, type WireType } from '../../src/parties/fields/field.js';
import { KEY_FIELDS } from '../../src/parties/fields/key-fields.js';
import { ORGANIZATION_FIELDS } from '../../src/parties/fields/organization-fields.js';
import { TEAM_FIELDS } from '../../src/parties/fields/team-fields.js';
import { USER_FIELDS } from '../../src/parties/fields/user-fields.js';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway } from '../harness/gateway.js';
import { operations } from '../harness/tenants.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that no caller gains rights: every field of every writing route, with values beyond what the caller holds. */

const ROUTES = {
  'POST /key/generate': KEY_FIELDS,
  'POST /key/update': KEY_FIELDS,
  'POST /key/regenerate': KEY_FIELDS,
  'POST /user/update': USER_FIELDS,
  'POST /team/new': TEAM_FIELDS,
  'POST /team/update': TEAM_FIELDS,
} as const satisfies Record<string, Fields>;
type Door = keyof typeof ROUTES;

/** Limits that an owner may pass on, with example values. */
const HELD_LIMITS = Object.fromEntries(
  Object.entries<Field>(KEY_FIELDS).flatMap(([name, { setBy, passedOn }]) =>
    setBy === 'owner' && isPassedOn(passedOn) ? [[name, passedOn.examples]] : [],
  ),
);
/** Limits that only keys have. */
const { duration: _, allowed_routes: heldRoutes, ...ofAll } = HELD_LIMITS;
const HELD = Object.fromEntries(Object.entries(ofAll).map(([name, { held }]) => [name, held]));
/** Limits that organizations have, too. */
const HELD_BY_ORGANIZATIONS = Object.fromEntries(
  Object.entries(HELD).filter(([name]) => name in ORGANIZATION_FIELDS),
);
const HELD_ROUTES = heldRoutes!.held as string[];
const LIFE_DAYS = 10;

/** Ids of other parties that a caller sends, in addition to missing ones. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  user_id: ['root'],
  team_id: ['other-team'],
  organization_id: ['other-org'],
};
/** Values, other than empty ones, of fields that are stored as sent. */
const STORED: Partial<Record<WireType, unknown>> = { mapping: { x: true }, list: ['x'], tags: ['x'], text: '1d', flag: true, number: 1 }; // prettier-ignore

/** Returns the values of a field that would be an increase; none if no value of the field gives anything. */
function greedyValues(name: string, { passedOn, asSent, names, setBy, type }: Field): readonly unknown[] {
  if (isPassedOn(passedOn)) {
    const { wider, looser = [], within = [] } = passedOn.examples;
    return [...new Set([...wider, ...looser, ...within, null])];
  }
  if (passedOn.tries) return passedOn.tries;
  if (names && name !== 'key_alias') return [...(NAMES[name] ?? []), 'other', 'not-there', '', null];
  return asSent && setBy === 'proxyAdmin' ? [STORED[type]] : [];
}

let upstream: Upstream;
let gateway: Gateway;
let fieldsOf: (door: string) => string[];

beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
  const known = await operations(gateway);
  fieldsOf = (door) => [...known.find((operation) => operation.door === door)!.fields];
  await gateway.create('/budget/new', { budget_id: 'rich', max_budget: 1e6 });
  for (const id of ['org', 'other-org'])
    await gateway.create('/organization/new', {
      organization_id: id,
      organization_alias: id,
      ...HELD_BY_ORGANIZATIONS,
    });
  for (const [user_id, user_role] of [
    ['root', 'proxy_admin'],
    ['other', 'internal_user'],
  ])
    // prettier-ignore
    await gateway.create('/user/new', { user_id, user_role, auto_create_key: false });
  await gateway.create('/team/new', { team_id: 'other-team' });
  for (const user_id of ['user', 'permitted', 'teamAdmin', 'orgAdmin'])
    await gateway.create('/user/new', { user_id, ...HELD, auto_create_key: false });
  await gateway.create('/organization/member_add', {
    organization_id: 'org',
    member: { role: 'org_admin', user_id: 'orgAdmin' },
  });
});
afterAll(() => closeAll(gateway, upstream));

type Caller = 'user' | 'permitted' | 'teamAdmin' | 'orgAdmin';

/** Makes a key with the limits HELD; `heldTeam` makes such a team. */
const heldKey = (user_id: string, more: object = {}) =>
  gateway.createKey({ user_id, ...HELD, duration: `${LIFE_DAYS}d`, allowed_routes: HELD_ROUTES, ...more });
let teams = 0;
async function heldTeam(): Promise<string> {
  const { team_id } = await gateway.create('/team/new', {
    team_id: `team-${teams++}`,
    organization_id: 'org',
    ...HELD,
    team_member_permissions: ['/key/info', '/key/generate', '/key/update', '/key/regenerate'],
    members_with_roles: [
      { role: 'admin', user_id: 'teamAdmin' },
      { role: 'user', user_id: 'permitted' },
    ],
  });
  return team_id as string;
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, mo: 2_678_400 };
const seconds = (duration: string | null) => {
  const [, count, unit] = /^(\d+)(\w+)$/.exec(duration ?? '') ?? [];
  return count === undefined ? Infinity : Number(count) * SECONDS[unit!]!;
};

/** Fields that are stored as sent and that only proxy admins set. */
const ADMINS_ONLY = Object.entries<Field>({ ...KEY_FIELDS, ...TEAM_FIELDS }).flatMap(
  ([name, { asSent, setBy, type }]) =>
    asSent && setBy === 'proxyAdmin' && ['mapping', 'list', 'tags'].includes(type) ? [name] : [],
);

/** Returns the fields in which a row exceeds HELD. `open`: a null is no excess, because another party enforces the limit. */
function more(row: Answer['body'], open: boolean): string[] {
  const atMost = (name: string, most: number, value = row[name]) =>
    value === null || value === undefined ? !open : value > most;
  const budgets = [{ max_budget: row.max_budget, budget_duration: row.budget_duration }, ...(row.budget_limits ?? [])]
    .filter(({ max_budget }) => max_budget !== null); // prettier-ignore
  const has = (amount: number, duration: string) =>
    (open && !budgets.length) ||
    budgets.some((b) => b.max_budget <= amount && (open || seconds(b.budget_duration) >= seconds(duration)));
  const perModel = row.model_max_budget?.['m-free'];
  const models = row.models as string[];
  const known: Record<string, boolean> = {
    max_budget: !has(5, '30d'),
    // The duration is compared together with its amount.
    budget_duration: false,
    budget_limits: !open && !has(2, '1d'),
    soft_budget: atMost('soft_budget', 4),
    tpm_limit: atMost('tpm_limit', 500),
    rpm_limit: atMost('rpm_limit', 5),
    max_parallel_requests: atMost('max_parallel_requests', 2),
    model_max_budget: perModel === undefined ? !open : (perModel.max_budget ?? perModel) > 1,
    model_rpm_limit: atMost('model_rpm_limit', 3, row.model_rpm_limit?.['m-free']),
    model_tpm_limit: atMost('model_tpm_limit', 300, row.model_tpm_limit?.['m-free']),
    models: models.length
      ? models.some((name) => name !== 'm-free' && !(open && name === 'all-team-models'))
      : !open,
    tags: !open && !row.tags?.includes('held'),
    budget_id: row.budget_id !== null,
    temp_budget_increase: row.temp_budget_increase !== undefined,
    metadata: Object.keys(row.metadata ?? {}).some((name) =>
      /user_role|allowed_routes|key_duration/.test(name),
    ),
    ...Object.fromEntries(ADMINS_ONLY.map((name) => [name, Object.keys(row[name] ?? {}).length > 0])),
    spend: row.spend !== 0,
  };
  for (const [name, { held, wider, within = [] }] of Object.entries(ofAll)) {
    const is = (value: unknown) => isDeepStrictEqual(row[name], value);
    if (name in known) continue;
    // An organization limits its teams in the fields that it has.
    known[name] = open ? name in ORGANIZATION_FIELDS && wider.some(is) : !is(held) && !within.some(is);
  }
  return Object.keys(known).filter((name) => known[name]);
}

const keyRow = async (key: string) => (await gateway.admin('GET', `/key/info?key=${key}`)).body.info;
/** Returns the result of `more`, and excess in a key's owner, expiry and routes. */
function moreKey(row: Answer['body'], caller: Caller, teamId: string): string[] {
  const isOwner = row.user_id === caller || (row.user_id === null && row.team_id === teamId);
  const lives = row.expires === null || Date.parse(row.expires) > Date.now() + LIFE_DAYS * 86_400_000;
  const routes = row.allowed_routes as string[];
  const beyond = !routes.length || routes.some((route) => !HELD_ROUTES.includes(route) && !/^\/(key|user|team)\//.test(route));
  return [
    ...more(row, false),
    ...(isOwner ? [] : ['user_id']),
    ...(lives ? ['duration'] : []),
    ...(beyond ? ['allowed_routes'] : []),
    ...([null, teamId].includes(row.team_id) ? [] : ['team_id']),
    ...([null, 'org'].includes(row.organization_id) ? [] : ['organization_id']),
  ];
} // prettier-ignore

const cases = (door: Door) =>
  Object.entries<Field>(ROUTES[door])
    .filter(([field, { asSent }]) => asSent || fieldsOf(door).includes(field))
    .flatMap(([field, declared]) =>
      greedyValues(field, declared).map((value) => ({ field, value, body: bodyOf(field, value) })),
    );
/** Returns a body with one field. The two fields of a temporary increase are sent together. */
const bodyOf = (field: string, value: unknown) =>
  field.startsWith('temp_')
    ? { temp_budget_increase: 1e6, temp_budget_expiry: '2099-01-01T00:00:00Z', [field]: value }
    : { [field]: value };

const isRefusal = ({ status }: Answer) => [400, 403, 404, 409, 422].includes(status);
const summaryOf = (what: object, { status, text }: Answer) =>
  `${JSON.stringify(what)} → ${status} ${text.slice(0, 200)}`;

describe('the matrix', () => {
  it.each(Object.keys(ROUTES) as Door[])('tries every field of %s', (door) => {
    expect(fieldsOf(door).filter((field) => !(field in ROUTES[door]))).toEqual([]);
    expect(cases(door).length).toBeGreaterThan(30);
  });

  it.each(['user', 'permitted', 'teamAdmin', 'orgAdmin'] as const)(
    '%s makes no key that is more than its own',
    async (caller) => {
      const key = await heldKey(caller);
      const team = await heldTeam();
      const bodies = [
        {},
        ...cases('POST /key/generate').map(({ body }) => body),
        { max_budget: 3, models: ['m-free'], duration: '9d', rpm_limit: 1 },
      ];
      let keyCount = 0;
      for (const body of bodies) {
        for (const where of caller === 'user' ? [{}] : [{}, { team_id: team }]) {
          const sent = { ...where, ...body };
          const answer = await gateway.as(key, 'POST', '/key/generate', sent);
          if (answer.status === 200) keyCount++;
          else expect(isRefusal(answer), summaryOf(sent, answer)).toBe(true);
          const exceeded = answer.status === 200 ? moreKey(await keyRow(answer.body.key), caller, team) : [];
          expect({ sent, exceeded }).toEqual({ sent, exceeded: [] });
        }
      }
      expect(keyCount).toBeGreaterThan(5);
    },
  );

  it.each([
    ['user', 'itself', 'update'],
    ['user', 'another key of its own', 'update'],
    ['permitted', 'a key of its team', 'update'],
    ['teamAdmin', 'a key of its team', 'update'],
    ['orgAdmin', 'a key of its team', 'update'],
    ['user', 'itself', 'regenerate'],
    ['permitted', 'a key of its team', 'regenerate'],
  ] as const)('%s makes no more of %s by /key/%s', async (caller, target, verb) => {
    let changed = 0;
    const team = await heldTeam();
    for (const { field, value, body } of cases(`POST /key/${verb}`)) {
      const calling = await heldKey(caller);
      const key = target === 'itself' ? calling : await heldKey(caller, target.endsWith('team') ? { team_id: team } : {});
      const before = await keyRow(key);
      const answer = await gateway.as(calling, 'POST', `/key/${verb}`, { key, ...(field !== 'key' && body) });
      const after = await keyRow(answer.status === 200 ? (answer.body.key as string) : key);
      if (answer.status === 200) changed++;
      else {
        expect(isRefusal(answer), summaryOf({ field, value }, answer)).toBe(true);
        expect(after).toEqual(before);
      }
      expect({ field, value, exceeded: moreKey(after, caller, team) }).toEqual({ field, value, exceeded: [] });
      if (field === 'blocked' && value === true && verb === 'update') {
        const undone = await gateway.as(calling, 'POST', '/key/update', { key, blocked: false });
        expect(undone.status).toBe(target.endsWith('team') && caller !== 'permitted' ? 200 : target === 'itself' ? 401 : 403);
      }
    }
    expect(changed).toBeGreaterThan(3);
  }); // prettier-ignore

  it.each(['user', 'teamAdmin', 'orgAdmin'] as const)('%s makes no more of himself', async (caller) => {
    const key = await heldKey(caller);
    const read = async () => {
      const { users } = (await gateway.admin('GET', `/user/list?user_ids=${caller}`)).body;
      const { updated_at: _, updated_by: __, ...row } = users[0];
      // A response may show an empty list that was sent for null; it grants nothing.
      return Object.fromEntries(Object.entries(row).filter(([, value]) => !isDeepStrictEqual(value, [])));
    };
    const before = await read();
    for (const { field, value, body } of cases('POST /user/update')) {
      const sent = { user_id: caller, ...body };
      const answer = await gateway.as(key, 'POST', '/user/update', sent);
      expect(answer.status === 200 || isRefusal(answer), summaryOf(sent, answer)).toBe(true);
      expect({ field, value, row: await read() }).toEqual({ field, value, row: before });
    }
    const renamed = await gateway.as(key, 'POST', '/user/update', { user_id: caller, user_alias: 'me' });
    expect(renamed.status).toBe(200);
  });

  it.each(['permitted', 'teamAdmin', 'orgAdmin'] as const)(
    '%s makes no more of a team',
    async (caller) => {
      const key = await heldKey(caller);
      const read = async (id: string) => (await gateway.admin('GET', `/team/info?team_id=${id}`)).body.team_info;
      let changed = 0;
      for (const { field, value, body } of cases('POST /team/update')) {
        const team_id = await heldTeam();
        const before = await read(team_id);
        const answer = await gateway.as(key, 'POST', '/team/update', { team_id, ...body });
        const after = await read(team_id);
        if (answer.status === 200) changed++;
        else {
          expect(isRefusal(answer), summaryOf({ field, value }, answer)).toBe(true);
          expect(after).toEqual(before);
        }
        const exceeded = [
          ...more(after, caller === 'orgAdmin'),
          ...(after.organization_id === 'org' ? [] : ['organization_id']),
          ...(caller !== 'orgAdmin' && after.model_aliases ? ['model_aliases'] : []),
        ];
        expect({ field, value, exceeded }).toEqual({ field, value, exceeded: [] });
      }
      if (caller === 'permitted') expect(changed).toBe(0);
      else expect(changed).toBeGreaterThan(3);
    },
  ); // prettier-ignore

  it('an admin of an organization makes no team that is more than it', async () => {
    const key = await heldKey('orgAdmin');
    let keyCount = 0;
    for (const { field, value, body } of cases('POST /team/new')) {
      const answer = await gateway.as(key, 'POST', '/team/new', { organization_id: 'org', ...body });
      if (answer.status !== 200) {
        expect(isRefusal(answer), summaryOf({ field, value }, answer)).toBe(true);
        continue;
      }
      keyCount++;
      const { team_info } = (await gateway.admin('GET', `/team/info?team_id=${answer.body.team_id}`)).body;
      const exceeded = [...more(team_info, true), ...(team_info.organization_id === 'org' ? [] : ['organization_id'])];
      expect({ field, value, exceeded }).toEqual({ field, value, exceeded: [] });
      expect(answer.text).not.toContain('"user_id":"other"');
    }
    expect(keyCount).toBeGreaterThan(5);
  }); // prettier-ignore
});

describe('ways around', () => {
  it('a budget that is used up is not made new by moving it to another window', async () => {
    await gateway.create('/user/new', { user_id: 'spender', auto_create_key: false });
    const key = await gateway.createKey({ user_id: 'spender', max_budget: 5, budget_duration: '30d' });
    const update = (body: object) => gateway.as(key, 'POST', '/key/update', { key, ...body });
    const window = { budget_duration: '30d', max_budget: 5 };
    expect((await update({ max_budget: null, budget_limits: [window] })).status).toBe(403);
    expect((await update({ max_budget: 4 })).status).toBe(200);
    expect((await update({ max_budget: 5 })).body.error).toMatchObject({ param: 'max_budget', code: '403' });
  });

  it('a tier of one’s own is not left for one’s own window', async () => {
    await gateway.create('/budget/new', { budget_id: 'monthly', max_budget: 5, budget_duration: '30d' });
    await gateway.create('/user/new', { user_id: 'tiered', auto_create_key: false });
    const key = await gateway.createKey({ user_id: 'tiered', budget_id: 'monthly' });
    const update = (body: object) => gateway.as(key, 'POST', '/key/update', { key, ...body });
    expect((await update({ budget_duration: '30d' })).status).toBe(403);
    expect((await update({ budget_id: null })).status).toBe(403);
    const created = await gateway.as(key, 'POST', '/key/generate', {});
    expect(await keyRow(created.body.key)).toMatchObject({
      max_budget: 5,
      budget_duration: '30d',
      budget_id: null,
    });
  });

  it('a key never becomes somebody else, not even in one’s own team', async () => {
    const team_id = await heldTeam();
    await gateway.create('/team/member_add', { team_id, member: { role: 'user', user_id: 'root' } });
    const key = await heldKey('teamAdmin');
    for (const user_id of ['root', 'permitted', 'not-there']) {
      const { status, body } = await gateway.as(key, 'POST', '/key/generate', { team_id, user_id });
      expect({ user_id, status, param: body.error.param }).toEqual({
        user_id,
        status: 403,
        param: 'user_id',
      });
    }
  });

  it('a team’s list of models grows up to what its organization has, and only by those above', async () => {
    const team_id = await heldTeam();
    const asked = async (caller: Caller, change: 'add' | 'delete', model: string) =>
      (await gateway.as(await heldKey(caller), 'POST', `/team/model/${change}`, { team_id, models: [model] })).status;
    expect(await asked('permitted', 'delete', 'm-free')).toBe(403);
    expect(await asked('user', 'delete', 'm-free')).toBe(403);
    for (const caller of ['teamAdmin', 'orgAdmin'] as const)
      for (const model of ['m-out', '*']) expect(await asked(caller, 'add', model)).toBe(403);
    expect(await asked('teamAdmin', 'delete', 'm-free')).toBe(200);
    expect(await asked('teamAdmin', 'add', 'm-free')).toBe(403);
    expect(await asked('orgAdmin', 'add', 'm-free')).toBe(200);
  }); // prettier-ignore

  it('a member’s key lives as long as its team says', async () => {
    const team_id = await heldTeam();
    await gateway.create('/team/update', { team_id, team_member_key_duration: '2d' });
    const key = await heldKey('permitted');
    const generate = (body: object) => gateway.as(key, 'POST', '/key/generate', { team_id, ...body });
    const row = await keyRow((await generate({})).body.key);
    expect(Date.parse(row.expires)).toBeLessThanOrEqual(Date.now() + 2 * 86_400_000);
    expect((await generate({ duration: '3d' })).body.error).toMatchObject({ param: 'duration', code: '403' });
    expect((await generate({ duration: '1d' })).status).toBe(200);
  });

  it('a team’s admin does not raise his own share, but may another’s', async () => {
    const team_id = await heldTeam();
    const key = await heldKey('teamAdmin');
    const update = (body: object) => gateway.as(key, 'POST', '/team/member_update', { team_id, ...body });
    await gateway.create('/team/member_update', { team_id, user_id: 'teamAdmin', max_budget_in_team: 1 });
    await gateway.create('/team/member_update', { team_id, user_id: 'permitted', max_budget_in_team: 1 });
    expect((await update({ user_id: 'teamAdmin', max_budget_in_team: 2 })).status).toBe(403);
    expect((await update({ user_id: 'teamAdmin', max_budget_in_team: null })).status).toBe(403);
    expect((await update({ user_id: 'permitted', max_budget_in_team: 2 })).status).toBe(200);
    expect((await update({ user_id: 'permitted', max_budget_in_team: 6 })).status).toBe(403);
  });

  it('no key of anybody’s may go everywhere, not even by a key that has no list of its own', async () => {
    await gateway.create('/user/new', { user_id: 'unlisted', auto_create_key: false });
    const key = await gateway.createKey({ user_id: 'unlisted' });
    const generate = (body: object) => gateway.as(key, 'POST', '/key/generate', body);
    const beyond = [['/*'], ['*'], ['management_routes'], ['llm_api_routes', '/user/new'], ['/v1'], ['/key'], ['/metrics'], ['/global/spend/report'], ['admin_viewer_routes']]; // prettier-ignore
    for (const allowed_routes of beyond)
      for (const { status, body } of [
        await generate({ allowed_routes }),
        await gateway.as(key, 'POST', '/key/update', { key, allowed_routes }),
      ])
        expect({ status, param: body.error.param, allowed_routes }).toEqual({ status: 403, param: 'allowed_routes', allowed_routes }); // prettier-ignore
    expect((await generate({ key_type: 'management' })).status).toBe(403);
    expect((await generate({ key_type: 'llm_api' })).status).toBe(200);
    expect((await generate({ allowed_routes: ['/key/info', 'info_routes'] })).status).toBe(200);
  });

  it('a tag in a key’s metadata, which may have a budget, is not left by writing new metadata', async () => {
    const key = await gateway.createKey({ user_id: 'other', metadata: { tags: ['budgeted'] } });
    const update = (body: object) => gateway.as(key, 'POST', '/key/update', { key, ...body });
    expect((await update({ metadata: {} })).body.error).toMatchObject({ param: 'tags', code: '403' });
    expect((await update({ metadata: { tags: ['budgeted', 'more'] } })).status).toBe(200);
    const created = await gateway.as(key, 'POST', '/key/generate', { tags: ['mine'] });
    expect((await keyRow(created.body.key)).tags).toEqual(['mine', 'budgeted', 'more']);
  });

  it('a refusal names the field and never a whole key', async () => {
    const key = await heldKey('user');
    const { body, text } = await gateway.as(key, 'POST', '/key/generate', { permissions: { x: true } });
    expect(body.error).toMatchObject({ code: '403', type: 'auth_error', param: 'permissions' });
    expect(text).not.toContain(key);
  });
});
