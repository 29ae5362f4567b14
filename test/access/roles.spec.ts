import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { AUDIENCE, Issuer } from '../harness/issuer.js';
import { type Operation, operations } from '../harness/tenants.js';

/** Roles of the table: A proxy_admin, V its viewer, I internal_user, R its viewer, T a team's key, C a key without owner. */
const ROLES = ['A', 'V', 'I', 'R', 'T', 'C'] as const;

/** Roles that may call each route. Written by hand, not derived: a new route fails here until it has a row. */
const DOORS: readonly (readonly [doors: RegExp, roles: string])[] = [
  [/^GET \/(health\/.*|api\/hello)?$/, 'AVIRTC'],
  [/^POST \/(v1\/)?(engines\/\{model\}\/|openai\/deployments\/\{model\}\/)?(chat\/completions|completions|embeddings|moderations|images\/(generations|edits)|audio\/(speech|transcriptions|translations))$/, 'AVIRTC'],
  [/^POST \/(v1\/)?(messages(\/count_tokens)?|responses(\/input_tokens)?)$/, 'AVIRTC'],
  [/^POST \/(v[12]\/)?rerank$/, 'AVIRTC'],
  [/^POST \/bedrock\/model\/\{model\}\/(invoke|invoke-with-response-stream|converse|converse-stream)$/, 'AVIRTC'],
  [/^POST \/(gemini\/v1(beta)?|v1beta)\/models\/\{target\}$/, 'AVIRTC'],
  [/^POST \/vertex[_-]ai\/v1(beta1)?\/projects\/\{project\}\/locations\/\{location\}\/publishers\/\{publisher\}\/models\/\{target\}$/, 'AVIRTC'],
  [/^GET \/(v1\/)?models(\/\{model\})?$/, 'AVIRTC'],
  [/^POST \/access\/v1\/evaluations?$/, 'AVIRTC'],
  [/^GET \/key\/(info|list)$/, 'AVIRTC'],
  [/^POST \/key\/(generate|update|delete|block|unblock|regenerate)$/, 'AI'],
  [/^POST \/key\/(service-account\/generate|\{key\}\/(regenerate|reset_spend))$/, 'AI'],
  [/^POST \/key\/bulk_update$/, 'A'],
  [/^GET \/key\/aliases$/, 'AVIR'],
  [/^POST \/(v2\/key\/info|key\/health)$/, 'AVIRTC'],
  [/^GET \/team\/(info|list)$/, 'AVIRT'],
  [/^GET \/v2\/team\/list$/, 'AVIRT'],
  [/^GET \/team\/(permissions_list|available)$/, 'AVIR'],
  [/^POST \/team\/(new|update|delete|block|unblock|member_add|member_update|member_delete|permissions_update)$/, 'AI'],
  [/^POST \/team\/model\/(add|delete)$/, 'AI'],
  [/^GET \/user\/(info|list|available_roles)$/, 'AVIR'],
  [/^GET \/v2\/user\/info$/, 'AVIR'],
  [/^POST \/user\/update$/, 'AI'],
  [/^POST \/user\/(new|delete|bulk_update)$/, 'A'],
  [/^GET \/organization\/(info|list)$/, 'AVIR'],
  [/^(POST|PATCH|DELETE) \/organization\/member_(add|update|delete)$/, 'AI'],
  [/^(POST|PATCH|DELETE) \/organization\/(new|update|delete)$/, 'A'],
  [/^GET \/(customer|end_user)\/(info|list)$/, 'AV'],
  [/^POST \/(customer|end_user)\/(new|update|delete|block|unblock)$/, 'A'],
  [/^POST \/tag\/(new|update|delete)$/, 'A'],
  [/^POST \/tag\/info$/, 'AV'],
  [/^GET \/tag\/list$/, 'AVIR'],
  [/^GET \/tag\/(distinct|[dwm]au|summary|user-agent\/per-user-analytics)$/, 'AV'],
  [/^GET \/spend\/(logs(\/v2)?|keys|users|tags|sessions)$/, 'AVIR'],
  [/^POST \/(spend\/calculate|cost\/estimate)$/, 'AVIR'],
  [/^GET \/((user|team|organization|tag)\/daily|global)\/activity$/, 'AVIR'],
  [/^GET \/(customer\/daily\/activity|global\/spend(\/(tags|keys|models|teams|report))?|metrics|health)$/, 'AV'],
  [/^POST \/global\/spend\/end_users$/, 'AV'],
  [/^GET \/audit(\/\{id\})?$/, 'AV'],
  // The master key alone may call it; it has no role here.
  [/^POST \/global\/spend\/reset$/, ''],
  [/^(POST \/budget\/info|GET \/budget\/(list|settings))$/, 'AV'],
  [/^POST \/budget\/(new|update|delete)$/, 'A'],
  [/^GET \/v2\/model\/info$/, 'AV'],
  [/^GET \/config\/cost_(discount|margin)_config$/, 'AV'],
  [/^PATCH \/config\/cost_(discount|margin)_config$/, 'A'],
  [/^GET \/((v1\/)?model|model_group)\/info$/, 'AVIRTC'],
  [/^POST \/model\/(new|update|delete)$/, 'A'],
  [/^PATCH \/model\/\{model_id\}\/update$/, 'A'],
  [/^GET \/(access_group\/(list|\{access_group\}\/info)|v1\/access_group(\/\{access_group_id\})?)$/, 'AV'],
  [/^(POST|PUT|DELETE) \/(access_group\/|v1\/access_group)/, 'A'],
]; // prettier-ignore

let gateway: Gateway;
let known: Operation[];
let keys: Record<(typeof ROLES)[number], string>;
let issuer: Issuer;
/** Tokens of an issuer for the same users and team. A key without owner has no token. */
let tokens: Record<(typeof ROLES)[number], string | undefined>;

beforeAll(async () => {
  issuer = await Issuer.start();
  gateway = await Gateway.start({
    config: {
      general_settings: {
        enable_jwt_auth: true,
        litellm_jwtauth: {
          issuer: issuer.url,
          audience: AUDIENCE,
          user_id_jwt_field: 'sub',
          team_ids_jwt_field: 'groups',
        },
      },
    },
  });
  known = await operations(gateway);
  const user = async (user_role: string) =>
    (await gateway.create('/user/new', { user_id: user_role, user_role })).key as string;
  await gateway.create('/team/new', { team_id: 't' });
  keys = {
    A: await user('proxy_admin'),
    V: await user('proxy_admin_viewer'),
    I: await user('internal_user'),
    R: await user('internal_user_viewer'),
    T: await gateway.createKey({ team_id: 't' }),
    C: await gateway.createKey(),
  };
  const token = (sub: string) => issuer.token({ sub });
  tokens = {
    A: await token('proxy_admin'),
    V: await token('proxy_admin_viewer'),
    I: await token('internal_user'),
    R: await token('internal_user_viewer'),
    T: await issuer.token({ groups: ['t'] }),
    C: undefined,
  };
});
afterAll(() => closeAll(gateway, issuer));

const knock = (key: string, { method, path }: Operation) =>
  gateway.as(key, method, path.replace(/\{\w+\}/g, 'x'), method === 'GET' ? undefined : '{"broken');

describe('every door of the OpenAPI document', () => {
  it('is listed here exactly once, and nothing else is', () => {
    for (const { door } of known)
      expect({ door, rows: DOORS.filter(([doors]) => doors.test(door)).length }).toEqual({ door, rows: 1 });
    for (const [doors] of DOORS)
      expect(
        known.some(({ door }) => doors.test(door)),
        String(doors),
      ).toBe(true);
    expect(known.length).toBeGreaterThan(70);
  });

  it.each(ROLES)('opens to %s where the table says so, and nowhere else', async (role) => {
    for (const [credential, operation] of [keys[role], tokens[role]].flatMap((one) =>
      one === undefined ? [] : known.map((operation) => [one, operation] as const),
    )) {
      const { status, body } = await knock(credential, operation);
      const [, roles] = DOORS.find(([doors]) => doors.test(operation.door))!;
      const closed = status === 403 && body.error.details?.check === 'routeIsAllowed';
      expect({ door: operation.door, enters: !closed }).toEqual({
        door: operation.door,
        enters: roles.includes(role),
      });
    }
  });

  it('refuses before it looks at the body, and opens for HEAD only as for GET', async () => {
    const closed = await gateway.as(keys.I, 'POST', '/user/new', '{"broken');
    expect(closed.body.error).toMatchObject({
      code: '403',
      type: 'auth_error',
      message: expect.stringContaining('Your role=internal_user'),
    });
    expect((await gateway.as(keys.V, 'HEAD', '/key/list')).status).toBe(200);
    expect((await gateway.as(keys.I, 'HEAD', '/customer/list')).status).toBe(403);
  });
});

describe('a role', () => {
  it('counts from the answer on, both ways', async () => {
    await gateway.create('/user/new', { user_id: 'riser', auto_create_key: false });
    const key = await gateway.createKey({ user_id: 'riser' });
    const mayMakeUsers = async () =>
      (await gateway.as(key, 'POST', '/user/new', { auto_create_key: false })).status;
    expect(await mayMakeUsers()).toBe(403);
    await gateway.create('/user/update', { user_id: 'riser', user_role: 'proxy_admin' });
    expect(await mayMakeUsers()).toBe(200);
    await gateway.create('/user/update', { user_id: 'riser', user_role: 'internal_user' });
    expect(await mayMakeUsers()).toBe(403);
  });

  it('gives a key no more than its own list of routes', async () => {
    await gateway.create('/user/new', { user_id: 'root', user_role: 'proxy_admin', auto_create_key: false });
    const key = await gateway.createKey({ user_id: 'root', allowed_routes: ['llm_api_routes', '/key/info'] });
    expect((await gateway.as(key, 'POST', '/user/new', {})).status).toBe(403);
    expect((await gateway.as(key, 'GET', '/key/info')).status).toBe(200);
  });

  it('with a route in its list also calls what is below, in no spelling anything else', async () => {
    const key = await gateway.createKey({ allowed_routes: ['/v1/models'] });
    const status = async (path: string) => (await gateway.as(key, 'GET', path)).status;
    for (const path of ['/v1/models', '/v1/models/m', '/openai/v1/models', '/v1/models/..%2F..%2Fkey%2Flist'])
      expect([path, await status(path)]).not.toEqual([path, 403]);
    for (const path of ['/models', '/v1/modelsx', '/v1/model/info', '/v1/models/../../key/list', '//v1/models', '/V1/models', '/key/info'])
      expect([path, await status(path)]).not.toEqual([path, 200]); // prettier-ignore
  });

  it('for management adds, changes and removes members of teams', async () => {
    await gateway.create('/user/new', {
      user_id: 'keeper',
      user_role: 'proxy_admin',
      auto_create_key: false,
    });
    const key = await gateway.createKey({ user_id: 'keeper', key_type: 'management' });
    const { team_id } = await gateway.create('/team/new', {});
    const send = async (verb: string, body: object) =>
      (await gateway.as(key, 'POST', `/team/${verb}`, { team_id, ...body })).status;
    expect(await send('member_add', { member: { user_id: 'member', role: 'user' } })).toBe(200);
    expect(await send('member_update', { user_id: 'member', role: 'admin' })).toBe(200);
    expect(await send('member_delete', { user_id: 'member' })).toBe(200);
    expect(await send('model/add', { models: ['m'] })).toBe(403);
  });

  it('of nobody reads the metrics if an admin named them, and nothing else', async () => {
    const key = await gateway.createKey({ allowed_routes: ['/metrics'] });
    expect((await gateway.as(key, 'GET', '/metrics')).text).toContain('tollgate_calls_in_flight');
    expect((await gateway.as(key, 'GET', '/global/spend')).status).toBe(403);
    expect((await gateway.as(await gateway.createKey(), 'GET', '/metrics')).status).toBe(403);
  });

  it('of a viewer sees everything and changes nothing', async () => {
    const list = await gateway.as(keys.V, 'GET', '/key/list?size=100');
    expect(list.body.total_count).toBe((await gateway.admin('GET', '/key/list')).body.total_count);
    expect((await gateway.as(keys.V, 'GET', `/key/info?key=${keys.C}`)).status).toBe(200);
    expect((await gateway.as(keys.V, 'POST', '/budget/info', { budgets: ['x'] })).body).toEqual([]);
  });
});
