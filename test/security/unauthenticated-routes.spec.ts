import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';

/** Routes that respond without a credential. All others must not. */
const OPEN = new Set([
  'GET /',
  'GET /api/hello',
  'GET /health/liveliness',
  'GET /health/liveness',
  'GET /health/readiness',
]);
/** Routes of the documentation itself, which the document does not list. */
const OPEN_PAGES = ['/docs', '/openapi.json', '/openapi.yaml'];

let gateway: Gateway;
let doors: string[];
beforeAll(async () => {
  gateway = await Gateway.start();
  const { paths } = (await gateway.send('GET', '/openapi.json')).body as { paths: Record<string, object> };
  doors = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, 'x')}`),
  );
});
afterAll(() => gateway.close());

const knock = (door: string, headers: Record<string, string> = {}) => {
  const [method, path] = door.split(' ') as [string, string];
  return gateway.send(method, path, method === 'GET' ? undefined : '{"broken', headers);
};

describe('every door of the OpenAPI document', () => {
  it('is known', () => {
    expect(doors.length).toBeGreaterThan(50);
    for (const door of OPEN) expect(doors).toContain(door);
  });

  it.each([
    ['nothing', {}],
    ['garbage', { authorization: 'Bearer garbage' }],
    ['an odd scheme', { authorization: 'Basic c2stMTIzNDpzay0xMjM0' }],
    ['an unknown key', { 'x-api-key': 'sk-0000000000000000000000' }],
    ['an injection', { authorization: `Bearer sk-' OR 1=1; --` }],
  ])('answers 401 to a stranger with %s, before it looks at the body', async (_, headers) => {
    for (const door of doors.filter((known) => !OPEN.has(known))) {
      const { status, body } = await knock(door, headers as Record<string, string>);
      expect({ door, status }).toEqual({ door, status: 401 });
      // Google's clients read a number, and no param.
      if (/^POST \/(?:gemini|v1beta|vertex[_-]ai)\//.test(door))
        expect(body.error).toMatchObject({ code: 401, status: 'UNAUTHENTICATED' });
      else
        expect(body.error).toMatchObject({
          code: '401',
          param: expect.toSatisfy((p) => p === null || p === 'key'),
        });
    }
  });

  it('is closed to a virtual key where it is an administrator’s', async () => {
    const key = await gateway.createKey();
    const callers =
      /^(?:GET \/(?:v1\/)?(?:models|model\/info)|GET \/model_group|GET \/key\/(?:info|list)|POST \/access\/|POST \/(?:v2\/key\/info|key\/health)|POST \/(?:bedrock|gemini|v1beta|vertex[_-]ai)\/|POST \/(?:v[12]\/)?(?:engines|openai|chat|completions|embeddings|messages|responses|moderations|images|audio|rerank))/;
    const admins = doors.filter((door) => !OPEN.has(door) && !callers.test(door));
    expect(admins.length).toBeGreaterThan(30);
    for (const door of admins) {
      const { status } = await knock(door, { authorization: `Bearer ${key}` });
      expect({ door, status }).toEqual({ door, status: 403 });
    }
  });

  it.each([...OPEN].map((door) => door.split(' ')[1]!).concat(OPEN_PAGES))('but %s is open', async (path) => {
    expect((await gateway.send('GET', path)).status).toBe(200);
  });
});

describe('a credential', () => {
  it.each([
    ['Authorization', (key: string) => ({ authorization: `Bearer ${key}` })],
    ['authorization in small letters', (key: string) => ({ authorization: `bearer ${key}` })],
    ['x-litellm-api-key', (key: string) => ({ 'x-litellm-api-key': key })],
    ['api-key', (key: string) => ({ 'api-key': key })],
    ['x-api-key', (key: string) => ({ 'x-api-key': key })],
    ['x-goog-api-key', (key: string) => ({ 'x-goog-api-key': key })],
    ['Ocp-Apim-Subscription-Key', (key: string) => ({ 'ocp-apim-subscription-key': key })],
    [
      'two headers with the same key',
      (key: string) => ({ authorization: `Bearer ${key}`, 'x-api-key': key }),
    ],
  ])('is read from %s', async (_, headers) => {
    const key = await gateway.createKey();
    expect((await gateway.send('GET', '/v1/models', undefined, headers(key))).status).toBe(200);
  });

  it('the hash of a key is not one', async () => {
    const { token } = await gateway.create('/key/generate', {});
    expect((await gateway.as(token, 'GET', '/v1/models')).status).toBe(401);
  });

  it('a malformed first header is not skipped for a good second one', async () => {
    const key = await gateway.createKey();
    const { status, body } = await gateway.send('GET', '/v1/models', undefined, {
      authorization: key,
      'x-api-key': key,
    });
    expect(status).toBe(401);
    expect(body.error.message).toContain('Malformed API Key passed in. Ensure Key has `Bearer ` prefix.');
  });

  it('none at all is told in LiteLLM’s words', async () => {
    const { body } = await gateway.send('GET', '/v1/models');
    expect(body.error).toMatchObject({
      type: 'auth_error',
      code: '401',
      message: expect.stringContaining('No api key passed in.'),
    });
  });

  it('an unknown key is never told in full', async () => {
    const { body, text } = await gateway.as('sk-abcdefghijklmnopqrstuv', 'GET', '/v1/models');
    expect(body.error).toMatchObject({ type: 'token_not_found_in_db', param: 'key' });
    expect(text).not.toContain('sk-abcdef');
  });
});
