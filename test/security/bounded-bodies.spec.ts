import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves the limits of an admin's request body: measured before any object is built from it, on every route alike. */

interface Operation {
  readonly requestBody?: {
    readonly content: Record<string, { readonly schema: { readonly $ref?: string } }>;
  };
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: { readonly type?: string } }[]; // prettier-ignore
}
interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly schemas: Record<string, { readonly properties?: Record<string, unknown> }>;
  };
}
interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

let upstream: Upstream;
let gateway: Gateway;
let document: Document;
let routes: Route[];
let withBody: Route[];
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
  document = (await gateway.send('GET', '/openapi.json')).body as Document;
  const models =
    /^\/(?:v[12]\/)?(?:engines|openai|chat|completions|embeddings|messages|responses|moderations|images|audio|rerank|bedrock|vertex|gemini|v1beta)/;
  routes = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(() => !models.test(path))
      .map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  withBody = routes.filter(({ operation }) => operation.requestBody);
});
afterAll(() => closeAll(gateway, upstream));

const at = (path: string, param = 'x') => path.replace(/\{\w+\}/g, param);
const numbered = (count: number, name = 'a') => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, 0])); // prettier-ignore

describe('a body of an administrator’s route', () => {
  it('is known to the test', () => {
    expect(withBody.length).toBeGreaterThan(50);
  });

  it.each([
    ['99,000 names in one object', { zzz: numbered(99_000) }, 'an object with more than 1000 names'],
    ['99,000 names inside metadata', { metadata: { x: numbered(99_000) } }, 'an object with more than 1000 names'],
    ['30,000 entries in one list', { zzz: Array.from({ length: 30_000 }, () => 1) }, 'a list of more than 1000 entries'],
    ['60,000 values in all', { metadata: { x: Array.from({ length: 60_000 }, () => 1) } }, 'more than 50000 names and entries'],
  ])('with %s is refused before it is built, everywhere', async (_, body, message) => {
    const bytes = JSON.stringify(body);
    for (const { method, path } of withBody) {
      const { status, body: answer } = await gateway.admin(method, at(path), bytes);
      const [field] = Object.keys(body);
      expect({ path, status, param: answer.error?.param }).toEqual({ path, status: 422, param: field });
      expect(answer.error.details.fields).toEqual([{ field, message: `has ${message}` }]);
    }
  }); // prettier-ignore

  it('of many megabytes is refused as too large, everywhere', async () => {
    const bytes = JSON.stringify({ zzz: 'x'.repeat(8 * 1024 * 1024) });
    for (const { method, path } of withBody) {
      const { status } = await gateway.admin(method, at(path), bytes);
      expect({ path, status }).toEqual({ path, status: 413 });
    }
  });

  it('is refused alike for a key of nobody without money', async () => {
    const key = await gateway.createKey({ max_budget: 0 });
    const { status } = await gateway.send('POST', '/v2/key/info', JSON.stringify({ zzz: numbered(50_000) }), { authorization: `Bearer ${key}` }); // prettier-ignore
    expect(status).toBe(422);
  });

  it('with null in any of its fields is never trouble of ours', async () => {
    for (const { method, path, operation } of withBody) {
      const ref = operation.requestBody!.content['application/json']?.schema.$ref?.split('/').at(-1);
      const fields = Object.keys(document.components.schemas[ref ?? '']?.properties ?? {});
      const example =
        (operation.requestBody!.content['application/json'] as { example?: object }).example ?? {};
      for (const field of fields) {
        const { status } = await gateway.admin(method, at(path), { ...example, [field]: null });
        expect({ path, field, status }).toEqual({ path, field, status: expect.toSatisfy((one: number) => one < 500) as number }); // prettier-ignore
      }
    }
  });
});

describe('a user that is named by its address', () => {
  it.each(['/user/update', '/user/bulk_update'])('at %s: an id of null is none', async (path) => {
    const user_email = `n${path.length}@example.com`;
    await gateway.admin('POST', '/user/new', { user_email, auto_create_key: false });
    const change = { user_id: null, user_email, max_budget: 5 };
    const { status, body } = await gateway.admin(
      'POST',
      path,
      path.includes('bulk') ? { users: [change] } : change,
    );
    expect(status).toBe(200);
    expect(body.results?.[0]?.updated_user?.max_budget ?? body.data.max_budget).toBe(5);
    expect((await gateway.admin('POST', '/user/update', { user_id: null, user_email: null, max_budget: 5 })).status).toBe(400); // prettier-ignore
  });
});

describe('a text that no database keeps', () => {
  it.each(['%00', 'a%00b'])(
    '%s in any query parameter is refused, or finds nothing',
    async (text) => {
      for (const { method, path, operation } of routes.filter((route) => route.method === 'GET')) {
        for (const { name } of (operation.parameters ?? []).filter((parameter) => parameter.in === 'query')) {
          const { status } = await gateway.admin(method, `${at(path)}?${name}=${text}`); // prettier-ignore
          expect({ path, name, status }).toEqual({ path, name, status: 422 });
        }
      }
    },
    120_000,
  );

  it('in a path is refused', async () => {
    for (const { method, path } of routes.filter((route) => route.path.includes('{'))) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : '{}';
      const { status } = await gateway.admin(method, at(path, '%00'), body);
      expect({ path, status }).toEqual({ path, status: 422 });
    }
  });
});

const ODD = ['x'.repeat(1_025), '漢'.repeat(342), 'a\u009bb', 'a\r\nb', 'a\u2028b', 'a\u202eb'];

describe.each(ODD)('the name %j', (name) => {
  it.each([
    ['/key/generate', { key_alias: name }],
    ['/key/generate', { user_id: name }],
    ['/key/generate', { models: [name] }],
    ['/key/generate', { allowed_routes: [name] }],
    ['/key/generate', { aliases: { [name]: 'm-out' } }],
    ['/key/generate', { model_max_budget: { [name]: 1 } }],
    ['/key/generate', { budget_id: name }],
    ['/key/generate', { enforced_params: [name] }],
    ['/user/new', { user_id: name }],
    ['/user/new', { user_alias: name }],
    ['/user/new', { sso_user_id: name }],
    ['/team/new', { team_id: name }],
    ['/team/new', { team_alias: name }],
    ['/team/new', { members_with_roles: [{ role: 'user', user_id: name }] }],
    ['/organization/new', { organization_alias: name }],
    ['/organization/new', { organization_alias: 'o', organization_id: name }],
    ['/customer/new', { user_id: name }],
    ['/budget/new', { budget_id: name }],
    ['/tag/new', { name }],
    ['/model/new', { model_name: name, litellm_params: { model: 'openai/x' } }],
    ['/model/new', { model_name: 'ok', litellm_params: { model: 'openai/x' }, model_info: { id: name } }],
    ['/model/new', { model_name: 'ok', litellm_params: { model: 'openai/x' }, model_info: { access_groups: [name] } }],
    ['/access_group/new', { access_group: name, model_names: ['m-out'] }],
    ['/v1/access_group', { access_group_name: name }],
  ])('cannot be written by %s %#', async (path, body) => {
    const { status, body: answer } = await gateway.admin('POST', path, body);
    expect({ path, status }).toEqual({ path, status: 422 });
    expect(answer.error.message.length).toBeLessThan(4_096);
  }); // prettier-ignore

  it.each([{ user: name }, { model: name }, { tags: [name] }, { fallbacks: [name] }])(
    'makes a call a bad request: %#',
    async (more) => {
      const key = await gateway.createKey();
      const { status } = await gateway.chat(key, { model: 'm-out', max_tokens: 1, ...more });
      expect(status).toBe(400);
    },
  );

  it('can still be looked for and deleted', async () => {
    const { status } = await gateway.admin('POST', '/user/delete', { user_ids: [name] });
    expect(status).toBe(404);
  });
});

describe('names of the longest length', () => {
  it('are kept on every database, also of a customer that a call brings', async () => {
    const name = '漢'.repeat(341);
    const key = await gateway.createKey({ key_alias: name, user_id: name });
    expect((await gateway.admin('POST', '/team/new', { team_id: name, team_alias: name })).status).toBe(200);
    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1, user: name })).status).toBe(200);
  });
});

describe('what one row holds', () => {
  it('has at most 16 further windows', async () => {
    const windows = (count: number) => Array.from({ length: count }, (_, i) => ({ budget_duration: `${i + 1}d`, max_budget: 1 })); // prettier-ignore
    expect((await gateway.admin('POST', '/key/generate', { budget_limits: windows(16) })).status).toBe(200);
    expect((await gateway.admin('POST', '/key/generate', { budget_limits: windows(17) })).status).toBe(422);
  });

  it.each([
    ['/key/generate', '/key/update', (id: string) => ({ key: id })],
    ['/team/new', '/team/update', (id: string) => ({ team_id: id })],
    ['/user/new', '/user/update', (id: string) => ({ user_id: id })],
    ['/organization/new', '/organization/update', (id: string) => ({ organization_id: id })],
    ['/tag/new', '/tag/update', (id: string) => ({ name: id })],
  ])('%s: metadata of 32 KB, and no more', async (create, update, idFieldOf) => {
    const fields = { organization_alias: 'o', name: 'tag-of-32', auto_create_key: false };
    const response = await gateway.admin('POST', create, { ...fields, metadata: { x: 'x'.repeat(32_000) } });
    expect(response.status).toBe(200);
    const id = response.body.tag?.name ?? response.body.key ?? response.body.team_id ?? response.body.organization_id;
    const row = idFieldOf(id || response.body.user_id);
    const method = update.startsWith('/organization') ? 'PATCH' : 'POST';
    const { status, body } = await gateway.admin(method, update, { ...row, metadata: { x: 'x'.repeat(33_000) } });
    expect(status).toBe(422);
    expect(body.error.param).toBe('metadata');
  }); // prettier-ignore

  it('was bounded by nobody before: it stays, may shrink, and lists do without it and say so', async () => {
    const response = await gateway.admin('POST', '/team/new', { team_id: 'large', metadata: { small: 1 } });
    expect(response.status).toBe(200);
    const large = (bytes: number) => JSON.stringify({ x: 'x'.repeat(bytes) });
    await gateway.sql(`UPDATE teams SET metadata = '${large(60_000)}' WHERE team_id = 'large'`);
    await gateway.admin('POST', '/team/new', { team_id: 'small', metadata: { small: 1 } });

    const list = await gateway.admin('GET', '/team/list');
    const metadataOf = (id: string) => list.body.find((team: { team_id: string }) => team.team_id === id).metadata; // prettier-ignore
    expect(list.headers['x-tollgate-left-out']).toBe('metadata of large');
    expect(metadataOf('large')).toEqual({});
    expect(metadataOf('small')).toEqual({ small: 1 });
    expect((await gateway.admin('GET', '/v2/team/list?page_size=100')).headers['x-tollgate-left-out']).toBe('metadata of large'); // prettier-ignore
    const info = await gateway.admin('GET', '/team/info?team_id=large');
    expect(info.body.team_info.metadata.x).toHaveLength(60_000);

    const update = (fields: object) => gateway.admin('POST', '/team/update', { team_id: 'large', ...fields });
    expect((await update({ max_budget: 5 })).status).toBe(200);
    expect((await update({ metadata: { x: 'x'.repeat(61_000) } })).status).toBe(422);
    expect((await update({ metadata: { x: 'x'.repeat(50_000) } })).status).toBe(200);
    expect((await update({ metadata: { x: 'x'.repeat(60_000) } })).status).toBe(422);
    expect((await update({ metadata: { x: 1 } })).status).toBe(200);
    expect((await gateway.admin('GET', '/team/list')).headers['x-tollgate-left-out']).toBeUndefined();
  });

  it('is told by a refusal as far as 20 entries', async () => {
    const key = await gateway.createKey({ models: Array.from({ length: 1_000 }, (_, i) => `none-${i}`) });
    const { status, body } = await gateway.chat(key, { model: 'm-out', max_tokens: 1 });
    expect(status).toBe(403);
    expect(body.error.message).toContain('none-19 and 980 more]');
    expect(body.error.message).not.toContain('none-20,');
  });

  it('is told by a refusal of a body as far as 20 fields', async () => {
    const { status, body } = await gateway.admin('POST', '/team/member_add', { team_id: 't', member: Array.from({ length: 900 }, () => ({ role: 'none' })) }); // prettier-ignore
    expect(status).toBe(422);
    expect(body.error.details.fields).toHaveLength(20);
    expect(body.error.message).toMatch(/and \d+ more$/);
  });
});
