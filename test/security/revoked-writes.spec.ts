import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IsNull } from 'typeorm';
import { OrganizationMember } from '../../src/parties/entities/organization-member.entity.js';
import { Organization } from '../../src/parties/entities/organization.entity.js';
import { sleep } from '../../src/platform/sleep.js';
import { MASTER_KEY_ROUTES } from '../../src/policy/routes.js';
import { VirtualKey } from '../../src/parties/entities/virtual-key.entity.js';
import { Member } from '../../src/parties/entities/team-member.entity.js';
import { Team } from '../../src/parties/entities/team.entity.js';
import { User } from '../../src/parties/entities/user.entity.js';
import { AUDIENCE, Issuer } from '../harness/issuer.js';
import { closeAll } from '../harness/close-all.js';
import type { Answer } from '../harness/gateway.js';
import { InProcess, type Moment } from '../harness/in-process.js';
import { pathOf, WRITES, writingDoors } from '../harness/writing-routes.js';

let issuer: Issuer;
let gateway: InProcess;
const isPostgres = process.env.TESTS_ON === 'postgres';

beforeAll(async () => {
  issuer = await Issuer.start();
  gateway = await InProcess.start({
    general_settings: {
      enable_jwt_auth: true,
      litellm_jwtauth: { issuer: issuer.url, audience: AUDIENCE, user_id_jwt_field: 'sub' },
    },
    model_list: [{ model_name: 'm-out', litellm_params: { model: 'openai/x', api_key: 'sk-hidden-0001' } }],
  });
});
afterAll(() => closeAll(gateway, issuer));

let serial = 0;

/** Returns a refusal without the parts that differ from request to request. */
const refusalOf = ({ status, body }: Answer) => {
  const { details, message, ...error } = (body as { error: { details: object; message: string } }).error;
  const timeless = message.replace(/current time .*/, 'current time');
  return { status, error: { ...error, message: timeless, details: { ...details, request_id: '' } } };
};

const post = (key: string, path: string, body: object) => gateway.as(key, 'POST', path, body);

describe('every door that writes decides again inside the transaction', () => {
  let key: string;
  beforeAll(async () => {
    key = (await gateway.create('/user/new', { user_id: 'boss', user_role: 'proxy_admin' })).key as string;
  });

  const DOORS: typeof WRITES = [
    ...WRITES,
    ['POST /access_group/new', { access_group: 'h', model_names: ['m-out'] }, []],
    ['PUT /access_group/{access_group}/update', { access_group: 'h', model_names: ['m-out'] }, []],
    ['DELETE /access_group/{access_group}/delete', { access_group: 'h' }, []],
    ['POST /v1/access_group', { access_group_name: 'g' }, []],
    ['PUT /v1/access_group/{access_group_id}', { access_group_id: 'g', description: 'x' }, []],
    ['DELETE /v1/access_group/{access_group_id}', { access_group_id: 'g' }, []],
  ];

  it('is listed here', async () => {
    const doors = await writingDoors(gateway);
    // The master key has no row, and its rights cannot be revoked.
    const open = doors.filter((door) => !MASTER_KEY_ROUTES.has(door.split(' ')[1]!));
    expect(new Set(DOORS.map(([door]) => door))).toEqual(new Set(open));
    expect(open.length).toBeGreaterThan(50);
  });

  const groups = new Map<string, string>();

  it.each(DOORS)('%s %j', async (door, sent) => {
    const [method, template] = door.split(' ') as [string, string];
    const { access_group_id: group } = sent as { access_group_id?: string };
    const body = group ? { ...sent, access_group_id: groups.get(group) } : sent;
    const path = pathOf(template, body);
    const ask = (by: string) =>
      gateway.as(by, method, path, body, { 'x-request-id': `revoked-${(serial += 1)}` });

    const revocation = gateway.during('between the guard and the transaction', () =>
      gateway.elsewhere.create('/key/block', { key }),
    );
    const answer = await ask(key);
    expect(answer.text).toContain('blocked');
    await revocation.answer();
    expect({ door, ...refusalOf(answer) }).toMatchObject({
      status: 401,
      error: { details: { check: 'keyIsNotBlocked' } },
    });
    expect(refusalOf(answer)).toEqual(refusalOf(await ask(key)));
    const { audit_logs } = (
      await gateway.as(gateway.masterKey, 'GET', `/audit?request_id=revoked-${serial - 1}`)
    ).body;
    expect(audit_logs).toEqual([]);

    await gateway.create('/key/unblock', { key });
    const done = await ask(key);
    expect(done.status, done.text).toBeLessThan(300);
    if (door === 'POST /v1/access_group') groups.set('g', done.body.access_group_id as string);
  });
});

/** Makes a member of a team whose members may make keys. */
async function company() {
  const id = `company-${(serial += 1)}`;
  await gateway.create('/organization/new', { organization_id: id, organization_alias: id });
  await gateway.create('/user/new', {
    user_id: id,
    user_email: `${id}@corp.test`,
    auto_create_key: false,
    user_role: 'internal_user',
  });
  await gateway.create('/team/new', { team_id: id, members_with_roles: [{ role: 'user', user_id: id }] });
  await gateway.create('/team/permissions_update', {
    team_id: id,
    team_member_permissions: ['/key/generate', '/key/info'],
  });
  const { key } = await gateway.create('/key/generate', { user_id: id });
  return { id, key: key as string };
}

const REVOCATIONS: readonly (readonly [name: string, path: string, body: (who: { id: string; key: string }) => object])[] = [
  ['member_delete', '/team/member_delete', ({ id }) => ({ team_id: id, user_id: id })],
  ['permissions_update', '/team/permissions_update', ({ id }) => ({ team_id: id, team_member_permissions: ['/key/info'] })],
  ['a block of the key', '/key/block', ({ key }) => ({ key })],
  ['an end of the key', '/key/update', ({ key }) => ({ key, duration: '0s' })],
  ['other routes of the key', '/key/update', ({ key }) => ({ key, allowed_routes: ['info_routes'] })],
  ['a deletion of the key', '/key/delete', ({ key }) => ({ keys: [key] })],
  ['a new secret of the key', '/key/regenerate', ({ key }) => ({ key })],
  ['a lesser role', '/user/update', ({ id }) => ({ user_id: id, user_role: 'internal_user_viewer' })],
  ['a block of the user', '/user/update', ({ id }) => ({ user_id: id, blocked: true })],
  ['a deletion of the user', '/user/delete', ({ id }) => ({ user_ids: [id] })],
  ['a deletion of the team', '/team/delete', ({ id }) => ({ team_ids: [id] })],
]; // prettier-ignore

const keysOf = (teamId: string) =>
  gateway.database.read((manager) => manager.findBy(VirtualKey, { teamId, deletedAt: IsNull() }));

describe.each(REVOCATIONS)('while somebody makes a key of a team, %s', (_, path, body) => {
  const make = ({ id, key }: { id: string; key: string }) => post(key, '/key/generate', { team_id: id });

  it('that comes before the transaction refuses it, as if it had come before the request', async () => {
    const who = await company();
    const revocation = gateway.during('between the guard and the transaction', () =>
      gateway.elsewhere.create(path, body(who)),
    );
    const answer = await make(who);
    await revocation.answer();
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(refusalOf(answer)).toEqual(refusalOf(await make(who)));
    expect(await keysOf(who.id)).toEqual([]);
  });

  it.each<Moment>(['before the work', 'after the work'])('that comes %s is answered after it, or refuses it', async (moment) => {
    const who = await company();
    const revocation = gateway.during(moment, () => gateway.elsewhere.create(path, body(who)));
    const { status } = await make(who);
    await revocation.answer();
    const wasRevoked = revocation.cameFirst();
    if (wasRevoked) expect({ status }).not.toEqual({ status: 200 });
    // The deletion of a member, team or user also deletes their keys.
    const went = /member_delete|\/team\/delete|\/user\/delete/.test(path);
    expect(await keysOf(who.id)).toHaveLength(status === 200 && !went ? 1 : 0);
    expect((await make(who)).status).toBeGreaterThanOrEqual(400);
  }); // prettier-ignore
});

describe.each<[string, (id: string) => [method: string, path: string, body: object]]>([
  ['who leaves the organization', (id) => ['DELETE', '/organization/member_delete', { organization_id: id, user_id: id }]],
  ['whose role there is less', (id) => ['PATCH', '/organization/member_update', { organization_id: id, user_id: id, role: 'internal_user' }]],
  ['whose organization loses the team', (id) => ['POST', '/team/update', { team_id: `team-${id}`, organization_id: `other-${id}` }]],
  ['whose organization is deleted', (id) => ['DELETE', '/organization/delete', { organization_ids: [id] }]],
])('an admin of an organization, %s,', (_, revocation) => {
  async function administered() {
    const { id, key } = await company();
    await gateway.create('/organization/new', { organization_id: `other-${id}`, organization_alias: 'Other' });
    await gateway.create('/organization/member_add', { organization_id: id, member: [{ role: 'org_admin', user_id: id }] });
    await gateway.create('/team/new', { team_id: `team-${id}`, organization_id: id });
    const changed = (await gateway.create('/key/generate', { team_id: `team-${id}` })).key as string;
    return { id, change: () => post(key, '/key/update', { key: changed, metadata: { by: id } }) };
  }

  it.each<Moment>([
    'between the guard and the transaction',
    'before the work',
    'after the work',
  ])('changes no key of its teams any more: %s', async (moment) => {
    const { id, change } = await administered();
    const [method, path, body] = revocation(id);
    const revoked = gateway.during(moment, () => gateway.elsewhere.create(path, body, method));
    const answer = await change();
    await revoked.answer();
    const wasRevoked = revoked.cameFirst();
    const later = await change();
    expect(later.status).toBe(403);
    if (wasRevoked) expect(refusalOf(answer)).toEqual(refusalOf(later));
    else expect(answer.status).toBe(200);
    if (moment === 'between the guard and the transaction') expect(wasRevoked).toBe(true);
  });
}); // prettier-ignore

describe.each<[string, (id: string) => [path: string, body: object]]>([
  ['is blocked', (id) => ['/user/update', { user_id: id, blocked: true }]],
  ['has a lesser role', (id) => ['/user/update', { user_id: id, user_role: 'internal_user_viewer' }]],
  ['leaves the team', (id) => ['/team/member_delete', { team_id: id, user_id: id }]],
  ['may no longer make keys there', (id) => ['/team/permissions_update', { team_id: id, team_member_permissions: ['/key/info'] }]],
])('with a token, whose user %s', (_, revocation) => {
  it.each<Moment>([
    'between the guard and the transaction',
    'before the work',
  ])('no key is made: %s', async (moment) => {
    const { id } = await company();
    const token = await issuer.token({ sub: id });
    const [path, body] = revocation(id);
    const revoked = gateway.during(moment, () => gateway.elsewhere.create(path, body));
    const make = () => post(token, '/key/generate', { team_id: id });
    const answer = await make();
    await revoked.answer();
    const wasRevoked = revoked.cameFirst();
    const later = await make();
    expect(later.status).toBeGreaterThanOrEqual(400);
    if (wasRevoked) expect(refusalOf(answer)).toEqual(refusalOf(later));
    else expect(answer.status).toBe(200);
    if (moment === 'between the guard and the transaction' || isPostgres) expect(wasRevoked).toBe(true);
  });
}); // prettier-ignore

it('a bulk update whose caller is revoked between two of its keys is refused as a whole', async () => {
  const { key } = await gateway.create('/user/new', { user_id: 'bulk', user_role: 'proxy_admin' });
  const keys = await Promise.all([1, 2].map(async () => (await gateway.create('/key/generate', {})).key as string));
  const sent = { keys: [{ key: keys[0], metadata: { n: 1 } }, { key, blocked: true }, { key: keys[1], metadata: { n: 2 } }] };
  const { status } = await post(key as string, '/key/bulk_update', sent);
  expect(status).toBe(401);
  const [first, last] = await Promise.all(keys.map(async (one) => (await gateway.as(gateway.masterKey, 'GET', `/key/info?key=${one}`)).body.info.metadata));
  expect([first, last]).toEqual([{ n: 1 }, {}]);
}); // prettier-ignore

// SQLite has one writer at a time, so no write waits for a row.
if (isPostgres) {
  it('a stolen key of an administrator makes no administrator once its block is answered', async () => {
    const { key } = await gateway.create('/user/new', { user_id: 'stolen', user_role: 'proxy_admin' });
    const answers = await Promise.all([
      ...Array.from({ length: 40 }, (_, i) =>
        post(key as string, '/user/new', {
          user_id: `thief-${i}`,
          user_role: 'proxy_admin',
          auto_create_key: false,
        }),
      ),
      gateway.elsewhere.create('/key/block', { key }).then(async () => {
        const there = await gateway.database.read((manager) =>
          manager.countBy(User, { createdBy: 'stolen' }),
        );
        return { status: 0, there };
      }),
    ]);
    const there = answers.flatMap((answer) => ('there' in answer ? [answer.there] : []));
    const userCount = await gateway.database.read((manager) =>
      manager.countBy(User, { createdBy: 'stolen' }),
    );
    expect([userCount]).toEqual(there);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(userCount);
    expect(new Set(answers.map(({ status }) => status))).toEqual(
      new Set([0, 401, ...(userCount ? [200] : [])]),
    );
  });
}

it('rights that others give while a request is handled count in it', async () => {
  const who = await company();
  await gateway.create('/team/permissions_update', {
    team_id: who.id,
    team_member_permissions: ['/key/info'],
  });
  const promotion = gateway.during('between the guard and the transaction', () =>
    gateway.elsewhere.create('/team/member_update', { team_id: who.id, user_id: who.id, role: 'admin' }),
  );
  const { status, text } = await post(who.key, '/key/generate', { team_id: who.id, models: ['m-out'] });
  await promotion.answer();
  expect(status, text).toBe(200);
});

it('whoever takes away their own rights may', async () => {
  const { key } = await gateway.create('/user/new', { user_id: 'leaving', user_role: 'proxy_admin' });
  expect(
    (await post(key as string, '/user/update', { user_id: 'leaving', user_role: 'internal_user' })).status,
  ).toBe(200);
  expect((await post(key as string, '/key/block', { key })).status).toBe(200);
  expect((await post(key as string, '/key/block', { key })).status).toBe(401);
});

it('two administrators who block each other at once are both answered', async () => {
  for (let round = 0; round < 5; round++) {
    const [one, other] = await Promise.all(
      ['x', 'y'].map(async (name) => {
        const admin = await gateway.create('/user/new', {
          user_id: `${name}-${(serial += 1)}`,
          user_role: 'proxy_admin',
        });
        return admin.key as string;
      }),
    );
    const answers = await Promise.all([
      post(one!, '/key/block', { key: other }),
      gateway.elsewhere.as(other!, 'POST', '/key/block', { key: one }),
    ]);
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([200, 401]);
  }
});

it('the keys one member makes at once, while changing the key it makes them with, are all made', async () => {
  const { id, key } = await company();
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_, i) => {
      const at = i % 2 ? gateway : gateway.elsewhere;
      return i % 4 === 3
        ? at.as(key, 'POST', '/key/update', { key, metadata: { i } })
        : at.as(key, 'POST', '/key/generate', { team_id: id });
    }),
  );
  expect(answers.map(({ status, text }) => (status === 200 ? 200 : text))).toEqual(answers.map(() => 200));
});

it('keys for a user who is deleted again and again are all made: whoever names the user makes it anew', async () => {
  const user_id = `phoenix-${(serial += 1)}`;
  await gateway.create('/user/new', { user_id, auto_create_key: false });
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => {
      const at = i % 2 ? gateway : gateway.elsewhere;
      return i % 8 === 7
        ? at.as(at.masterKey, 'POST', '/user/delete', { user_ids: [user_id] })
        : at.as(at.masterKey, 'POST', '/key/generate', { user_id });
    }),
  );
  const generated = answers.filter((_, i) => i % 8 !== 7);
  expect(generated.map(({ status, text }) => (status === 200 ? 200 : text))).toEqual(
    generated.map(() => 200),
  );
  expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
  expect(await orphans()).toEqual([]);
});

interface Ids {
  readonly id: string;
  readonly spare: string;
}

type Door = readonly [path: string, body: (ids: Ids) => object, method?: string];

const END: Readonly<Record<'team' | 'organization' | 'user', Door>> = {
  team: ['/team/delete', ({ id }) => ({ team_ids: [id] })],
  organization: ['/organization/delete', ({ id }) => ({ organization_ids: [id] }), 'DELETE'],
  user: ['/user/delete', ({ id }) => ({ user_ids: [id] })],
};

/** Routes that name a parent. */
const CHILDREN: readonly (readonly [parent: keyof typeof END, child: string, make: Door])[] = [
  ['team', 'a key', ['/key/generate', ({ id }) => ({ team_id: id })]],
  ['team', 'a key that moves', ['/key/update', ({ id, spare }) => ({ key: spare, team_id: id })]],
  ['team', 'a service account', ['/key/service-account/generate', ({ id }) => ({ team_id: id })]],
  ['team', 'a member', ['/team/member_add', ({ id }) => ({ team_id: id, member: { role: 'user', user_id: `new-${id}` } })]],
  ['team', 'a new user', ['/user/new', ({ id }) => ({ user_id: `new-${id}`, teams: [id] })]],
  ['team', 'a new user’s key', ['/user/new', ({ id }) => ({ user_id: `new-${id}`, team_id: id })]],
  ['organization', 'a team', ['/team/new', ({ id }) => ({ team_id: `new-${id}`, organization_id: id })]],
  ['organization', 'a team that moves', ['/team/update', ({ id }) => ({ team_id: id, organization_id: id })]],
  ['organization', 'a key', ['/key/generate', ({ id }) => ({ organization_id: id })]],
  ['organization', 'a member', ['/organization/member_add', ({ id }) => ({ organization_id: id, member: [{ role: 'org_admin', user_id: id }] })]],
  ['organization', 'a new user', ['/user/new', ({ id }) => ({ user_id: `new-${id}`, organizations: [id] })]],
  ['user', 'a key', ['/key/generate', ({ id }) => ({ user_id: id })]],
  ['user', 'a key that is given away', ['/key/update', ({ id, spare }) => ({ key: spare, user_id: id })]],
  ['user', 'a membership', ['/team/member_add', ({ id }) => ({ team_id: `other-${id}`, member: { role: 'user', user_id: id } })]],
  ['user', 'a membership by address', ['/team/member_add', ({ id }) => ({ team_id: `other-${id}`, member: { role: 'user', user_email: `${id}@corp.test` } })]],
  ['user', 'a membership of an organization', ['/organization/member_add', ({ id }) => ({ organization_id: id, member: [{ role: 'org_admin', user_id: id }] })]],
]; // prettier-ignore

/** Returns the rows that belong to a missing parent. */
const orphans = () =>
  gateway.database.read(async (manager) => {
    const live = { deletedAt: IsNull() };
    const [keys, members, teams, users, organizations, joined] = await Promise.all([
      manager.findBy(VirtualKey, live),
      manager.findBy(Member, live),
      manager.findBy(Team, live),
      manager.findBy(User, live),
      manager.findBy(Organization, live),
      manager.find(OrganizationMember),
    ]);
    const isTeam = new Set<string | null>([null, ...teams.map(({ teamId }) => teamId)]);
    const isUser = new Set<string | null>([null, ...users.map(({ userId }) => userId)]);
    const isOrganization = new Set<string | null>([null, ...organizations.map(({ organizationId }) => organizationId)]);
    return [
      ...keys.filter((key) => !isTeam.has(key.teamId) || !isUser.has(key.userId) || !isOrganization.has(key.organizationId)),
      ...members.filter((member) => !isTeam.has(member.teamId) || !isUser.has(member.userId)),
      ...teams.filter((team) => !isOrganization.has(team.organizationId)),
      ...joined.filter((one) => !isOrganization.has(one.organizationId) || !isUser.has(one.userId)),
    ];
  }); // prettier-ignore

describe.each(CHILDREN)('in a %s that is being deleted, %s', (parent, _, [path, body]) => {
  const [endPath, endBody, method = 'POST'] = END[parent];

  async function createParties(): Promise<Ids> {
    const { id } = await company();
    await gateway.create('/team/new', { team_id: `other-${id}` });
    const { key } = await gateway.create('/key/generate', {});
    return { id, spare: key as string };
  }
  const make = (who: Ids) => gateway.elsewhere.as(gateway.masterKey, 'POST', path, body(who));
  const end = (who: Ids, at: InProcess) => at.as(gateway.masterKey, method, endPath, endBody(who));

  it('is refused, or deleted with it: neither is made alone', async () => {
    const who = await createParties();
    const making = gateway.during('after the work', () => make(who));
    expect((await end(who, gateway)).status).toBe(200);
    await making.answer();
    expect(await orphans()).toEqual([]);
  });

  it('goes with it when it came first', async () => {
    const who = await createParties();
    const ending = gateway.during('after the work', () => end(who, gateway.elsewhere));
    const response = await gateway.as(gateway.masterKey, 'POST', path, body(who));
    expect(response.status, response.text).toBe(200);
    expect((await ending.answer()).status).toBe(200);
    expect(await orphans()).toEqual([]);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

/** Writes that a member can repeat without a pause. */
const FLOODS: readonly (readonly [name: string, write: (who: Who) => Door])[] = [
  ['keys of their own', () => ['/key/generate', () => ({})]],
  ['keys of the team', () => ['/key/generate', ({ id }) => ({ team_id: id })]],
  ['changes of the key itself', ({ key }) => ['/key/update', () => ({ key, metadata: { n: (serial += 1) } })]],
]; // prettier-ignore

type Who = Awaited<ReturnType<typeof company>>;

const TURNS: readonly (readonly [name: string, path: string, body: (who: Who) => object])[] = [
  ['a block of the user', '/user/update', ({ id }) => ({ user_id: id, blocked: true })],
  ['a block of the key', '/key/block', ({ key }) => ({ key })],
  ['permissions_update', '/team/permissions_update', ({ id }) => ({ team_id: id, team_member_permissions: ['/key/info'] })],
  ['a team that leaves its organization', '/team/update', ({ id }) => ({ team_id: id, organization_id: null })],
  ['member_delete', '/team/member_delete', ({ id }) => ({ team_id: id, user_id: id })],
]; // prettier-ignore

// SQLite has one writer at a time, so no write waits for a row.
if (isPostgres) {
  describe.each(FLOODS)('while twelve of a member’s connections make %s', (flood, write) => {
    const ENDS_IT: Readonly<Record<string, readonly string[]>> = {
      'keys of the team': ['permissions_update', 'member_delete'],
    };

    it.each(TURNS)('%s has its turn', async (name, path, body) => {
      const who = await company();
      await gateway.create('/team/update', { team_id: who.id, organization_id: who.id });
      const [door, sent] = write(who);
      let isOver = false;
      let written = 0;
      let refused = 0;
      const failed: string[] = [];
      const loops = Array.from({ length: 12 }, async (_, i) => {
        const at = i % 2 ? gateway : gateway.elsewhere;
        while (!isOver) {
          const { status, headers, text } = await at.as(
            who.key,
            'POST',
            door,
            sent({ id: who.id, spare: '' }),
          );
          if (status === 200) written += 1;
          // Twelve writers without a pause keep the machine busy. It asks clients to retry then.
          else if (status >= 500 && !headers['retry-after']) failed.push(text);
          else refused += 1;
        }
      });
      await until(() => written >= 12 || refused + failed.length > 200);
      const { status, text } = await gateway.elsewhere.as(gateway.masterKey, 'POST', path, body(who));
      const countKeys = () =>
        gateway.database.read((manager) => manager.countBy(VirtualKey, { createdBy: who.id }));
      const before = await countKeys();
      const count = written;
      const ends = name.startsWith('a block of') || ENDS_IT[flood]?.includes(name);
      if (!ends) await until(() => written > count + 12 || refused + failed.length > 200);
      isOver = true;
      await Promise.all(loops);
      expect(status, text).toBe(200);
      if (ends) {
        expect(await countKeys()).toBe(before);
        const later = await post(who.key, door, sent({ id: who.id, spare: '' }));
        expect(later.status).toBeGreaterThanOrEqual(400);
      }
      expect(failed).toEqual([]);
    });
  });
}

// SQLite has one writer at a time, so no write waits for a row.
if (isPostgres) {
  it('a tier that administrators keep naming is changed in its turn', async () => {
    const budget_id = `tier-${(serial += 1)}`;
    await gateway.create('/budget/new', { budget_id, max_budget: 2 });
    let isOver = false;
    const statuses: number[] = [];
    const loops = Array.from({ length: 12 }, async (_, i) => {
      const at = i % 2 ? gateway : gateway.elsewhere;
      while (!isOver)
        statuses.push((await at.as(at.masterKey, 'POST', '/key/generate', { budget_id })).status);
    });
    await until(() => statuses.length >= 12);
    const { status, text } = await post(gateway.masterKey, '/budget/update', { budget_id, max_budget: 1 });
    isOver = true;
    await Promise.all(loops);
    expect(status, text).toBe(200);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
}
