import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ResponseBuffer } from '../../src/completions/upstream/response-buffer.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Entries of `docs/differences.md` that no other spec shows. */

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const perOutput = (cost: number) => ({ input_cost_per_token: 0, output_cost_per_token: cost });
  gateway = await Gateway.start({
    upstream,
    config: {
      general_settings: { reject_clientside_metadata_tags: true },
      litellm_settings: { upperbound_key_generate_params: { max_budget: 10, duration: '30d' } },
      model_list: [
        model('m-out', upstream.url, { id: 'of-the-file', ...perOutput(0.001) }),
        model('m-twice', upstream.url, { id: 'cheap', ...perOutput(0.001) }),
        model('m-twice', upstream.url, { id: 'dear', ...perOutput(0.003) }),
      ],
    },
  });
});
beforeEach(() => {
  upstream.behave = () => ({});
});
afterAll(() => closeAll(gateway, upstream));

const refusal = async (path: string, body: object, method = 'POST') => {
  const answer = await gateway.admin(method, path, body);
  return [answer.status, answer.body.error?.param];
};
const chat = { model: 'm-out', max_tokens: 1, messages: [{ role: 'user', content: 'a' }] };

describe('a key', () => {
  it('has no more than upperbound_key_generate_params allows, also by an update or with a user', async () => {
    const key = await gateway.createKey({ max_budget: 10 });
    const created = await gateway.admin('POST', '/user/new', { duration: '60d' });
    expect([created.status, created.body.error?.param]).toEqual([400, 'duration']);
    for (const max_budget of [11, null])
      expect(await refusal('/key/update', { key, max_budget })).toEqual([400, 'max_budget']);
    expect((await refusal('/key/update', { key, max_budget: 9 }))[0]).toBe(200);
  });

  it('reads no reports by permissions.get_spend_routes', async () => {
    const { key } = await gateway.create('/user/new', { user_role: 'internal_user' });
    await gateway.create('/key/update', { key, permissions: { get_spend_routes: true } });
    expect((await gateway.as(key, 'GET', '/global/spend')).status).toBe(403);
  });

  it('lists those of its user’s teams, unless the query names a user', async () => {
    const { key, user_id } = await gateway.create('/user/new', {});
    const { team_id } = await gateway.create('/team/new', {});
    await gateway.create('/team/member_add', { team_id, member: { user_id, role: 'admin' } });
    await gateway.createKey({ team_id, key_alias: `of-${team_id}` });
    const aliases = async (query: string) => {
      const { body } = await gateway.as(key, 'GET', `/key/list?return_full_object=true${query}`);
      return (body.keys as { key_alias: string | null }[]).map((one) => one.key_alias);
    };
    expect(await aliases('')).toContain(`of-${team_id}`);
    expect(await aliases('&project_id=none&access_group_id=none')).toContain(`of-${team_id}`);
    expect(await aliases(`&user_id=${user_id}`)).not.toContain(`of-${team_id}`);
  });
});

it('a refusal for a missing team permission is 403 team_member_permission_error', async () => {
  const { key, user_id } = await gateway.create('/user/new', {});
  const { team_id } = await gateway.create('/team/new', {});
  await gateway.create('/team/member_add', { team_id, member: { user_id, role: 'user' } });
  const { status, body } = await gateway.as(key, 'POST', '/key/generate', { team_id });
  expect([status, body.error.type]).toEqual([403, 'team_member_permission_error']);
});

it('max_budget_in_organization is refused', async () => {
  const { organization_id } = await gateway.create('/organization/new', { organization_alias: 'o' });
  const { user_id } = await gateway.create('/user/new', { auto_create_key: false });
  const member = { user_id, role: 'internal_user' };
  const add = (more: object) => refusal('/organization/member_add', { organization_id, member, ...more });
  expect((await add({ max_budget_in_organization: 5 }))[0]).toBe(422);
  expect((await add({ max_budget_in_organization: null }))[0]).toBe(200);
});

describe('an organization', () => {
  it('keeps what an update of its metadata leaves out, and null removes a member', async () => {
    const { organization_id } = await gateway.create('/organization/new', { organization_alias: 'm', metadata: { a: 1, b: 2 } }); // prettier-ignore
    const update = { organization_id, metadata: { a: null, c: 3 } };
    expect((await gateway.admin('PATCH', '/organization/update', update)).body.metadata).toEqual({
      b: 2,
      c: 3,
    });
  });
});

it.each(['update', 'delete'])('/team/member_%s answers 400 for a missing member', async (verb) => {
  const { team_id } = await gateway.create('/team/new', {});
  expect((await refusal(`/team/member_${verb}`, { team_id, user_id: 'nobody' }))[0]).toBe(400);
});

it('a model of the file is 400 and a missing one 404 where models change', async () => {
  const statuses = async (id: string) => [
    (await refusal('/model/delete', { id }))[0],
    (await refusal('/model/update', { model_info: { id }, litellm_params: { timeout: 5 } }))[0],
  ];
  expect(await statuses('of-the-file')).toEqual([400, 400]);
  expect(await statuses('nothing')).toEqual([404, 404]);
});

it('/spend/calculate uses the most expensive of several deployments', async () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2 };
  const { body } = await gateway.admin('POST', '/spend/calculate', {
    completion_response: { model: 'm-twice', usage },
  });
  expect(body).toEqual({ cost: 0.006 });
});

describe('a call', () => {
  it.each([
    ['metadata.tags', { metadata: { tags: ['a'] } }, {}],
    ['tags', { tags: ['a'] }, {}],
    ['x-litellm-tags', {}, { 'x-litellm-tags': 'a' }],
  ])('may name no tags in %s where reject_clientside_metadata_tags is true', async (param, body, headers) => {
    const key = await gateway.createKey({ tags: ['of-the-key'] });
    expect((await gateway.chat(key, chat)).status).toBe(200);
    const refused = await gateway.chat(key, { ...chat, ...body }, headers);
    expect([refused.status, refused.body.error.param]).toEqual([400, param]);
  });

  it('gets the model of the upstream’s answer, unchanged', async () => {
    upstream.behave = () => ({ rawBody: '{"id":"c","object":"chat.completion","model":"up-of-today","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}' }); // prettier-ignore
    expect((await gateway.chat(await gateway.createKey(), chat)).body.model).toBe('up-of-today');
  });

  it('is a failure in /spend/logs if its response cannot be read and nothing is known of it', async () => {
    const key = await gateway.createKey();
    upstream.behave = () => ({ rawBody: '' });
    expect((await gateway.chat(key, chat)).status).toBe(502);
    const { body } = await gateway.admin('GET', `/spend/logs?api_key=${key}`);
    expect(body).toMatchObject([{ status: 'failure', spend: 0 }]);
  });

  it('gets no answer of more than 256 MiB', () => {
    const answer = new ResponseBuffer(200, {}, 0);
    const mebibyte = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 256; i++) expect(answer.data(mebibyte)).toBe(true);
    expect(answer.data(Buffer.alloc(1))).toBe(false);
  });
});
