import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that mistakes of admins are refused with the field's name, and that no request is half done. */

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(() => closeAll(gateway, upstream));

const refused = async (path: string, body: unknown) => {
  const { status, body: answer } = await gateway.admin('POST', path, body);
  return { status, param: answer.error?.param as string | null };
};
const model = (litellm_params: object, model_info: object = {}) => ({
  model_name: 'added',
  litellm_params: { model: 'openai/up', api_base: 'http://127.0.0.1:9/v1', ...litellm_params },
  model_info,
});

describe('a number or a flag that is sent as text', () => {
  const m_out = { 'm-out': { budget_limit: '0.0000001', time_period: '1d' } };
  it.each<[string, object, object, (answer: never) => object]>([
    ['/key/generate', { max_budget: '10', rpm_limit: '5', tpm_limit: '10000000000', blocked: 'yes' }, { max_budget: 10, rpm_limit: 5, tpm_limit: 1e10, blocked: true }, (key) => key],
    ['/key/generate', { soft_budget: ' 1e1', model_max_budget: m_out, budget_limits: [{ budget_duration: '1d', max_budget: '2' }] }, { soft_budget: 10, model_max_budget: m_out, budget_limits: [{ budget_duration: '1d', max_budget: 2 }] }, (key) => key],
    ['/key/generate', { auto_rotate: 'false' }, { auto_rotate: false }, (key) => key],
    ['/team/new', { max_budget: '1_000', blocked: 0, team_member_budget: '2', team_member_rpm_limit: '3.0' }, { max_budget: 1000, blocked: false, team_member_budget: 2, team_member_rpm_limit: 3 }, (team) => team],
    ['/user/new', { max_budget: '.5', auto_create_key: 'false' }, { max_budget: 0.5, key: '' }, (user) => user],
    ['/organization/new', { organization_alias: 'o', max_budget: '7' }, { max_budget: 7 }, (organization) => organization],
    ['/customer/new', { user_id: 'as-text', max_budget: '7', blocked: '1' }, { blocked: true, litellm_budget_table: { max_budget: 7 } }, (customer) => customer],
    ['/tag/new', { name: 'as-text', rpm_limit: '7' }, { rpm_limit: 7 }, ({ tag }: { tag: object }) => tag],
    ['/budget/new', { budget_id: 'as-text', max_budget: '7', tpm_limit: 3e9 }, { max_budget: 7, tpm_limit: 3e9 }, (budget) => budget],
  ])('%s %j is one', async (path, body, row, rowOf) => {
    expect(rowOf((await gateway.create(path, body)) as never)).toMatchObject(row);
  }); // prettier-ignore

  it('is one inside of a bulk change and of a reset, too', async () => {
    const key = await gateway.createKey({ spend: '2' });
    const { successful_updates } = await gateway.create('/key/bulk_update', { keys: [{ key, max_budget: '5', blocked: 'n' }] }); // prettier-ignore
    expect(successful_updates[0].key_info).toMatchObject({ max_budget: 5, blocked: false });
    expect(await gateway.create(`/key/${key}/reset_spend`, { reset_to: '1' })).toMatchObject({ spend: 1 });
  });
});

it('an address may be any text; an empty one is none', async () => {
  const user = await gateway.create('/user/new', { user_id: 'mailless', user_email: '' });
  expect(user.user_email).toBeNull();
  await gateway.create('/user/update', { user_id: 'mailless', user_email: 'budget10cv2' });
  expect((await gateway.create('/user/update', { user_email: 'budget10cv2', max_budget: 3 })).data).toMatchObject({ user_id: 'mailless' }); // prettier-ignore
  const { data } = await gateway.create('/user/update', { user_id: 'mailless', user_email: '' });
  expect(data.user_email).toBeNull();
});

describe('a rate for one model limits', () => {
  it.each<[string, object]>([
    ['in model_max_budget alone', { model_max_budget: { 'm-free': { rpm_limit: 1 } } }],
    ['beside an amount', { model_max_budget: { 'm-free': { max_budget: 5, rpm_limit: '1' } } }],
    ['as text in model_rpm_limit', { model_rpm_limit: { 'm-free': '1' } }],
    ['of the tier', { budget_id: 'one-a-minute' }],
  ])('%s', async (_, fields) => {
    if ('budget_id' in fields)
      await gateway.create('/budget/new', { ...fields, model_max_budget: { 'm-free': { rpm_limit: 1 } } });
    const key = await gateway.createKey(fields);
    const status = async (name: string) => (await gateway.chat(key, { model: name })).status;
    expect([await status('m-free'), await status('m-free'), await status('m-out')]).toEqual([200, 429, 200]);
  });

  it('and is passed on: no key that another makes has more', async () => {
    await gateway.create('/user/new', {
      user_id: 'rated',
      model_max_budget: { 'm-free': { rpm_limit: 5 } },
      auto_create_key: false,
    });
    const key = await gateway.createKey({ user_id: 'rated' });
    const generateWith = (most: number) =>
      gateway.as(key, 'POST', '/key/generate', { model_max_budget: { 'm-free': { rpm_limit: most } } });
    expect((await generateWith(6)).status).toBe(403);
    expect((await generateWith(5)).status).toBe(200);
  });
});

describe('422, naming the field', () => {
  it.each([
    ['/key/generate', { budget_duration: '1201mo' }, 'budget_duration'],
    ['/key/generate', { budget_duration: '0d' }, 'budget_duration'],
    ['/key/generate', { budget_duration: '0s' }, 'budget_duration'],
    ['/key/generate', { budget_duration: '-1d' }, 'budget_duration'],
    ['/key/generate', { budget_duration: '1e9d' }, 'budget_duration'],
    ['/key/generate', { max_budget: -7 }, 'max_budget'],
    ['/key/generate', { max_budget: 'NaN' }, 'max_budget'],
    ['/key/generate', { max_budget: '' }, 'max_budget'],
    ['/key/generate', { max_budget: true }, 'max_budget'],
    ['/key/generate', { rpm_limit: '5.5' }, 'rpm_limit'],
    ['/key/generate', { rpm_limit: '1e2' }, 'rpm_limit'],
    ['/key/generate', { tpm_limit: 9007199254740992 }, 'tpm_limit'],
    ['/key/generate', { max_parallel_requests: 2147483648 }, 'max_parallel_requests'],
    ['/key/generate', { blocked: 'enabled' }, 'blocked'],
    ['/key/generate', { duration: '' }, 'duration'],
    ['/key/generate', { duration: '0d' }, 'duration'],
    ['/user/new', { duration: '0s' }, 'duration'],
    ['/key/service-account/generate', { team_id: 't', duration: '0mo' }, 'duration'],
    ['/key/update', { key: 'k', duration: '' }, 'duration'],
    ['/key/generate', { model_rpm_limit: { m: -1 } }, 'model_rpm_limit'],
    ['/key/generate', { model_tpm_limit: { m: 'many' } }, 'model_tpm_limit'],
    ['/key/generate', { model_max_budget: { m: {} } }, 'model_max_budget'],
    ['/key/generate', { model_max_budget: { m: { rpm: 5 } } }, 'model_max_budget'],
    ['/key/generate', { model_max_budget: { m: { max_budget: 1, rpm_limit: 1.5 } } }, 'model_max_budget'],
    ['/team/member_update', { team_id: 't', user_id: 'u', rpm_limit: 1e300 }, 'rpm_limit'],
    ['/team/new', { team_member_tpm_limit: 1e300 }, 'team_member_tpm_limit'],
    ['/key/generate', '{"max_budget": 1e400}', 'max_budget'],
    ['/key/bulk_update', { keys: [{ key: 'k', max_budget: -7 }] }, 'keys.0.max_budget'],
    ['/key/bulk_update', { keys: [] }, 'keys'],
    ['/key/x/regenerate', { max_budget: -7 }, 'max_budget'],
    ['/key/generate', { duration: '999999999mo' }, 'duration'],
    [
      '/key/generate',
      { budget_limits: [{ budget_duration: '99999d', max_budget: 1 }] },
      'budget_limits.0.budget_duration',
    ],
    ['/key/generate', { budget_limits: [[]] }, 'budget_limits'],
    ['/team/new', { team_member_budget_duration: '6000w' }, 'team_member_budget_duration'],
    ['/budget/new', { budget_duration: '36600d1' }, 'budget_duration'],
    ['/key/generate', { aliases: { x: 5 } }, 'aliases'],
    ['/key/generate', { aliases: { x: null } }, 'aliases'],
    ['/key/generate', { aliases: ['x'] }, 'aliases'],
    ['/team/new', { model_aliases: { x: ['m'] } }, 'model_aliases'],
    ['/team/new', { team_id: 'a\u0000b' }, 'team_id'],
    ['/team/new', { metadata: { deep: ['\ud800'] } }, 'metadata'],
    ['/key/generate', { modles: ['m-free'] }, 'modles'],
    ['/user/update', { user_id: 'u', blokced: true }, 'blokced'],
    ['/model/update', {}, 'model_info'],
    ['/model/update', { model_info: null }, 'model_info'],
  ])('%s %j: %s', async (path, body, param) => {
    expect(await refused(path, body)).toEqual({ status: 422, param });
  });

  it.each([
    [{ max_budget: 1e12 }, 'from 0 to 9223372036.854775807 with at most 9 decimals'],
    [{ max_budget: -1 }, 'from 0 to 9223372036.854775807 with at most 9 decimals'],
    [{ rpm_limit: 'x' }, 'rpm_limit must be a whole number from 0 to 9007199254740991'],
    [{ max_parallel_requests: 3e9 }, 'max_parallel_requests must be a whole number from 0 to 2147483647'],
    [{ duration: '' }, 'an empty text is none'],
    [{ budget_duration: '0d' }, 'a number above zero'],
    [{ model_max_budget: { m: { rpm: 5 } } }, 'model_max_budget.m.rpm has no effect'],
    [
      { model_max_budget: { m: { max_budget: 'x' } } },
      'model_max_budget.m.max_budget must be an amount in USD',
    ],
  ])('%j is told the bound that it breaks', async (body, bound) => {
    const { body: answer } = await gateway.admin('POST', '/key/generate', body);
    expect(answer.error.message).toContain(bound);
  });

  it.each([
    '/key/list',
    '/key/aliases',
    '/user/list',
    '/team/list',
    '/v2/team/list',
    '/organization/list',
    '/v2/model/info',
    '/spend/logs',
    '/audit',
  ])('%s: a page no database counts to', async (path) => {
    for (const page of ['1e21', '9007199254740991', '0', '-1', '1.5']) {
      const { status, body } = await gateway.admin('GET', `${path}?page=${page}`);
      expect({ status, param: body.error.param }).toEqual({ status: 422, param: 'page' });
    }
  });

  it.each([
    ['a retry for ever', model({ max_retries: 1_000_000_000 })],
    ['a timeout that is none', model({ timeout: 'abc' })],
    ['headers that are none', model({ extra_headers: 'x' })],
    ['a header with a space', model({ extra_headers: { 'bad header': 'x' } })],
    ['a header with a line break', model({ extra_headers: { good: 'a\r\nb: c' } })],
    ['a key with a line break', model({ api_key: 'k\nx' })],
    ['a weight that is none', model({ weight: 'a' })],
    ['a base model that is none', model({}, { base_model: 5 })],
    ['a reference to the environment', model({ api_key: 'os.environ/PATH' })],
    ['one behind a blank', model({ api_key: ' os.environ/PATH' })],
    ['one inside', model({ extra_headers: { good: 'os.environ/PATH' } })],
    ['the header content-length', model({ extra_headers: { 'content-length': '1' } })],
    ['the header Transfer-Encoding', model({ extra_headers: { 'Transfer-Encoding': '1' } })],
    ['the header upgrade', model({ extra_headers: { upgrade: '1' } })],
    ['the header expect', model({ extra_headers: { expect: '1' } })],
    ['the header keep-alive', model({ extra_headers: { 'keep-alive': '1' } })],
    ['the header connection', model({ extra_headers: { connection: '1' } })],
    ['the header te', model({ extra_headers: { te: '1' } })],
    ['the header trailer', model({ extra_headers: { trailer: '1' } })],
    ['the header proxy-connection', model({ extra_headers: { 'proxy-connection': '1' } })],
    ['an address with credentials', model({ api_base: 'http://user:pw@127.0.0.1/v1' })],
    ['an address with a signature', model({ api_base: 'http://127.0.0.1/v1?sig=abc' })],
    ['an address that is none', model({ api_base: 'ftp://x' })],
    ['a credential where it would be told', model({}, { nested: { api_key: 'sk-x' } })],
    ['a provider without a model', model({ model: 'openai/' })],
    ['a provider that is not served', model({ model: 'sagemaker/x' })],
    ['a name that is an instruction', { ...model({}), model_name: 'all-proxy-models' }],
    ['a price below zero', model({ input_cost_per_token: -1 })],
    ['a price nothing is billed by', model({}, { ocr_cost_per_page: 1e-8 })],
  ])('/model/new with %s', async (_, body) => {
    expect((await refused('/model/new', body)).status).toBe(422);
    expect((await gateway.chat(gateway.masterKey, { model: 'added' })).status).toBe(400);
  });

  it.each(['start_date=2026-13-45', 'start_date=2026-02-31', 'end_date=9999-99-99', 'page_size=5000'])(
    '/spend/logs?%s',
    async (query) => {
      expect((await gateway.admin('GET', `/spend/logs?${query}`)).status).toBe(422);
    },
  );

  it.each([
    ['/key/delete', 'keys'],
    ['/customer/delete', 'user_ids'],
    ['/budget/info', 'budgets'],
  ])('%s with 40,000 %s', async (path, field) => {
    const names = Array.from({ length: 40_000 }, (_, i) => `n${i}`);
    expect(await refused(path, { [field]: names })).toEqual({ status: 422, param: field });
  });
});

describe('nothing secret of a model', () => {
  it('is told, or stored in clear', async () => {
    const canary = 'canary-of-a-model-5f2c';
    const { model_info, ...rest } = await gateway.create('/model/new', {
      model_name: 'with-secrets',
      litellm_params: {
        model: 'openai/up',
        api_base: upstream.url,
        api_key: canary,
        headers: { Authorization: canary },
        default_headers: [canary],
        extra_body: { deep: { api_key: canary } },
        aws_access_key_id: canary,
        anything_else: canary,
        timeout: 5,
      },
    });
    expect(JSON.stringify(rest)).not.toContain(canary);
    expect(rest.litellm_params).toEqual({ model: 'openai/up', api_base: upstream.url, timeout: 5 });
    expect((await gateway.admin('GET', `/model/info?litellm_model_id=${model_info.id}`)).text).not.toContain(
      canary,
    );
    await gateway.chat(gateway.masterKey, { model: 'with-secrets' });
    expect(upstream.calls.at(-1)!.headers.authorization).toBe(`Bearer ${canary}`);
    const { readFileSync, readdirSync } = await import('node:fs');
    for (const file of readdirSync(gateway.dataFolder).filter((name) => name.startsWith('tollgate.db')))
      expect(readFileSync(`${gateway.dataFolder}/${file}`).includes(canary)).toBe(false);
  });
});

describe('a tier', () => {
  it('fills what is open: a window of one’s own does not lift its limit', async () => {
    await gateway.create('/budget/new', { budget_id: 'cent', max_budget: 0.01 });
    for (const fields of [{}, { budget_duration: '1d' }, { rpm_limit: 5 }]) {
      const key = await gateway.createKey({ budget_id: 'cent', ...fields });
      expect((await gateway.chat(key, { model: 'm-out', max_tokens: 50 })).status).toBe(429);
      expect((await gateway.chat(key, { model: 'm-out', max_tokens: 5 })).status).toBe(200);
    }
    const own = await gateway.createKey({ budget_id: 'cent', max_budget: 1 });
    expect((await gateway.chat(own, { model: 'm-out', max_tokens: 50 })).status).toBe(200);
  });
});

describe('a key', () => {
  it('of a team is of the team’s organization', async () => {
    await gateway.create('/organization/new', {
      organization_id: 'o1',
      organization_alias: 'o1',
      models: ['m-free'],
    });
    await gateway.create('/organization/new', { organization_id: 'o2', organization_alias: 'o2' });
    await gateway.create('/team/new', { team_id: 'of-o1', organization_id: 'o1' });
    const contradiction = { team_id: 'of-o1', organization_id: 'o2' };
    expect(await refused('/key/generate', contradiction)).toEqual({ status: 400, param: 'organization_id' });
    const key = await gateway.createKey({ organization_id: 'o2' });
    expect(await refused('/key/update', { key, team_id: 'of-o1' })).toEqual({
      status: 400,
      param: 'organization_id',
    });
    await gateway.create('/team/new', { team_id: 'moves' });
    const moved = await gateway.createKey({ team_id: 'moves', organization_id: 'o2' });
    expect((await gateway.chat(moved, { model: 'm-out', max_tokens: 1 })).status).toBe(200);
    await gateway.create('/team/update', { team_id: 'moves', organization_id: 'o1' });
    expect((await gateway.chat(moved, { model: 'm-out', max_tokens: 1 })).status).toBe(403);
  });

  it('is deleted by name and by alias in one request', async () => {
    const [a, b] = [await gateway.createKey(), await gateway.createKey({ key_alias: 'by-alias' })];
    await gateway.create('/key/delete', { keys: [a], key_aliases: ['by-alias'] });
    for (const key of [a, b]) expect((await gateway.chat(key, { model: 'm-free' })).status).toBe(401);
  });

  it('is never the master key', async () => {
    expect((await refused('/key/generate', { key: gateway.masterKey })).status).toBe(409);
  });
});

it.each(['constructor', 'prototype', '__proto__'])('a member named %s is refused, not lost', async (name) => {
  const { status, body } = await gateway.admin(
    'POST',
    '/key/generate',
    `{"metadata":{"deep":[{"${name}":1}]}}`,
  );
  expect([status, body.error.param]).toEqual([422, 'metadata']);
});

describe('a stranger', () => {
  it.each([
    ['GET', '/nowhere', 404],
    ['GET', '/key', 404],
    ['OPTIONS', '/key/list', 405],
    ['DELETE', '/key/list', 405],
    ['POST', '/health/liveliness', 405],
    ['GET', '/key/list/', 200],
  ])('%s %s: 401, as at every route; an admin gets %i', async (method, path, status) => {
    expect((await gateway.send(method, path)).status).toBe(401);
    expect((await gateway.admin(method, path)).status).toBe(status);
  });

  it.each([
    ['a path that is none', 'GET /%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 400],
    ['something that is no HTTP', 'GARBAGE\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
  ])('%s is refused in the envelope', async (_, text, status) => {
    const answer = await new Promise<string>((resolve, reject) => {
      let heard = '';
      const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => socket.write(text));
      socket.on('data', (bytes) => (heard += bytes.toString()));
      socket.on('close', () => resolve(heard));
      socket.on('error', reject);
    });
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({
      error: { code: String(status), param: null },
    });
  });
});
