import { ADMIN_RULES } from '../../src/policy/admin-rules.js';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { type Operation, operations } from '../harness/tenants.js';
import { Upstream } from '../harness/upstream.js';

/** Sends requests that no client library would send to every route of the OpenAPI document, byte for byte. */

const OPEN = /^GET \/(?:health\/(?:liveliness|liveness|readiness)|api\/hello)?$/;

let upstream: Upstream;
let gateway: Gateway;
let doors: Operation[];
let customer: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
  doors = (await operations(gateway)).filter(({ door }) => !OPEN.test(door));
  customer = await gateway.createKey();
});
afterAll(() => closeAll(gateway, upstream));

/** Sends bytes. Returns every byte of the response until the gateway hangs up. */
function sent(bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (more) => (answer += more.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);

interface Dressed {
  readonly target: string;
  readonly method?: string;
  /** Host headers instead of the usual one. */
  readonly host?: readonly string[];
  readonly headers?: readonly string[];
}

/** Sends one request in this form. Returns the status. */
async function knock({ method }: Operation, dress: Dressed, credential: readonly string[]): Promise<number> {
  const body = method === 'GET' ? '' : '{"broken';
  const answer = await sent(
    [
      `${dress.method ?? method} ${dress.target} HTTP/1.1`,
      ...(dress.host ?? ['host: 127.0.0.1']),
      'connection: close',
      'content-type: application/json',
      `content-length: ${body.length}`,
      ...credential,
      ...(dress.headers ?? []),
      '',
      body,
    ].join('\r\n'),
  );
  return statusOf(answer);
}

const plain = ({ path }: Operation) => path.replaceAll(/\{\w+\}/g, 'x');

/** Other spellings of a path, and other ways to name a target. */
const DRESSES: readonly (readonly [string, (path: string) => Dressed])[] = [
  ['two slashes', (path) => ({ target: `/${path}` })],
  ['two slashes within', (path) => ({ target: path.replace(/(?<=.)\//, '//') })],
  ['a slash at the end', (path) => ({ target: `${path}/` })],
  ['an escaped slash', (path) => ({ target: `/${path.slice(1).replaceAll('/', '%2f')}` })],
  ['escaped letters', (path) => ({ target: path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`) })],
  ['twice escaped letters', (path) => ({ target: path.replace(/[a-z]/, (letter) => `%25${letter.charCodeAt(0).toString(16)}`) })],
  ['dots below an open door', (path) => ({ target: `/health/liveliness/..${path}` })],
  ['escaped dots', (path) => ({ target: `/health/liveliness/%2e%2e${path}` })],
  ['dots and a semicolon', (path) => ({ target: `/health/liveliness/..;${path}` })],
  ['a dot', (path) => ({ target: `/.${path}` })],
  ['a semicolon', (path) => ({ target: `${path};/health/liveliness` })],
  ['a dot at the end', (path) => ({ target: `${path}.` })],
  ['capitals', (path) => ({ target: path.toUpperCase() })],
  ['NUL', (path) => ({ target: `${path}%00` })],
  ['a backslash', (path) => ({ target: path.replaceAll('/', '\\') })],
  ['a fragment', (path) => ({ target: `${path}#/health/liveliness` })],
  ['a query', (path) => ({ target: `${path}?/health/liveliness` })],
  ['a space', (path) => ({ target: `${path}%20` })],
  ['the absolute form', (path) => ({ target: `http://127.0.0.1${path}` })],
  ['the absolute form of an open door', (path) => ({ target: `http://127.0.0.1/health/liveliness/..${path}` })],
  ['a host with a path', (path) => ({ target: path, host: ['host: 127.0.0.1/health/liveliness#'] })],
  ['a host with a query', (path) => ({ target: path, host: ['host: 127.0.0.1/health/liveliness?x='] })],
  ['a host with a fragment', (path) => ({ target: path, host: ['host: localhost:4000/#@x'] })],
  ['a host with a backslash', (path) => ({ target: path, host: ['host: 127.0.0.1\\health\\liveliness'] })],
  ['a host with a user', (path) => ({ target: path, host: ['host: admin@127.0.0.1'] })],
  ['an empty host', (path) => ({ target: path, host: ['host: '] })],
  ['two hosts', (path) => ({ target: path, host: ['host: 127.0.0.1', 'host: localhost/health/liveliness'] })],
  ['no host', (path) => ({ target: path, host: [] })],
  ['another path in headers', (path) => ({ target: path, headers: ['x-original-url: /health/liveliness', 'x-rewrite-url: /health/liveliness', 'x-forwarded-uri: /health/liveliness', 'x-forwarded-prefix: /health/liveliness', 'x-forwarded-path: /health/liveliness'] })],
  ['this path in the headers of an open door', (path) => ({ target: '/nowhere', headers: [`x-original-url: ${path}`, `x-rewrite-url: ${path}`] })],
  ['another method in headers', (path) => ({ target: path, headers: ['x-http-method-override: OPTIONS', 'x-method-override: HEAD', 'x-http-method: GET'] })],
  ['another method in the query', (path) => ({ target: `${path}?_method=OPTIONS` })],
  ['HEAD', (path) => ({ target: path, method: 'HEAD' })],
  ['OPTIONS', (path) => ({ target: path, method: 'OPTIONS', headers: ['origin: http://a', 'access-control-request-method: POST'] })],
  ['TRACE', (path) => ({ target: path, method: 'TRACE' })],
  ['a method nobody knows', (path) => ({ target: path, method: 'FROB' })],
  ['an inner address', (path) => ({ target: path, headers: ['x-forwarded-for: 127.0.0.1', 'x-real-ip: 127.0.0.1', 'forwarded: for=127.0.0.1;host=localhost', 'x-forwarded-host: localhost'] })],
  ['a user of somebody’s proxy', (path) => ({ target: path, headers: ['x-forwarded-user: admin', 'remote-user: admin', 'x-auth-request-user: admin', 'x-user-role: proxy_admin'] })],
  ['a cookie', (path) => ({ target: path, headers: ['cookie: token=admin; session=1'] })],
  ['an upgrade', (path) => ({ target: path, headers: ['upgrade: websocket', 'sec-websocket-key: x', 'sec-websocket-version: 13'] })],
]; // prettier-ignore

/** Statuses that open nothing. A preflight of a browser is answered without a credential, and calls nothing. */
const closed = ({ method, headers }: Dressed) => [
  400,
  401,
  404,
  405,
  ...(method === 'OPTIONS' ? [204] : []),
  ...(headers?.some((header) => header.startsWith('upgrade:')) ? [426] : []),
];

describe('a request that is dressed up', () => {
  it.each(DRESSES)('with %s opens no door to a stranger', async (_, dress) => {
    for (const door of doors) {
      const dressed = dress(plain(door));
      const status = await knock(door, dressed, []);
      expect(closed(dressed), `${door.door} as ${dressed.target}`).toContain(status);
    }
  });

  it.each(DRESSES)('with %s opens no administrator’s door to a customer', async (_, dress) => {
    for (const door of doors) {
      const rule = ADMIN_RULES[door.door.replaceAll(/\{(\w+)\}/g, ':$1')];
      if (!rule || rule.includes('customer')) continue;
      const dressed = dress(plain(door));
      const status = await knock(door, dressed, [`authorization: Bearer ${customer}`]);
      expect([...closed(dressed), 403], door.door).toContain(status);
    }
  }); // prettier-ignore
});

/** Texts that a database, a shell, a template or a parser might execute. */
const INJECTIONS = [
  `' OR '1'='1`, `" OR ""="`, `') OR ('1'='1`, `'; DROP TABLE virtual_keys; --`, `' UNION SELECT * FROM virtual_keys --`,
  `sk-' OR 1=1; --`, `sk-'||pg_sleep(5)--`, `sk-'; SELECT pg_sleep(5); --`, `sk-1' AND (SELECT count(*) FROM users)>0 --`,
  `sk-\\'; --`, `sk-%27%20OR%201=1`, `sk-$(id)`, 'sk-`id`', 'sk-{{7*7}}', 'sk-${7*7}', 'sk-<%= 7*7 %>', 'sk-%', 'sk-%_%', 'sk-*',
  'sk-\x00', 'sk-\x01', 'sk-\xff\xfe', 'sk-\u00fc', '', ' ', 'sk-', 'null', 'undefined', 'NaN', 'true', '[]', '{}', '0', '-1',
  '__proto__', 'constructor', 'default_user_id', 'admin', 'proxy_admin', `sk-${'x'.repeat(4_096)}`, `sk-${'\''.repeat(5_000)}`,
]; // prettier-ignore
const CREDENTIAL_HEADERS = [
  (value: string) => `authorization: Bearer ${value}`,
  (value: string) => `authorization: ${value}`,
  (value: string) => `authorization: Basic ${Buffer.from(`admin:${value}`, 'latin1').toString('base64')}`,
  (value: string) => `x-litellm-api-key: ${value}`,
  (value: string) => `x-api-key: ${value}`,
  (value: string) => `api-key: ${value}`,
];
const KEY_INFO: Operation = { door: 'GET /key/info', method: 'GET', path: '/key/info', pathParams: [], query: [], fields: [], example: {} }; // prettier-ignore

describe('a credential', () => {
  it('is never a piece of anything else', async () => {
    for (const value of INJECTIONS) {
      for (const header of CREDENTIAL_HEADERS) {
        const status = await knock(KEY_INFO, { target: '/key/info' }, [header(value)]);
        expect([400, 401], header(value)).toContain(status);
      }
    }
    expect((await gateway.as(customer, 'GET', '/key/info')).status).toBe(200);
  });

  it('of a megabyte is too large', async () => {
    const status = await knock(KEY_INFO, { target: '/key/info' }, [`authorization: Bearer sk-${'x'.repeat(1 << 20)}`]); // prettier-ignore
    expect(status).toBe(431);
  });

  it('is one: a second, different one beside it in the same header is refused, in either order', async () => {
    const master = `authorization: Bearer ${gateway.masterKey}`;
    const garbage = 'authorization: Bearer sk-0000000000000000000000';
    const status = (...headers: string[]) => knock(KEY_INFO, { target: '/team/list' }, headers);
    expect(await status(master)).toBe(200);
    expect(await status(master, master)).toBe(200);
    expect(await status(master, garbage)).toBe(401);
    expect(await status(garbage, master)).toBe(401);
    expect(await status('authorization: ', master)).toBe(401);
    expect(await status(`authorization: Bearer ${gateway.masterKey}, Bearer x`)).toBe(401);
    expect(await status(`Authorization : Bearer ${gateway.masterKey}`)).toBe(400);
    expect(await status(`authorization: Bearer\r\n ${gateway.masterKey}`)).not.toBe(200);
    // The first credential header that is present counts, even if a later one is valid.
    expect(await status('x-litellm-api-key: sk-0000000000000000000000', master)).toBe(401);
    expect(await status(garbage, `x-api-key: ${gateway.masterKey}`)).toBe(401);
  });

  it('is not taken from a query, a cookie, a body or a prefix of one', async () => {
    const { masterKey } = gateway;
    for (const target of [`/team/list?api_key=${masterKey}`, `/team/list?key=${masterKey}`, `/team/list?token=${masterKey}`])
      expect(await knock(KEY_INFO, { target }, [])).toBe(401);
    expect(await knock(KEY_INFO, { target: '/team/list' }, [`cookie: token=${masterKey}`])).toBe(401);
    for (const part of [masterKey.slice(0, -1), `${masterKey}x`, masterKey.toUpperCase(), masterKey.slice(3)])
      expect(await knock(KEY_INFO, { target: '/team/list' }, [`authorization: Bearer ${part}`])).toBe(401);
    expect((await gateway.send('POST', '/key/generate', { api_key: masterKey })).status).toBe(401);
  }); // prettier-ignore
});

describe('one connection', () => {
  it('carries no right from one request to the next', async () => {
    const request = (...headers: string[]) => ['GET /team/list HTTP/1.1', 'host: x', ...headers, '', ''].join('\r\n');
    const answer = await sent(
      request(`authorization: Bearer ${gateway.masterKey}`) + request() + request(`authorization: Bearer ${customer}`, 'connection: close'),
    );
    expect([...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status)).toEqual(['200', '401', '403']);
  }); // prettier-ignore

  it.each([
    [
      'a body longer than it says',
      'content-length: 5\r\n\r\n{"a":GET /team/list HTTP/1.1\r\nhost: x\r\n\r\n',
    ],
    ['two lengths', 'content-length: 5\r\ncontent-length: 6\r\n\r\n{"a":1'],
    ['a length and chunks', 'content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length that is none', 'content-length: +5\r\n\r\n{"a":'],
    ['chunks spelled oddly', 'transfer-encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['chunks twice', 'transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n'],
    ['a chunk of a negative size', 'transfer-encoding: chunked\r\n\r\n-1\r\n\r\n'],
    ['a bare line feed', 'content-length: 0\nx: y\r\n\r\n'],
  ])('smuggles no second request in: %s', async (_, rest) => {
    const answer = await sent(`POST /key/generate HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${rest}`);
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    expect(statuses).toHaveLength(1);
    for (const status of statuses) expect([400, 401]).toContain(status);
  });
});

describe('a stranger’s body of megabytes', () => {
  const begun = (credential: string) =>
    sent(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${credential}content-length: 5000000\r\n\r\n{"model":"${'x'.repeat(200_000)}`,
    );

  it.each([
    ['without a credential', ''],
    ['with a key nobody has', 'authorization: Bearer sk-nobody-has-this\r\n'],
    ['with a token nobody made', 'authorization: Bearer ey.ey.ey\r\n'],
  ])('is refused before it is there: %s', async (_, credential) => {
    expect(statusOf(await begun(credential))).toBe(401);
  });
});
