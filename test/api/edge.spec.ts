import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;
let key: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream, env: { SERVER_ROOT_PATH: '/llm/' } });
  key = await gateway.createKey();
});
afterAll(() => closeAll(gateway, upstream));

describe('SERVER_ROOT_PATH', () => {
  it.each([
    ['/llm/v1/models', 200],
    ['/v1/models', 200],
    ['/llm/llm/v1/models', 404],
    ['/llmraw/v1/models', 404],
    ['/LLM/v1/models', 404],
    ['/%6clm/v1/models', 404],
    ['/llm//v1/models', 404],
  ])('%s is %i', async (path, status) => {
    expect((await gateway.as(key, 'GET', path)).status).toBe(status);
  });

  it('calls a model under the prefix, as without it', async () => {
    const body = { model: 'm-free', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] };
    for (const path of ['/llm/v1/chat/completions', '/v1/chat/completions'])
      expect((await gateway.as(key, 'POST', path, body)).status).toBe(200);
  });

  it.each(['', '/llm'])('checks the path without the prefix: %j', async (prefix) => {
    const limited = await gateway.createKey({ allowed_routes: ['/v1/models'] });
    const none = await gateway.createKey({ allowed_routes: ['/llm/v1/models'] });
    const statusOf = async (caller: string, path: string) =>
      (await gateway.as(caller, 'GET', `${prefix}${path}`)).status;
    expect(await statusOf(limited, '/v1/models')).toBe(200);
    expect(await statusOf(limited, '/key/list')).toBe(403);
    expect(await statusOf(none, '/v1/models')).toBe(403);
    expect(await statusOf('sk-nobody', '/v1/models')).toBe(401);
  });

  it('is the server of the document', async () => {
    for (const path of ['/llm/openapi.json', '/openapi.json'])
      expect((await gateway.send('GET', path)).body.servers).toEqual([{ url: '/llm' }]);
  });
});

describe('the Swagger page', () => {
  it('is compressed, and its files may be cached', async () => {
    const read = (path: string, encoding: string) =>
      gateway.send('GET', path, undefined, { 'accept-encoding': encoding });
    const plain = await read('/docs/swagger-ui-bundle.js', 'identity');
    expect(plain.headers['content-encoding']).toBeUndefined();
    const response = await fetch(`${gateway.url}/docs/swagger-ui-bundle.js`, {
      headers: { 'accept-encoding': 'gzip' },
    });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(Number(response.headers.get('content-length'))).toBeLessThan(500_000);
    expect(response.headers.get('cache-control')).toBe('public, max-age=3600');
    expect(await response.text()).toBe(plain.text);
    expect(
      (await read('/docs/swagger-ui-bundle.js', 'gzip;q=0')).headers['content-encoding'],
    ).toBeUndefined();
    expect((await read('/docs', 'identity')).headers['cache-control']).toBe('no-cache');
    expect((await read('/docs/nothing.js', 'gzip')).status).toBe(404);
  });

  it.each(['/docs/', '/docs/index.html'])(
    '%s redirects to the page that the document counts from',
    async (path) => {
      const { status, headers } = await gateway.send('GET', path);
      expect([status, headers.location]).toEqual([308, '../docs']);
    },
  );
});

describe('a known path with another method', () => {
  it.each([
    ['DELETE', '/v1/chat/completions', 'OPTIONS, POST'],
    ['GET', '/v1/chat/completions', 'OPTIONS, POST'],
    ['HEAD', '/v1/chat/completions', 'OPTIONS, POST'],
    ['TRACE', '/v1/chat/completions', 'OPTIONS, POST'],
    ['PUT', '/engines/some/chat/completions', 'OPTIONS, POST'],
    ['POST', '/v1/models', 'GET, HEAD, OPTIONS'],
    ['POST', '/v1/models/some', 'GET, HEAD, OPTIONS'],
    ['PATCH', '/key/generate', 'POST'],
    ['PUT', '/llm/key/generate', 'POST'],
    ['POST', '/metrics', 'GET, HEAD'],
  ])('%s %s is 405 with allow', async (method, path, allow) => {
    const { status, headers, body } = await gateway.as(key, method, path);
    expect([status, headers.allow]).toEqual([405, allow]);
    if (method !== 'HEAD')
      expect(body.error).toMatchObject({ code: '405', message: expect.stringContaining(method) });
    expect((await gateway.send(method, path)).status).toBe(401);
  });

  it.each(['/nothing', '/v1/nothing', '/key/nothing/at/all'])('%s is 404', async (path) => {
    const { status, headers, body } = await gateway.as(key, 'GET', path);
    expect([status, headers.allow]).toEqual([404, undefined]);
    expect(body.error.message).toBe(`There is no GET ${path} here. All routes: /docs`);
  });
});

/** Sends bytes. Returns the response, when the gateway closes the connection. */
const respond = (...lines: string[]): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () =>
      socket.write(lines.join('\r\n')),
    );
    socket.on('data', (bytes) => (text += bytes.toString()));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });

describe('odd HTTP', () => {
  it('a response says how long its connection is kept: longer than proxies keep it', async () => {
    const { headers } = await gateway.send('GET', '/health/liveliness');
    expect(headers['keep-alive']).toBe('timeout=620');
  });

  const HOST = 'host: gateway';
  const CLOSE = 'connection: close';
  it.each([
    ['no Host', 400, ['GET /health/liveliness HTTP/1.1', CLOSE]],
    ['no Host in HTTP/1.0', 200, ['GET /health/liveliness HTTP/1.0']],
    ['two Hosts', 400, ['GET /health/liveliness HTTP/1.1', HOST, 'host: other', CLOSE]],
    [
      'an unknown expectation',
      417,
      ['POST /key/generate HTTP/1.1', HOST, 'expect: tea', 'content-length: 2'],
    ],
    ['CONNECT', 405, ['CONNECT somewhere:443 HTTP/1.1', 'host: somewhere:443']],
    ['OPTIONS *', 404, ['OPTIONS * HTTP/1.1', HOST, CLOSE]],
  ])('%s is %i, in JSON', async (_, status, lines) => {
    const answer = await respond(...lines, '', '');
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer.toLowerCase()).toContain('content-type: application/json');
    if (status >= 400) expect(answer).toMatch(/\{"error":\{"message":".+"code":"\d{3}"/);
  });

  const waiting = [
    'POST /v1/chat/completions HTTP/1.1',
    HOST,
    'content-type: application/json',
    'expect: 100-continue',
  ];

  it.each([[], ['authorization: Bearer sk-unknown']])(
    'a client that waits for 100 Continue is refused at once: %j',
    async (...credential) => {
      const answer = await respond(...waiting, ...credential, 'content-length: 20000', '', '');
      expect(answer).toMatch(/^HTTP\/1.1 401 /);
    },
  );

  it('a client with a key is told to continue', async () => {
    const body = '{"model":"m-free","max_tokens":1,"messages":[]}';
    const answer = await respond(
      ...waiting,
      `authorization: Bearer ${key}`,
      CLOSE,
      `content-length: ${body.length}`,
      '',
      body,
    );
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
  });

  it('the last of several x-request-id counts: a proxy adds its own after the client’s', async () => {
    const ids = ['x-request-id: of-the-client', 'x-request-id: of-the-proxy'];
    expect(await respond('GET /health/liveliness HTTP/1.1', HOST, CLOSE, ...ids, '', '')).toContain(
      'x-request-id: of-the-proxy\r\n',
    );
  });
});
