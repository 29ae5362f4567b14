import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Gateway, model } from '../harness/gateway.js';
import { billable, type Billable } from '../harness/tenants.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that every route that spends money has the same checks: all routes of the OpenAPI document, in every spelling. */

let upstream: Upstream;
let gateway: Gateway;
let routes: Billable[];
let canary: Server;
let canaryUrl: string;
const reached: string[] = [];
const CANARY_KEY = 'sk-canary-of-the-client-0123456789';

beforeAll(async () => {
  upstream = await Upstream.start();
  canary = createServer((request, response) => {
    reached.push(request.url!);
    response.end('{}');
  });
  canary.on('connection', () => reached.push('a connection'));
  await new Promise<void>((done) => canary.listen(0, '127.0.0.1', done));
  canaryUrl = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/v1`;
  const price = { input_cost_per_token: 0.001, output_cost_per_token: 0.001 };
  gateway = await Gateway.start({
    config: {
      model_list: ['m', 'denied', 'unpriced'].map((name) =>
        model(name, upstream.url, name === 'unpriced' ? {} : price),
      ),
    },
  });
  routes = await billable(gateway);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
  await new Promise((done) => canary.close(done));
});

/** A body in which every route finds the members it needs. */
const body = (more: object = {}) => ({
  model: 'm',
  messages: [{ role: 'user', content: 'hi' }],
  prompt: 'hi',
  input: 'hi',
  max_tokens: 2,
  ...more,
});
const FAMILIES = ['/chat/completions', '/completions', '/embeddings'];
const isKnown = ({ path }: Billable) => FAMILIES.some((family) => path.endsWith(family));

const call = (key: string, { path, isForm }: Billable, more: Record<string, unknown> = {}, query = '', headers = {}) => {
  const fields = body(more);
  const url = path.replaceAll(/\{\w+\}/g, encodeURIComponent(String(fields.model))) + query;
  if (!isForm) return gateway.as(key, 'POST', url, fields, headers);
  const boundary = 'a-boundary';
  const part = (name: string, value: unknown) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${typeof value === 'string' ? value : JSON.stringify(value)}\r\n`;
  const text = `${Object.entries(fields).map(([name, value]) => part(name, value)).join('')}--${boundary}--\r\n`;
  return gateway.as(key, 'POST', url, text, { 'content-type': `multipart/form-data; boundary=${boundary}`, ...headers });
}; // prettier-ignore

/** Counting the tokens of a response's input costs nothing, so no budget refuses it. */
const isFree = (path: string) => path.endsWith('/responses/input_tokens');

let serial = 0;
/** A key that the gateway refuses, with the status. */
type Refused = [name: string, status: number, key: () => Promise<string>, more?: Record<string, unknown>];
const REFUSED: Refused[] = [
  ['an exhausted key', 429, () => gateway.createKey({ max_budget: 0 })],
  ['a blocked key', 401, () => gateway.createKey({ blocked: true })],
  ['an expired key', 401, () => gateway.createExpiredKey()],
  ['a key without the model', 403, () => gateway.createKey({ models: ['m'] }), { model: 'denied' }],
  ['a model without a price', 403, () => gateway.createKey({ max_budget: 1 }), { model: 'unpriced' }],
  ['a key for other routes', 403, () => gateway.createKey({ allowed_routes: ['info_routes'] })],
  ['a key without calls', 429, () => gateway.createKey({ rpm_limit: 0 })],
  ['a blocked team', 403, async () => {
    const { team_id } = await gateway.create('/team/new', { team_id: `blocked-${++serial}` });
    const key = await gateway.createKey({ team_id });
    await gateway.create('/team/block', { team_id });
    return key;
  }],
  ['a blocked user', 403, async () => {
    const user_id = `blocked-${++serial}`;
    await gateway.create('/user/new', { user_id, auto_create_key: false });
    const key = await gateway.createKey({ user_id });
    await gateway.create('/user/update', { user_id, blocked: true });
    return key;
  }],
  ['an exhausted organization', 429, async () => {
    const organization_id = `exhausted-${++serial}`;
    await gateway.create('/organization/new', { organization_id, organization_alias: organization_id, max_budget: 0 });
    return gateway.createKey({ organization_id });
  }],
]; // prettier-ignore

describe('every billable route', () => {
  it('is one of many', () => {
    expect(routes.filter(isKnown).length).toBeGreaterThanOrEqual(15);
  });

  it.each<Refused>(REFUSED)(
    'refuses %s with %i, and nothing goes upstream',
    async (name, status, createKey, more) => {
      const isForMoney = /exhausted|price/.test(name);
      const key = await createKey();
      const { length } = upstream.calls;
      const errors = new Set<string>();
      for (const route of routes.filter(({ path }) => !isForMoney || !isFree(path))) {
        for (const stream of [false, true]) {
          const answer = await call(key, route, { ...more, stream });
          const what = `${route.path} ${answer.text}`;
          if (isKnown(route)) {
            expect({ path: route.path, status: answer.status }).toEqual({ path: route.path, status });
            const { type, code, details } = answer.body.error;
            errors.add(JSON.stringify([type, code, details.check, details.retryable]));
          }
          expect(answer.status, what).toBeGreaterThanOrEqual(400);
          expect(answer.status, what).toBeLessThan(500);
          expect(answer.body.error.message, what).toEqual(expect.any(String));
        }
      }
      expect([...errors]).toHaveLength(1);
      expect(upstream.calls).toHaveLength(length);
    },
  );

  it('is not entered under another one’s name', async () => {
    const key = await gateway.createKey({ allowed_routes: ['/engines/{model}/chat/completions'] });
    const post = (path: string) => gateway.as(key, 'POST', path, { messages: [], prompt: 'x' });
    expect((await post('/engines/m/chat/completions')).status).toBe(200);
    const { status, body: error } = await post('/engines/m%2Fchat/completions');
    expect({ status, check: error.error.details.check }).toEqual({ status: 403, check: 'routeIsAllowed' });
  });

  it('bills a call once, and the same in every spelling', async () => {
    for (const family of FAMILIES) {
      const spellings = routes.filter(({ path }) => path.endsWith(family) && (family !== '/completions' || !path.includes('/chat'))); // prettier-ignore
      expect(spellings).toHaveLength(5);
      const costs = new Set<number>();
      for (const route of spellings) {
        const key = await gateway.createKey({ max_budget: 1 });
        upstream.behave = () => ({ promptTokens: 3 });
        expect((await call(key, route)).status, route.path).toBe(200);
        costs.add(await gateway.spendOf(key));
      }
      expect([...costs]).toEqual([family === '/embeddings' ? 0.003 : 0.005]);
    }
    upstream.behave = () => ({});
  });
});

describe('a denied model is reached by no spelling', () => {
  type Spelling = [name: string, more: Record<string, unknown>, query?: string];
  const spellings: Spelling[] = [
    ['itself', { model: 'denied' }],
    ['a list', { model: ['m', 'denied'] }],
    ['two names', { model: 'm,denied' }],
    ['an expression', { model: '.*' }],
    ['half an expression', { model: 'den.*' }],
    ['a star', { model: '*' }],
    ['an instruction', { model: 'all-proxy-models' }],
    ['capitals', { model: 'DENIED' }],
    ['spaces', { model: ' denied ' }],
    ['full-width letters', { model: 'ｄenied' }],
    ['a dot at its end', { model: 'denied.' }],
    ['its provider', { model: 'openai/denied' }],
    ['its upstream name', { model: 'up-denied' }],
    ['its deployment', { model: 'd-denied' }],
    ['a path', { model: '../denied' }],
    ['an object', { model: { id: 'denied' } }],
    ['the query', {}, '?model=denied'],
    ['two in the query', {}, '?model=m&model=denied'],
    ['fallbacks', { fallbacks: ['denied'] }],
    ['fallbacks of objects', { fallbacks: [{ model: 'denied' }] }],
    ['fallbacks by model', { fallbacks: [{ m: ['denied'] }] }],
    ['fallbacks for a full context', { context_window_fallbacks: [{ m: ['denied'] }] }],
    ['fallbacks for bad content', { content_policy_fallbacks: [{ m: ['denied'] }] }],
    ['fallbacks in the metadata', { metadata: { fallbacks: ['denied'] } }],
    ['fallbacks of the router', { router_settings_override: { fallbacks: [{ m: ['denied'] }] } }],
    ['the engine', { engine: 'denied', deployment_id: 'denied' }],
    ['a model list', { model_list: [{ model_name: 'm', litellm_params: { model: 'openai/denied' } }] }],
    ['extra_body', { extra_body: { model: 'denied' } }],
    ['a base model', { base_model: 'denied', model_info: { id: 'd-denied' } }],
  ];

  it.each<Spelling>(spellings)('%s', async (_, more, query = '') => {
    const key = await gateway.createKey({ models: ['m'] });
    const since = upstream.calls.length;
    // The allowed model fails, so the gateway would try any other model named in the request.
    upstream.behave = () => ({ status: 500 });
    for (const route of routes) {
      const { status, text } = await call(key, route, more, query);
      expect(status, `${route.path} ${text}`).toBeGreaterThanOrEqual(400);
    }
    upstream.behave = () => ({});
    for (const seen of upstream.calls.slice(since)) expect(seen.model).toBe('up-m');
  });

  it('a member given twice', async () => {
    const key = await gateway.createKey({ models: ['m'] });
    const since = upstream.calls.length;
    for (const { path } of routes) {
      for (const twice of ['"model":"m","model":"denied"', '"model":"denied","model":"m"', '"model":"m","\\u006dodel":"denied"']) {
        const { status } = await gateway.as(key, 'POST', path.replace('{model}', 'm'), `{${twice},"messages":[],"prompt":"x","input":"x"}`);
        expect(status, path).toBe(400);
      }
    }
    expect(upstream.calls).toHaveLength(since);
  }); // prettier-ignore

  it('the path, whatever the body says', async () => {
    const key = await gateway.createKey({ models: ['m'] });
    const since = upstream.calls.length;
    for (const { path } of routes.filter(({ path: known }) => known.includes('{model}'))) {
      for (const [inPath, inBody] of [['denied', 'm'], ['m', 'denied'], ['denied', undefined], ['%64enied', 'm'], ['m%2f..%2fdenied', 'm'], ['m;denied', 'm']]) {
        // On these routes the path names the model and the body's model is ignored: the call is for 'm'.
        if (inPath === 'm' && path.startsWith('/openai/deployments/')) continue;
        const { status } = await gateway.as(key, 'POST', path.replace('{model}', inPath!), { ...body(), model: inBody });
        expect([400, 403, 404], `${path} ${inPath} ${inBody}`).toContain(status);
      }
    }
    expect(upstream.calls).toHaveLength(since);
  }); // prettier-ignore
});

describe('nobody chooses the upstream but its operator', () => {
  /**
   * Names under which some gateway takes an address, a credential or an override from a request. They are refused in every
   * object …
   */
  const ANYWHERE = ['api_base', 'base_url', 'api_key', 'api_version', 'extra_headers', 'model_list', 'user_config', 'custom_llm_provider', 'litellm_params', 'litellm_params_template', 'litellm_embedding_config', 'litellm_credential_name', 'aws_access_key_id', 'aws_secret_access_key', 'aws_session_token', 'aws_bedrock_runtime_endpoint', 'aws_sts_endpoint', 'aws_web_identity_token', 'vertex_credentials', 'vertex_project', 'azure_ad_token', 'azure_endpoint', 'langfuse_host', 'langfuse_secret_key', 'langsmith_base_url', 's3_endpoint_url']; // prettier-ignore
  /** … or only at the top level, because they are data further down … */
  const ON_TOP = ['organization', 'headers', 'extra_body', 'mock_response'];
  /** … or have no effect. */
  const ELSE = ['extra_query', 'proxy', 'url', 'endpoint', 'host', 'target', 'deployment', 'client', 'callbacks', 'success_callback', 'guardrails']; // prettier-ignore
  const HEADERS = ['x-portkey-custom-host', 'x-custom-host', 'x-litellm-api-base', 'x-litellm-base-url', 'x-litellm-model', 'x-forwarded-host', 'x-forwarded-for', 'x-upstream', 'x-target-url', 'helicone-target-url', 'cf-aig-authorization', 'openai-organization']; // prettier-ignore

  it('by no member, nesting, query or header of any route', async () => {
    const key = await gateway.createKey();
    const since = upstream.calls.length;
    const target = { api_base: canaryUrl, base_url: canaryUrl, api_key: CANARY_KEY, url: canaryUrl };
    const judge = ({ path }: Billable, what: unknown, { status, text }: Answer, isRefused: boolean) => {
      const summary = `${path} ${JSON.stringify(what)}: ${status} ${text}`;
      expect(status, summary).toBeLessThan(500);
      if (isRefused) expect(status, summary).toBe(400);
      expect(text, summary).not.toContain('sk-provider-key-of-the-tests');
    };
    for (const route of routes) {
      for (const name of [...ANYWHERE, ...ON_TOP, ...ELSE]) {
        const [anywhere, onTop] = [ANYWHERE.includes(name), !ELSE.includes(name)];
        for (const value of [canaryUrl, CANARY_KEY, target, [target]]) {
          const tool = { type: 'function', function: { name: 'f' }, [name]: value };
          for (const [more, isRefused] of [
            [{ [name]: value }, onTop],
            [{ metadata: { [name]: value } }, anywhere],
            [{ tools: [tool] }, anywhere],
          ] as const)
            judge(route, more, await call(key, route, more), isRefused);
        }
        const query = `?${name}=${encodeURIComponent(canaryUrl)}`;
        judge(route, query, await call(key, route, {}, query), onTop);
      }
      for (const name of HEADERS)
        judge(
          route,
          name,
          await call(key, route, {}, '', { [name]: canaryUrl }),
          /custom-host|litellm/.test(name),
        );
    }
    expect(reached).toEqual([]);
    for (const { headers, path } of upstream.calls.slice(since)) {
      expect(headers.authorization).toBe('Bearer sk-provider-key-of-the-tests');
      expect(JSON.stringify([headers, path])).not.toMatch(new RegExp(`${CANARY_KEY}|${canaryUrl}`));
    }
  });
});
