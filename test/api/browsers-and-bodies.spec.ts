import { connect } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model, testModels } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

const BOUNDARY = 'b-1';
const ADMIN_ORIGIN = 'https://admin.example.com';

let upstream: Upstream;
let gateway: Gateway;
let key: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    config: {
      general_settings: { max_request_size_mb: 1, cors_allowed_origins: [ADMIN_ORIGIN] },
      model_list: [
        ...testModels(upstream.url),
        model('m-edit', upstream.url, { mode: 'image_generation', output_cost_per_image: 0.01 }),
      ],
    },
  });
  key = await gateway.createKey();
});
afterAll(() => closeAll(gateway, upstream));

describe('a compressed body', () => {
  const call = (content: string) =>
    Buffer.from(JSON.stringify({ model: 'm-in', messages: [{ role: 'user', content }], max_tokens: 2 }));
  const send = (coding: string, bytes: Buffer, path = '/v1/chat/completions', headers = {}) =>
    gateway.as(key, 'POST', path, bytes, { 'content-encoding': coding, ...headers });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('of coding %s reaches the provider decoded', async (coding, compress) => {
    expect((await send(coding, compress(call('hello')))).status).toBe(200);
    const { headers, body } = upstream.calls.at(-1)!;
    expect(body).toMatchObject({ model: 'up-m-in', messages: [{ content: 'hello' }] });
    expect(headers['content-encoding']).toBeUndefined();
  });

  it('may be a form', async () => {
    const part = (name: string, value: string, more = '') =>
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
    const form = `${part('model', 'm-edit')}${part('prompt', 'fog')}${part('image', 'png', '; filename="a.png"')}--${BOUNDARY}--\r\n`;
    const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
    expect((await send('gzip', gzipSync(form), '/v1/images/edits', headers)).status).toBe(200);
    expect(upstream.calls.at(-1)!.fields).toMatchObject({ model: 'up-m-edit', prompt: 'fog' });
  });

  it('may be an admin’s', async () => {
    const bytes = gzipSync(JSON.stringify({ key_alias: 'compressed', max_budget: 1 }));
    const { status, body } = await gateway.as(gateway.masterKey, 'POST', '/key/generate', bytes, {
      'content-encoding': 'gzip',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ key_alias: 'compressed', max_budget: 1 });
  });

  it('is held for by its decoded size', async () => {
    const poor = await gateway.createKey({ max_budget: 1 });
    const long = call('long '.repeat(20_000));
    const plain = await gateway.as(poor, 'POST', '/v1/chat/completions', long);
    const packed = await gateway.as(poor, 'POST', '/v1/chat/completions', gzipSync(long), {
      'content-encoding': 'gzip',
    });
    expect([plain.status, packed.status]).toEqual([429, 429]);
    expect(packed.body.error.message).toBe(plain.body.error.message);
  });

  it('that decodes to more than allowed is 413, which names the setting', async () => {
    const { status, body } = await send('gzip', gzipSync(Buffer.alloc(64 * 1024 * 1024, ' ')));
    expect(status).toBe(413);
    expect(body.error.message).toContain('general_settings.max_request_size_mb allows 1 MB');
  });

  it.each(['compress', 'gzip, gzip'])(
    'of coding "%s" is 415, which says what is accepted',
    async (coding) => {
      const { status, headers, body } = await send(coding, call('hello'));
      expect(status).toBe(415);
      expect(headers['accept-encoding']).toMatch(/^gzip, deflate, br(?:, zstd)?$/);
      expect(body.error).toMatchObject({
        param: 'content-encoding',
        message: expect.stringContaining(coding),
      });
    },
  );

  it('that is not what it says is 400; a stranger’s is 401', async () => {
    expect((await send('gzip', call('hello'))).status).toBe(400);
    const stranger = await gateway.send('POST', '/v1/chat/completions', gzipSync(call('hello')), {
      'content-encoding': 'gzip',
    });
    expect(stranger.status).toBe(401);
  });
});

const CORS = /^access-control-|^vary$/;
const corsOf = ({ headers }: { readonly headers: object }) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => CORS.test(name)));
const ANY_PAGE = { 'access-control-allow-origin': '*', 'access-control-expose-headers': '*' };

/** The first call of a browser: may this page send this request? */
const preflight = (path: string, origin: string, names = 'authorization,x-stainless-lang') =>
  gateway.send('OPTIONS', path, undefined, {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': names,
  });

/** Sends bytes. Returns the answer when the gateway closes the connection. */
const answerTo = (bytes: string) =>
  new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (piece) => (text += piece.toString()));
    socket.on('end', () => resolve(text)).on('error', reject);
  });

describe('a page in a browser', () => {
  const origin = 'https://chat.example.org';
  const body = { model: 'm-free', messages: [{ role: 'user', content: 'hi' }], max_tokens: 2 };

  it.each([
    '/v1/chat/completions',
    '/chat/completions',
    '/v1/messages',
    '/v1/responses',
    '/v1/audio/transcriptions',
    '/engines/m/chat/completions',
    '/openai/deployments/m/chat/completions?api-version=1',
    '/openai/v1/embeddings',
    '/v1/models',
    '/models/m',
    '/v1/models/anthropic/claude',
  ])('may ask for %s from anywhere', async (path) => {
    const answer = await preflight(path, origin);
    expect(answer.status).toBe(204);
    expect(corsOf(answer)).toEqual({
      ...ANY_PAGE,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization,x-stainless-lang',
      'access-control-max-age': '7200',
    });
  });

  it('may send every header, as far as names are bounded', async () => {
    const allowed = async (names: string) =>
      (await preflight('/v1/messages', origin, names)).headers['access-control-allow-headers'];
    const names = ['x-api-key', 'anthropic-dangerous-direct-browser-access', 'x-litellm-tags', 'x-stainless-os'].join(', '); // prettier-ignore
    expect(await allowed(names)).toBe(names);
    for (const odd of ['a b', 'x,'.repeat(200), 'x'.repeat(200), '<script>'])
      expect(await allowed(odd)).toBe('authorization, content-type, x-api-key');
  });

  it('reads answers, streams and the list of models', async () => {
    for (const stream of [false, true]) {
      const answer = await gateway.chat(key, { ...body, stream }, { origin });
      expect({ status: answer.status, ...corsOf(answer) }).toEqual({ status: 200, ...ANY_PAGE });
    }
    for (const path of ['/v1/models', '/models/m-free'])
      expect(corsOf(await gateway.as(key, 'GET', path, undefined, { origin }))).toEqual(ANY_PAGE);
  });

  it('reads refusals', async () => {
    const poor = await gateway.createKey({ max_budget: 0 });
    const chat = (by: string | undefined, sent: unknown) =>
      gateway.send('POST', '/v1/chat/completions', sent, {
        origin,
        ...(by && { authorization: `Bearer ${by}` }),
      });
    upstream.behave = ({ model: called }) => (called === 'up-m-in' ? { status: 500 } : {});
    const answers = [
      [401, await chat(undefined, body)],
      [400, await chat(key, '{')],
      [403, await chat(await gateway.createKey({ models: ['m-in'] }), body)],
      [413, await chat(key, Buffer.alloc(2 * 1024 * 1024, ' '))],
      [429, await chat(poor, { ...body, model: 'm-out' })],
      [500, await chat(key, { ...body, model: 'm-in' })],
    ] as const;
    upstream.behave = () => ({});
    for (const [status, answer] of answers)
      expect({ status: answer.status, ...corsOf(answer) }).toEqual({ status, ...ANY_PAGE });
    const malformed = await gateway.as(key, 'POST', '/v1/%zz', body);
    expect([malformed.status, malformed.headers['access-control-allow-origin']]).toEqual([400, '*']);
    const headers = `x: ${'x'.repeat(20_000)}`;
    const tooLarge = await answerTo(`GET /v1/models HTTP/1.1\r\nhost: a\r\n${headers}\r\n\r\n`);
    expect(tooLarge).toMatch(/^HTTP\/1\.1 431 [^]*\r\naccess-control-allow-origin: \*\r\n/);
  });

  it('calls admin routes from the configured origin only', async () => {
    const allowed = await preflight('/key/generate', ADMIN_ORIGIN);
    expect({ status: allowed.status, ...corsOf(allowed) }).toEqual({
      status: 204,
      vary: 'origin',
      'access-control-allow-origin': ADMIN_ORIGIN,
      'access-control-expose-headers': '*',
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization,x-stainless-lang',
      'access-control-max-age': '7200',
    });
    for (const other of [origin, `${ADMIN_ORIGIN}.evil.com`, 'null', ADMIN_ORIGIN.toUpperCase()])
      expect(corsOf(await preflight('/key/generate', other))).toEqual({ vary: 'origin' });
    const list = (from: string) =>
      gateway.as(gateway.masterKey, 'GET', '/key/list', undefined, { origin: from });
    expect(corsOf(await list(ADMIN_ORIGIN))).toMatchObject({ 'access-control-allow-origin': ADMIN_ORIGIN });
    expect(corsOf(await list(origin))).toEqual({ vary: 'origin' });
    const refused = await gateway.send('GET', '/key/list', undefined, { origin: ADMIN_ORIGIN });
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, ADMIN_ORIGIN]);
  });
});

describe('a WebSocket', () => {
  /** Sends two requests on one connection. Returns their status lines and headers. */
  const probe = (first: string) =>
    new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => socket.write(first));
      socket.on('data', (bytes) => {
        text += bytes.toString();
        if (text.split('HTTP/1.1 ').length === 2 && text.includes('}}'))
          socket.write('GET /health/liveliness HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
      });
      socket.on('end', () => resolve(text)).on('error', reject);
    });

  it.each(['/v1/responses', '/v1/realtime?model=m', '/responses', '/key/list'])(
    'at %s is refused with 426, and the connection stays',
    async (path) => {
      const answers = await probe(
        `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      );
      const [, refusal = '', next = ''] = answers.split('HTTP/1.1 ');
      expect(refusal).toMatch(/^426 Upgrade Required\r\n/);
      expect(refusal).toMatch(/\r\nupgrade: HTTP\/1\.1\r\n/i);
      expect(next).toMatch(/^200 OK/);
    },
  );

  it('is not what a call with another upgrade asks for', async () => {
    const body = JSON.stringify({ model: 'm-free', messages: [], max_tokens: 2 });
    const answers = await probe(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${key}\r\nconnection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answers).toMatch(/^HTTP\/1\.1 200 OK/);
  });
});

describe('another spelling of an address', () => {
  const body = { model: 'm-free', messages: [], max_tokens: 1 };

  it.each([
    '/v1/chat/completions/',
    '/chat/completions/',
    '/openai/v1/chat/completions',
    '/openai/v1/chat/completions/',
  ])('%s is the same route, with the same rules', async (path) => {
    const only = await gateway.createKey({ allowed_routes: ['/v1/chat/completions', '/chat/completions'] });
    const other = await gateway.createKey({ allowed_routes: ['/v1/embeddings'] });
    const statusFor = async (by: string) => (await gateway.as(by, 'POST', path, body)).status;
    expect([await statusFor(only), await statusFor(other), await statusFor('sk-none')]).toEqual([
      200, 403, 401,
    ]);
  });

  it.each(['/v1/models/', '/openai/v1/models'])('%s lists the models', async (path) => {
    const { body: list } = await gateway.as(key, 'GET', path);
    expect(list.data.length).toBeGreaterThan(3);
  });

  it('of a model may leave its slash as it is', async () => {
    await gateway.create('/model/new', {
      model_name: 'team/m',
      litellm_params: {
        model: 'openai/up',
        api_base: upstream.url,
        input_cost_per_token: 0,
        output_cost_per_token: 0,
      },
    });
    const without = await gateway.createKey({ models: ['m-free'] });
    for (const path of ['/v1/models/team/m', '/models/team/m', '/v1/models/team%2Fm'])
      expect([(await gateway.as(key, 'GET', path)).body.id, (await gateway.as(without, 'GET', path)).status]).toEqual(['team/m', 404]); // prettier-ignore
    const routes = await gateway.createKey({ allowed_routes: ['/v1/chat'] });
    expect((await gateway.as(routes, 'GET', '/v1/models/team/m')).status).toBe(403);
  });

  it.each(['/', '/api/hello'])('HEAD %s is answered without a key', async (path) => {
    expect((await gateway.send('HEAD', path)).status).toBe(200);
  });
});
