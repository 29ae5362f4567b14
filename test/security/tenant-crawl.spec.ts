import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_FIELDS } from '../../src/parties/fields/all-fields.js';
import type { Field, Fields } from '../../src/parties/fields/field.js';
import { closeAll } from '../harness/close-all.js';
import type { Answer } from '../harness/gateway.js';
import { Gateway } from '../harness/gateway.js';
import {
  CALLERS,
  type CallerKind,
  everythingOf,
  makeTenant,
  type Operation,
  operations,
  type Tenant,
  verdict,
} from '../harness/tenants.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that two tenants on one gateway are separate. Requests with the other tenant's ids reveal and change nothing. */

/** Declared fields of bodies. The declaration says which of them name a party. */
const DECLARED = Object.values<Fields>(ALL_FIELDS).flatMap((fields) => Object.entries<Field>(fields));
/** Fields that name a party or a resource, with the shape of the value. */
const NAMING: Readonly<Record<string, 'one' | 'list' | 'member'>> = {
  ...Object.fromEntries(DECLARED.flatMap(([name, { names }]) => (names ? [[name, names]] : []))),
  // Fields in queries, paths and bodies of routes that make and change no party.
  api_key: 'one', keys: 'list', key_aliases: 'list', key_hash: 'one',
  user_ids: 'list', sso_user_ids: 'one', team_ids: 'list', team: 'one',
  organization_ids: 'list', org_id: 'one', org_alias: 'one',
  exclude_team_ids: 'list', exclude_organization_ids: 'list', end_user_ids: 'list', exclude_end_user_ids: 'list',
  internal_user_id: 'one', customer_id: 'one',
  end_user: 'one', end_user_id: 'one', budgets: 'list',
  id: 'one', litellm_model_id: 'one', request_id: 'one', session_id: 'one', trace_id: 'one',
  changed_by: 'one', changed_by_api_key: 'one', object_id: 'one', object_team_id: 'one', object_key_hash: 'one',
  teamId: 'one', modelId: 'one',
  assigned_team_ids: 'list', assigned_key_ids: 'list', access_group: 'one', access_group_id: 'one', model_id: 'one',
}; // prettier-ignore
/** Other fields, which name no party. The first test fails for a field that is neither declared nor listed here. */
const ELSE =
  /^(model|input_tokens|output_tokens|cache_(?:read|creation)_input_tokens|reasoning_tokens|num_requests_per_(?:day|month)|names|role|subject|action|table_name|resource|context|evaluations|messages|contents|target|project|location|publisher|prompt|input|stream|max_tokens|max_completion_tokens|user|n|fallbacks|model_name|litellm_params|page|size|page_size|sort_by|sort_order|start_date|end_date|return_full_object|reset_to|include_team_keys|include_created_by_keys|status|expand|search|options|model_names|model_ids|access_\w+_ids|access_group_name|access_model_names|model_group|include_metadata|fallback_type|return_wildcard_routes|scope|include_model_access_groups|only_model_access_groups|healthy_only|before_id|after_id|users|all_users|user_updates|summarize|timezone|limit|group_by|startTime|endTime|min_spend|max_spend|status_filter|error_code|error_message|completion_response|user_agent|originator|call_type|tag_filter|tag_filters|clamped)$/;
const namesNothing = (field: string) => DECLARED.some(([name]) => name === field) || ELSE.test(field);

/** Reports that need days. */
const NEEDS_DAYS = /\/activity$|\/report$|\/summary$|\/logs\/v2$/;
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
const DAYS = { start_date: daysAgo(7), end_date: daysAgo(0) };

/** Ids that do not exist. A key is `sk-` and 22 characters. */
const NOBODY: Record<string, string> = { key: 'sk-nobodynobodynobody1234', keys: 'sk-nobodynobodynobody1234', api_key: 'sk-nobodynobodynobody1234', user_email: 'nobody@example.com' }; // prettier-ignore
const unknownId = (field: string) => NOBODY[field] ?? `nobody-${field}`;
const WILD = ['*', '%', 'all', ''];

/** Names shared by tenants: a taken alias cannot be hidden, and a deployment serves both tenants. */
const SHARED_NAMES = new Set([
  'GET /spend/logs/v2 model_id',
  'GET /model/info litellm_model_id',
  'GET /v1/model/info litellm_model_id',
  ...['generate', 'service-account/generate', 'update', 'regenerate', '{key}/regenerate'].map(
    (verb) => `POST /key/${verb} key_alias`,
  ),
]);

/** The field that an update needs beside the one under test. The document cannot require it, because another may stand for it. */
const NAMED_BY: Readonly<Record<string, string>> = {
  'POST /key/update': 'key',
  'POST /user/update': 'user_id',
};

/** The words by which Terraform's provider decides that a resource is gone, so that it makes a new one. */
const MISSING_WORDS = /404|not found|do(?:es)? not exist|doesn['’]t exist/i;
/** Routes whose callers see every row that a request can name: the members of the team or the organization they administer. */
const OF_OWN_MEMBERS = /\/(?:team|organization)\/member_(?:update|delete)$/;
/** Reads that answer an admin with an empty list, because the field is a filter. */
const FOUND_NOTHING = Object.fromEntries(
  ['/model/info team_id', '/v1/model/info team_id', '/v2/model/info modelId', '/v2/model/info teamId'].map(
    (read) => [`GET ${read}`, 200],
  ),
);
/** Other answers to an admin who names what is missing: LiteLLM's statuses, lists, and end users that a block creates. */
const NOT_404 = {
  'POST /v2/key/info keys': 200,
  'POST /budget/info budgets': 200,
  'POST /customer/block user_ids': 200,
  'POST /end_user/block user_ids': 200,
  'POST /customer/unblock user_ids': 200,
  'POST /end_user/unblock user_ids': 200,
  'POST /team/member_update team_id': 400,
  'POST /team/member_delete team_id': 400,
  'POST /key/bulk_update keys': 422,
};
/** Headers that differ between two equal answers. */
const PER_REQUEST = new Set(['date', 'x-request-id', 'request-id']);

/** Returns everything of an error by which a caller could tell it from another, except the request's id. */
const refusalOf = ({ status, headers, text, body }: Answer) => ({
  status,
  headers: Object.entries(headers).filter(([name]) => !PER_REQUEST.has(name)),
  text: text.replaceAll(body?.error?.details?.request_id, '<request id>'),
});

let upstream: Upstream;
let gateway: Gateway;
let mine: Tenant;
let theirs: Tenant;
let known: Operation[];

beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
  mine = await makeTenant(gateway, 'aaaa');
  theirs = await makeTenant(gateway, 'bbbb');
  known = (await operations(gateway)).filter(
    ({ path }) =>
      !/bedrock|gemini|v1beta|vertex|completions|embeddings|messages|responses|moderations|images|audio|rerank/.test(
        path,
      ),
  );
});
afterAll(() => closeAll(gateway, upstream));

const shaped = (field: string, value: string) => {
  const kind = NAMING[field]!;
  if (kind === 'member') return [{ role: 'user', user_id: value }];
  return kind === 'list' ? [value] : value;
};

/** Returns a tenant's value for this field. A field for a key takes the secret or its hash. */
const idOf = (tenant: Tenant, kind: CallerKind, field: string): string => {
  if (field === 'key' || field === 'keys') return tenant.spare[kind];
  if (field === 'member' || field === 'members_with_roles') return tenant.ids.user_id!;
  const id = tenant.ids[field];
  if (id === undefined) throw new Error(`No tenant has a ${field}.`);
  return id;
};

/** Builds a request with one field set. Every other naming field has an id of `others`. */
function request(operation: Operation, field: string | undefined, value: unknown, others: Tenant, kind: CallerKind) {
  const { method, query, pathParams, example } = operation;
  const naming = NAMED_BY[operation.door];
  const example_ = [...new Set([...Object.keys(example), ...pathParams, ...(naming ? [naming] : [])])].map((name) => [
    name,
    NAMING[name] ? shaped(name, idOf(others, kind, name)) : example[name],
  ]);
  const fields = { ...(NEEDS_DAYS.test(operation.path) && DAYS), ...Object.fromEntries(example_), ...(field !== undefined && { [field]: value }) } as Record<string, unknown>;
  const path = pathParams.reduce(
    (filled, name) => filled.replace(`{${name}}`, encodeURIComponent(String(fields[name]))),
    operation.path,
  );
  for (const name of pathParams) if (!operation.fields.includes(name)) delete fields[name];
  // Organizations have their own roles.
  if (path.startsWith('/organization') && Array.isArray(fields.member))
    fields.member = fields.member.map((member: object) => ({ ...member, role: 'internal_user' }));
  if (method !== 'GET') return { path: path.replace(/\{\w+\}/, 'x'), body: fields };
  const pairs = query
    .filter((name) => fields[name] !== undefined)
    .map((name) => `${name}=${encodeURIComponent(String(fields[name]))}`);
  return { path: `${path.replace(/\{\w+\}/, 'm-free')}${pairs.length ? `?${pairs.join('&')}` : ''}`, body: undefined };
} // prettier-ignore

const namingFields = ({ fields, query, pathParams }: Operation) =>
  [...new Set([...fields, ...query, ...pathParams])].filter((name) => NAMING[name]);

describe('the crawl', () => {
  it('knows every field of every route', () => {
    for (const { door, fields, query, pathParams } of known) {
      for (const field of [...fields, ...query, ...pathParams])
        expect(NAMING[field] !== undefined || namesNothing(field), `${door} ${field}`).toBe(true);
    }
    expect(known.flatMap(namingFields).length).toBeGreaterThan(60);
  });

  it.each(CALLERS)('of their %s tells and changes nothing of mine', async (kind) => {
    const before = await everythingOf(gateway, mine);
    expect(before).toContain(mine.marker);
    let entered = 0;
    const send = async (operation: Operation, field: string | undefined, value: unknown, others: Tenant) => {
      const { path, body } = request(operation, field, value, others, kind);
      const answer = await gateway.as(theirs.keys[kind], operation.method, path, body);
      const what = `${operation.door} ${field} ${JSON.stringify(value)} with ${others.name}`;
      const sent = JSON.stringify([field, value, body, path]);
      if (!sent.includes(mine.marker)) expect(answer.text, what).not.toContain(mine.marker);
      expect(answer.status, `${what}: ${answer.text}`).toBeLessThan(500);
      return answer;
    };
    let hidden = 0;
    const same = (a: Answer, b: Answer, idOfMine: string, idOfNobody: string, what: string) => {
      const plain = (answer: Answer, id: string) => {
        const { status, message } = verdict(answer);
        return { what, status, message: message.replaceAll(id, '<id>') };
      };
      expect(plain(a, idOfMine)).toEqual(plain(b, idOfNobody));
      if (a.status !== 403) return;
      expect({ what, ...refusalOf(a) }).toEqual({ what, ...refusalOf(b) });
      expect(a.body.error.type, what).toBe('auth_error');
      if (a.body.error.message.startsWith('You may see nothing with this')) hidden++;
    };
    const neverSaysMissing = (answer: Answer, { path }: Operation, others: Tenant, what: string) => {
      if (answer.status < 400 || (others === theirs && OF_OWN_MEMBERS.test(path))) return;
      expect(answer.status, what).not.toBe(404);
      expect(refusalOf(answer).text, what).not.toMatch(MISSING_WORDS);
    };
    for (const operation of known) {
      const refused = await send(operation, undefined, undefined, mine);
      if (refused.body?.error?.details?.check === 'routeIsAllowed') continue;
      entered++;
      for (const field of namingFields(operation)) {
        const [ours, none] = [idOf(mine, kind, field), unknownId(field)];
        for (const others of [mine, theirs]) {
          const what = `${operation.door} ${field}`;
          if (SHARED_NAMES.has(what)) continue;
          const withMine = await send(operation, field, shaped(field, ours), others);
          const withNone = await send(operation, field, shaped(field, none), others);
          same(withMine, withNone, ours, none, `${what} with ${others.name}`);
          neverSaysMissing(withMine, operation, others, `${what} with ${others.name}`);
        }
        for (const wild of WILD) await send(operation, field, shaped(field, wild), theirs);
        await send(operation, field, undefined, theirs);
        if (NAMING[field] === 'list' && kind !== 'customer') {
          const own = idOf(theirs, kind, field);
          if (operation.method !== 'GET' && !field.startsWith('key')) {
            const withMine = await send(operation, field, [ours, own], theirs);
            const withNone = await send(operation, field, [none, own], theirs);
            same(withMine, withNone, ours, none, `${operation.door} ${field} beside an own one`);
            neverSaysMissing(withMine, operation, theirs, `${operation.door} ${field} beside an own one`);
          }
        }
      }
    }
    expect(entered).toBeGreaterThan(3);
    expect(hidden).toBeGreaterThan(kind === 'customer' ? 0 : 2);
    expect(await everythingOf(gateway, mine)).toBe(before);
  });

  it.each(['proxy_admin', 'proxy_admin_viewer'])('tells a %s which row is missing', async (user_role) => {
    const { key } = await gateway.create('/user/new', { user_role });
    const answers: Record<string, number> = {};
    for (const operation of known) {
      const { door, method, path, example, pathParams } = operation;
      if (path.endsWith('/new') || (user_role === 'proxy_admin_viewer' && method !== 'GET')) continue;
      for (const field of namingFields(operation)) {
        const isNeeded = field in example || pathParams.includes(field) || path.endsWith('/info');
        if (!isNeeded || field === 'member') continue;
        const asked = request(operation, field, shaped(field, unknownId(field)), theirs, 'member');
        answers[`${door} ${field}`] = (
          await gateway.as(key as string, method, asked.path, asked.body)
        ).status;
      }
    }
    const others = Object.entries(answers).filter(([, status]) => status !== 404);
    expect(Object.keys(answers).length - others.length).toBeGreaterThan(10);
    const expected = user_role === 'proxy_admin' ? { ...FOUND_NOTHING, ...NOT_404 } : FOUND_NOTHING;
    expect(Object.fromEntries(others)).toEqual(expected);
  });

  it.each(CALLERS)('lists of their %s hold only what is theirs', async (kind) => {
    for (const path of ['/key/list?return_full_object=true&size=100&expand=user', '/key/list?return_full_object=true&status=deleted&user_id=member-bbbb&include_created_by_keys=true&include_team_keys=true', '/key/aliases', '/team/list', '/v2/team/list?page_size=100', '/team/available', '/user/list?page_size=100', '/organization/list', '/spend/logs', '/spend/tags', '/tag/list', '/customer/list', '/model/info', '/model_group/info']) {
      const { status, text } = await gateway.as(theirs.keys[kind], 'GET', path);
      expect(text, path).not.toContain(mine.marker);
      expect(text, path).not.toContain('-aaaa');
      expect([200, 403], path).toContain(status);
    }
  }); // prettier-ignore

  it('a mixed bulk delete takes one’s own key and passes over the other’s', async () => {
    const own = await gateway.createKey({ user_id: theirs.userIds.user });
    const { status, body } = await gateway.as(theirs.keys.user, 'POST', '/key/delete', {
      keys: [mine.spare.member, own],
    });
    expect({ status, body }).toEqual({ status: 200, body: { deleted_keys: [own] } });
    expect((await gateway.as(mine.spare.member, 'GET', '/key/info')).status).toBe(200);
  });
});

describe('what a caller sees and does not administer', () => {
  type Refused = [
    caller: 'member' | 'user' | 'teamAdmin',
    route: string,
    body: (caller: Tenant) => object,
    words: string,
  ];
  const ofTeam = 'Only the admins of the team may do this';
  const ofOrganization = 'Only the admins of the organization may do this';
  const ofUser = 'Only a proxy admin changes another user';
  it.each<Refused>([
    ['member', '/key/update', ({ spare }) => ({ key: spare.member, team_id: mine.ids.team_id }), ofTeam],
    ['user', '/key/generate', () => ({ organization_id: mine.ids.organization_id }), ofOrganization],
    ['user', '/team/new', () => ({ organization_id: mine.ids.organization_id }), ofOrganization],
    ['user', '/organization/member_add', () => ({ organization_id: mine.ids.organization_id, member: { role: 'internal_user', user_id: mine.userIds.user } }), ofOrganization],
    ['teamAdmin', '/user/update', () => ({ user_id: mine.userIds.member, user_alias: 'new' }), ofUser],
    ['teamAdmin', '/user/update', () => ({ user_email: mine.ids.user_email, user_alias: 'new' }), ofUser],
  ])('is refused to %s at %s in true words, and hidden from others', async (caller, route, body, words) => {
    const refused = await gateway.as(mine.keys[caller], 'POST', route, body(mine));
    expect([refused.status, refused.body.error.message]).toEqual([403, words]);
    const stranger = await gateway.as(theirs.keys[caller], 'POST', route, body(theirs));
    expect(stranger.status).toBe(403);
    expect(stranger.body.error.message).toMatch(/^You may see nothing with this /);
  }); // prettier-ignore
});

describe('what is one’s own', () => {
  const status = async (kind: CallerKind, method: string, path: string, body?: unknown) =>
    (await gateway.as(mine.keys[kind], method, path, body)).status;

  it.each<[CallerKind, string, (t: Tenant) => [string, string, unknown?], number]>([
    ['member', 'sees itself', () => ['GET', '/key/info'], 200],
    ['member', 'sees its user', (t) => ['GET', `/user/info?user_id=${t.userIds.member}`], 200],
    ['member', 'sees its user without naming it', () => ['GET', '/user/info'], 200],
    ['member', 'sees its team', (t) => ['GET', `/team/info?team_id=${t.ids.team_id}`], 200],
    ['member', 'sees its team’s keys', (t) => ['GET', `/key/info?key=${t.keys.team}`], 200],
    ['member', 'sees what it spent', () => ['GET', '/spend/logs'], 200],
    ['member', 'makes a key of its own', () => ['POST', '/key/generate', {}], 200],
    ['member', 'makes no key of its team', (t) => ['POST', '/key/generate', { team_id: t.ids.team_id }], 403],
    ['member', 'changes no team key', (t) => ['POST', '/key/update', { key: t.keys.team, models: ['m-free'] }], 403],
    ['member', 'manages no team', (t) => ['POST', '/team/update', { team_id: t.ids.team_id, team_alias: 'x' }], 403],
    ['teamAdmin', 'makes a key of the team', (t) => ['POST', '/key/generate', { team_id: t.ids.team_id, user_id: '' }], 200],
    ['teamAdmin', 'blocks a team key', (t) => ['POST', '/key/block', { key: t.spare.team }], 200],
    ['teamAdmin', 'unblocks it', (t) => ['POST', '/key/unblock', { key: t.spare.team }], 200],
    ['teamAdmin', 'does not delete the team', (t) => ['POST', '/team/delete', { team_ids: [t.ids.team_id] }], 403],
    ['teamAdmin', 'sees no organization', (t) => ['GET', `/organization/info?organization_id=${t.ids.organization_id}`], 403],
    ['orgAdmin', 'sees the organization', (t) => ['GET', `/organization/info?organization_id=${t.ids.organization_id}`], 200],
    ['orgAdmin', 'sees a team of it', (t) => ['GET', `/team/info?team_id=${t.ids.team_id}`], 200],
    ['orgAdmin', 'makes a team in it', (t) => ['POST', '/team/new', { organization_id: t.ids.organization_id }], 200],
    ['orgAdmin', 'makes no team beside it', () => ['POST', '/team/new', {}], 403],
    ['orgAdmin', 'chooses no team id', (t) => ['POST', '/team/new', { organization_id: t.ids.organization_id, team_id: 'mine' }], 403],
    ['orgAdmin', 'adds a member of it to a team', (t) => ['POST', '/team/member_add', { team_id: t.ids.team_id, member: { role: 'user', user_id: t.userIds.user } }], 200],
    ['orgAdmin', 'makes another admin', (t) => ['PATCH', '/organization/member_update', { organization_id: t.ids.organization_id, user_id: t.userIds.user, role: 'org_admin' }], 200],
    ['orgAdmin', 'takes a member out', (t) => ['DELETE', '/organization/member_delete', { organization_id: t.ids.organization_id, user_id: t.userIds.user }], 200],
    ['orgAdmin', 'does not change the organization', (t) => ['PATCH', '/organization/update', { organization_id: t.ids.organization_id, max_budget: null }], 403],
    ['user', 'changes its name', (t) => ['POST', '/user/update', { user_id: t.userIds.user, user_alias: 'me' }], 200],
    ['member', 'resets no team key', (t) => ['POST', `/key/${t.keys.team}/reset_spend`, { reset_to: 0 }], 403],
    ['member', 'gives no team key a new secret', (t) => ['POST', `/key/${t.keys.team}/regenerate`], 403],
    ['member', 'makes no service account of its team', (t) => ['POST', '/key/service-account/generate', { team_id: t.ids.team_id }], 403],
    ['teamAdmin', 'makes a service account of its team', (t) => ['POST', '/key/service-account/generate', { team_id: t.ids.team_id }], 200],
    ['teamAdmin', 'resets a team key', (t) => ['POST', `/key/${t.spare.team}/reset_spend`, { reset_to: 0 }], 200],
    ['teamAdmin', 'sees several keys at once', (t) => ['POST', '/v2/key/info', { keys: [t.keys.team, t.spare.team] }], 200],
    ['user', 'blocks its key', (t) => ['POST', '/key/block', { key: t.spare.user }], 200],
    ['user', 'does not unblock it', (t) => ['POST', '/key/unblock', { key: t.spare.user }], 403],
    ['user', 'nor by an update', (t) => ['POST', '/key/update', { key: t.spare.user, blocked: false }], 403],
    ['viewer', 'sees its keys', () => ['GET', '/key/list'], 200],
    ['viewer', 'makes none', () => ['POST', '/key/generate', {}], 403],
    ['team', 'sees its team', (t) => ['GET', `/team/info?team_id=${t.ids.team_id}`], 200],
    ['team', 'sees no other key of it', (t) => ['GET', `/key/info?key=${t.spare.team}`], 403],
    ['customer', 'sees itself', () => ['GET', '/key/info'], 200],
    ['customer', 'makes no key', () => ['POST', '/key/generate', {}], 403],
  ])('%s %s', async (kind, _, ask, expected) => {
    expect(await status(kind, ...ask(mine))).toBe(expected);
  }); // prettier-ignore

  it('a team’s admin lets its members make keys, and no longer', async () => {
    const generate = () => status('member', 'POST', '/key/generate', { team_id: mine.ids.team_id });
    const permit = (team_member_permissions: string[]) =>
      status('teamAdmin', 'POST', '/team/permissions_update', {
        team_id: mine.ids.team_id,
        team_member_permissions,
      });
    expect(await permit(['/key/info', '/key/generate'])).toBe(200);
    expect(await generate()).toBe(200);
    const response = await gateway.as(mine.keys.member, 'GET', `/team/permissions_list?team_id=${mine.ids.team_id}`);
    expect(response.body).toMatchObject({ team_member_permissions: ['/key/info', '/key/generate'] });
    expect(await permit(['/key/info'])).toBe(200);
    expect(await generate()).toBe(403);
    expect(await permit(['/user/new'])).toBe(422);
  }); // prettier-ignore

  it('ends with the membership, also for a user made again', async () => {
    const path = `/team/info?team_id=${mine.ids.team_id}`;
    expect(await status('teamAdmin', 'GET', path)).toBe(200);
    await gateway.create('/team/member_delete', {
      team_id: mine.ids.team_id,
      user_id: mine.userIds.teamAdmin,
    });
    expect(await status('teamAdmin', 'GET', path)).toBe(403);

    await gateway.create('/user/delete', { user_ids: [mine.userIds.orgAdmin] });
    const again = (await gateway.create('/user/new', { user_id: mine.userIds.orgAdmin })).key as string;
    const asked = await gateway.as(again, 'GET', `/organization/info?organization_id=${mine.ids.organization_id}`);
    expect(asked.status).toBe(403);
  }); // prettier-ignore
});
