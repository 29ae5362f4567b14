import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** A body larger than the gateway accepts. */
const SENT_BYTES = 8 * 1024 * 1024;

let upstream: Upstream;
let gateway: Gateway;
let key: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream, config: { general_settings: { max_request_size_mb: 1 } } });
  key = await gateway.createKey();
});
afterAll(() => closeAll(gateway, upstream));

describe('a field nobody reads', () => {
  it('is ignored, and the answer says so', async () => {
    const { status, headers } = await gateway.admin('POST', '/key/generate', { max_budget: 1, soft_bugdet_x_y: 2, send_invite_email: true }); // prettier-ignore
    expect(status).toBe(200);
    expect(headers['x-tollgate-ignored']).toBe('soft_bugdet_x_y, send_invite_email');
  });

  it('cannot write into the answer’s headers', async () => {
    const { headers } = await gateway.admin('POST', '/team/new', { 'a\r\nset-cookie: x': 1 });
    expect(headers['x-tollgate-ignored']).toBe('a%0D%0Aset-cookie%3A%20x');
    expect(headers['set-cookie']).toBeUndefined();
  });

  it('is mentioned as far as a header has room', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `x${'\u{1f600}'.repeat(2_000)}${i}`);
    const { status, headers } = await gateway.admin('POST', '/team/new', Object.fromEntries(names.map((name) => [name, 1]))); // prettier-ignore
    expect(status).toBe(200);
    expect(String(headers['x-tollgate-ignored']).length).toBeLessThan(10_000);
  });

  it('names fields that are kept and have no effect', async () => {
    const { status, headers } = await gateway.admin('POST', '/key/generate', {
      guardrails: ['hide-secrets'],
      policies: [],
    });
    expect(status).toBe(200);
    expect(headers['x-tollgate-ignored']).toBe('guardrails');
  });

  it('is not mentioned when everything was read', async () => {
    const { headers } = await gateway.admin('POST', '/key/generate', { max_budget: 1, tags: ['a'] });
    expect(headers['x-tollgate-ignored']).toBeUndefined();
  });

  it.each([
    ['/key/generate', { max_bugdet: 1 }, 'max_bugdet'],
    ['/key/generate', { max_budgets: 1 }, 'max_budgets'],
    ['/team/new', { rpm_limits: 5 }, 'rpm_limits'],
    ['/user/new', { budget_durations: '30d' }, 'budget_durations'],
    ['/organization/new', { organization_alias: 'o', maxbudget: 5 }, 'maxbudget'],
    ['/customer/new', { user_id: 'e', tpm_limt: 5 }, 'tpm_limt'],
    ['/budget/new', { max_paralel_requests: 5 }, 'max_paralel_requests'],
    ['/key/generate', { budget: { max_limit: 0.0005 } }, 'budget'],
    ['/key/generate', { rpm: 5 }, 'rpm'],
    ['/key/generate', { expires: '2030-01-01' }, 'expires'],
    ['/key/generate', { expiresAt: '2030-01-01' }, 'expiresAt'],
    ['/key/generate', { teamId: 'x' }, 'teamId'],
    ['/key/generate', { 'User-ID': 'x' }, 'User-ID'],
    ['/key/generate', { team: 'x' }, 'team'],
    ['/key/generate', { allowed_models: ['m-free'] }, 'allowed_models'],
    ['/key/generate', { enabled: false }, 'enabled'],
    ['/key/generate', { modelMaxBudget: { 'm-free': 1 } }, 'modelMaxBudget'],
    ['/key/bulk_update', { keys: [{ key: 'x', max_spend: 5 }] }, 'keys.0.max_spend'],
    ['/team/new', { tokens_per_minute: 5 }, 'tokens_per_minute'],
    ['/user/new', { maxConcurrency: 5 }, 'maxConcurrency'],
    ['/organization/new', { organization_alias: 'o', quota: 5 }, 'quota'],
    ['/customer/new', { user_id: 'e', disabled: true }, 'disabled'],
    ['/tag/new', { name: 't', spend_limit: 5 }, 'spend_limit'],
  ])('%s %o is a typo of a limit: 422 names it, and nothing is made', async (path, body, field) => {
    const { status, body: answer } = await gateway.admin('POST', path, body);
    expect(status).toBe(422);
    expect(answer.error).toMatchObject({ type: 'validation_error', param: field });
    expect(answer.error.details.fields).toEqual([{ field, message: expect.stringContaining('limits') }]);
  });

  it.each([
    ['/key/generate', { expires: null, enabled: null }, 'expires, enabled'],
    ['/user/update', { user_id: 'nobody-here', teams: ['t'] }, undefined],
  ])('%s %o is no limit that would be lost', async (path, body, ignored) => {
    const { status, headers } = await gateway.admin('POST', path, body);
    expect(status).not.toBe(422);
    if (ignored) expect(headers['x-tollgate-ignored']).toBe(ignored);
  });

  it('may be LiteLLM’s field of another route', async () => {
    const { status, headers } = await gateway.admin('POST', '/customer/new', { user_id: 'e9', model_rpm_limit: {} }); // prettier-ignore
    expect(status).toBe(200);
    expect(headers['x-tollgate-ignored']).toBe('model_rpm_limit');
  });
});

describe('a gateway in front of itself', () => {
  it('answers 508 once, not for ever', async () => {
    const inner = await gateway.createKey({ max_budget: 10 });
    await gateway.create('/model/new', {
      model_name: 'loop',
      litellm_params: {
        model: 'openai/loop',
        api_base: `${gateway.url}/v1`,
        api_key: inner,
        input_cost_per_token: 0,
        output_cost_per_token: 0.001,
      },
    });
    const { status, body } = await gateway.chat(key, { model: 'loop', max_tokens: 5 });
    expect(status).toBe(508);
    expect(body.error.message).toContain('came back to the gateway');
    expect(await gateway.spendOf(inner)).toBe(0);
  });

  it('is told from gateways in a row by its name', async () => {
    const via = (count: number) => ({ via: Array.from({ length: count }, (_, i) => `1.1 tollgate-00000000000${i}`).join(', ') }); // prettier-ignore
    const calls = async (count: number) => gateway.chat(key, { model: 'm-free', max_tokens: 5 }, via(count));
    expect((await calls(3)).status).toBe(200);
    expect(upstream.calls.at(-1)!.headers.via).toMatch(/^(?:1\.1 tollgate-[0-9a-f]{12}(?:, )?){4}$/);
    const { status, body } = await calls(4);
    expect(status).toBe(508);
    expect(body.error).toMatchObject({ type: 'loop_detected', code: '508' });
  });
});

/** Sends one request byte for byte as written. Returns the response's status line and body. */
function raw(text: string): Promise<string> {
  const { port } = new URL(gateway.url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
    socket.on('data', (bytes) => (answer += bytes.toString()));
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('a request that is dressed up as another', () => {
  const body = JSON.stringify({ model: 'm-free', messages: [] });
  const post = (target: string, ...headers: string[]) =>
    raw(
      [
        `POST ${target} HTTP/1.1`,
        'host: 127.0.0.1',
        'connection: close',
        'content-type: application/json',
        `content-length: ${body.length}`,
        ...headers,
        '',
        body,
      ].join('\r\n'),
    );

  it.each([
    '//v1/chat/completions',
    '/v1//chat/completions',
    '/v1%2fchat/completions',
    '/health/liveliness/../../v1/chat/completions',
    '/health/liveliness/..;/v1/chat/completions',
    '/V1/chat/completions',
    '/v1/chat/completions/',
    '/docs/../key/generate',
    'http://127.0.0.1/health/liveliness/../../key/generate',
    '/key/generate%00',
    '/.//key/generate',
  ])('%s opens no door without a key', async (target) => {
    expect(await post(target)).toMatch(/^HTTP\/1\.1 (?:400|401|404) /);
  });

  it.each([
    ['x-original-url: /health/liveliness'],
    ['x-rewrite-url: /health/liveliness'],
    ['x-http-method-override: GET'],
    ['x-forwarded-prefix: /docs'],
    ['x-forwarded-host: admin'],
  ])('%s changes nothing', async (header) => {
    expect(await post('/key/generate', header)).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('the absolute form is the same door', async () => {
    const calls = upstream.calls.length;
    expect(await post('http://elsewhere.example/v1/chat/completions', `authorization: Bearer ${key}`)).toMatch(/^HTTP\/1\.1 (?:200|404) /); // prettier-ignore
    expect(upstream.calls.length).toBeLessThanOrEqual(calls + 1);
  });

  it('two lengths are refused', async () => {
    expect(await post('/v1/chat/completions', 'content-length: 5', `authorization: Bearer ${key}`)).toMatch(/^HTTP\/1\.1 400 /); // prettier-ignore
    expect(await post('/v1/chat/completions', 'transfer-encoding: chunked', `authorization: Bearer ${key}`)).toMatch(/^HTTP\/1\.1 400 /); // prettier-ignore
  });
});

describe('bodies', () => {
  it('larger than configured are 413, in the envelope', async () => {
    const { status, body } = await gateway.chat(key, { model: 'm-free', padding: 'x'.repeat(1024 * 1024) });
    expect(status).toBe(413);
    expect(body.error).toMatchObject({ type: 'request_too_large', code: '413' });
  });

  it('larger than configured are heard out, so that the answer arrives; far larger ones are cut off', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answerTo = (bytes: number) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const headers = { authorization: `Bearer ${key}`, 'content-length': bytes };
        const call = request(`${gateway.url}/v1/chat/completions`, { method: 'POST', agent, headers });
        call.on('error', reject).on('response', (response) => resolve(response.resume()));
        if (bytes <= SENT_BYTES) call.end(Buffer.alloc(bytes, 'x'));
        else call.flushHeaders();
      });
    const heardOut = await answerTo(SENT_BYTES);
    expect([heardOut.statusCode, heardOut.headers.connection]).toEqual([413, undefined]);
    const cutOff = await answerTo(1024 ** 3);
    expect([cutOff.statusCode, cutOff.headers.connection]).toEqual([413, 'close']);
    agent.destroy();
  });

  it('nested too deep are refused', async () => {
    const deep = `{"model":"m-free","messages":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
    const { status } = await gateway.as(key, 'POST', '/v1/chat/completions', deep);
    expect([400, 413]).toContain(status);
    expect((await gateway.as(gateway.masterKey, 'POST', '/key/generate', deep)).status).toBe(status);
  });
});

describe('a page in a browser', () => {
  it('calls no admin route, because no origin is configured', async () => {
    const origin = { origin: 'https://admin.example.com', 'access-control-request-method': 'POST' };
    const { headers } = await gateway.send('OPTIONS', '/key/generate', undefined, origin);
    expect(headers['access-control-allow-origin']).toBeUndefined();
    const list = await gateway.as(gateway.masterKey, 'GET', '/key/list', undefined, origin);
    expect([list.status, list.headers['access-control-allow-origin']]).toEqual([200, undefined]);
  });
});

describe('lists', () => {
  it.each(['/team/list', '/customer/list', '/organization/list'])('%s comes in pages', async (path) => {
    for (const i of [1, 2, 3]) {
      if (path === '/team/list') await gateway.create('/team/new', { team_alias: `page-${i}` });
      else if (path === '/customer/list') await gateway.create('/customer/new', { user_id: `page-${i}` });
      else await gateway.create('/organization/new', { organization_alias: `page-${i}` });
    }
    const page = async (query: string) => (await gateway.admin('GET', `${path}?${query}`)).body as unknown[];
    const all = await page('');
    expect(await page('page=2&page_size=2')).toEqual(all.slice(2, 4));
    expect((await gateway.admin('GET', `${path}?page_size=1001`)).status).toBe(422);
    expect((await gateway.admin('GET', `${path}?page=0`)).status).toBe(422);
  });
});

describe('x-request-id', () => {
  it('is kept when it is one, and made when it is not', async () => {
    const ask = async (id?: string) => (await gateway.send('GET', '/health/liveliness', undefined, id ? { 'x-request-id': id } : {})).headers['x-request-id']; // prettier-ignore
    expect(await ask('abc-123')).toBe('abc-123');
    expect(await ask()).toMatch(/^[0-9a-f-]{36}$/);
    expect(await ask('x'.repeat(200))).toMatch(/^[0-9a-f-]{36}$/);
    expect(await ask('a b<script>')).toMatch(/^[0-9a-f-]{36}$/);
  });
});
