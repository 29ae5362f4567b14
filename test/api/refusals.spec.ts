import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ANTHROPIC_ERROR_TYPES } from '../../src/http/anthropic-error.js';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves what a client learns of a refusal: whether to retry, its status, its type, and what would help. */

const price = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
const CODEX = 'codex_exec/0.171.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.171.0)';
const OPENCODE = 'opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14';
const SDK = 'OpenAI/Python 2.20.0';

let upstream: Upstream;
let gateway: Gateway;
/** The statuses of coding agents are off. */
let plain: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const start = (general_settings: object) =>
    Gateway.start({
      upstream,
      config: {
        model_list: [
          model('m-out', upstream.url, price),
          model('m-claude', upstream.url.replace(/\/v1$/, ''), price, { model: 'anthropic/up-m-claude' }),
          model('m-unpriced', upstream.url, {}),
        ],
        general_settings: { max_request_size_mb: 0.01, budget_wait_ms: 0, ...general_settings },
      },
    });
  [gateway, plain] = await Promise.all([
    start({ budget_status_by_user_agent: { 'my-agent': 402, opencode: 429 } }),
    start({ coding_agent_budget_status: false, budget_exceeded_status: 402 }),
  ]);
});
afterAll(() => closeAll(gateway, plain, upstream));
afterEach(() => {
  upstream.release();
  upstream.behave = () => ({});
});

const messages = [{ role: 'user', content: 'Hello!' }];
const CHAT = '/v1/chat/completions';
const MESSAGES = '/v1/messages';
const ask = { model: 'm-out', messages, max_tokens: 10 };
const call = (key: string, headers: Record<string, string> = {}, at = gateway, body: object = ask) =>
  at.as(key, 'POST', CHAT, body, headers);
const isFinal = ({ headers, body }: Answer) => [headers['x-should-retry'], body.error.details.retryable];

/** Routes of models, each with a body that it accepts. */
const ROUTES: Readonly<Record<string, object>> = {
  [CHAT]: ask,
  '/v1/completions': { model: 'm-out', prompt: 'a' },
  '/v1/responses': { model: 'm-out', input: 'a' },
  [MESSAGES]: { ...ask, model: 'm-claude' },
  '/v1/messages/count_tokens': { model: 'm-claude', messages },
  '/v1/embeddings': { model: 'm-out', input: 'a' },
  '/v1/moderations': { model: 'm-out', input: 'a' },
  '/v1/rerank': { model: 'm-out', query: 'a', documents: ['a'] },
  '/v1/images/generations': { model: 'm-out', prompt: 'a' },
  '/v1/audio/speech': { model: 'm-out', input: 'a', voice: 'a' },
};

describe.each(Object.entries(ROUTES))('a permanent refusal at %s', (path, body) => {
  const sent: Record<string, () => Promise<Answer>> = {
    'no key': () => gateway.send('POST', path, JSON.stringify(body)),
    'an unknown key': () => gateway.as('sk-nobody-knows-this-one', 'POST', path, body),
    'an expired key': async () => gateway.as(await gateway.createExpiredKey(), 'POST', path, body),
    'a model that is not allowed': async () => gateway.as(await gateway.createKey({ models: ['x'] }), 'POST', path, body),
    'an unknown model': async () => gateway.as(await gateway.createKey(), 'POST', path, { ...body, model: 'nope' }),
    'a broken body': async () => gateway.as(await gateway.createKey(), 'POST', path, '{'),
    'a large body': async () => gateway.as(await gateway.createKey(), 'POST', path, { ...body, more: 'x'.repeat(20_000) }),
    'another method': async () => gateway.as(await gateway.createKey(), 'PUT', path, body),
    'a path below it': async () => gateway.as(await gateway.createKey(), 'GET', `${path}/below`),
    'a body of a wrong coding': async () => gateway.as(await gateway.createKey(), 'POST', path, body, { 'content-encoding': 'sdch' }),
  }; // prettier-ignore

  it('says so, whatever its reason, and has a type of its API', async () => {
    const statuses: Record<string, number> = {};
    for (const [why, send] of Object.entries(sent)) {
      const answer = await send();
      statuses[why] = answer.status;
      expect([why, ...isFinal(answer)]).toEqual([why, 'false', false]);
      expect(answer.body.error.code).toBe(String(answer.status));
      const isAnthropic = path.startsWith(MESSAGES);
      expect([why, answer.body.type]).toEqual([why, isAnthropic ? 'error' : undefined]);
      if (isAnthropic) expect(ANTHROPIC_ERROR_TYPES).toContain(answer.body.error.type);
    }
    expect(statuses).toMatchObject({ 'no key': 401, 'an unknown key': 401, 'an expired key': 401, 'a model that is not allowed': 403 }); // prettier-ignore
    expect(statuses).toMatchObject({ 'a broken body': 400, 'a large body': 413, 'another method': 405, 'a path below it': 404 }); // prettier-ignore
  });
});

it('a WebSocket, an unreadable path and a wrong expectation are refused alike', async () => {
  const key = await gateway.createKey();
  const upgrade = await raw(`GET /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`); // prettier-ignore
  expect(upgrade).toMatch(/^HTTP\/1\.1 426 [^]*x-should-retry: false/i);
  const path = await raw(`GET /v1/messages/%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  expect(path).toMatch(
    /^HTTP\/1\.1 400 [^]*x-should-retry: false[^]*"type":"error"[^]*invalid_request_error/i,
  );
});

const raw = (text: string) =>
  new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url);
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.end(text));
    socket.on('data', (bytes) => (answer += bytes.toString())).on('end', () => resolve(answer));
    socket.on('error', reject);
  });

describe('the status of a used up budget', () => {
  const over = async (fields: object = {}, at = gateway) => at.createKey({ max_budget: 0, ...fields });
  const statusFor = async (
    key: string,
    userAgent: string,
    at = gateway,
    more: Record<string, string> = {},
  ) => {
    const answer = await call(key, { 'user-agent': userAgent, ...more }, at);
    expect(isFinal(answer)).toEqual(['false', false]);
    expect(answer.body.error).toMatchObject({ type: 'budget_exceeded', code: String(answer.status) });
    return answer.status;
  };

  it('is 400 for agents that retry 429, 429 for every other client, and as the operator says', async () => {
    const key = await over();
    expect(await statusFor(key, CODEX)).toBe(400);
    expect(await statusFor(key, 'QwenCode/0.15.10 (linux; x64)')).toBe(400);
    expect(await statusFor(key, 'something/1.0', gateway, { originator: 'codex_exec' })).toBe(400);
    expect(await statusFor(key, SDK)).toBe(429);
    expect(await statusFor(key, `${SDK} ${CODEX}`)).toBe(429);
    expect(await statusFor(key, 'My-Agent/2.0')).toBe(402);
    expect(await statusFor(key, OPENCODE)).toBe(429);
  });

  it('is the general one for all agents, where theirs are switched off', async () => {
    const key = await over({}, plain);
    expect([await statusFor(key, CODEX, plain), await statusFor(key, SDK, plain)]).toEqual([402, 402]);
  });

  it('is the key’s, else its team’s, before the user agent’s', async () => {
    const { team_id } = await gateway.create('/team/new', { budget_exceeded_status: 402 });
    const ofTeam = await over({ team_id });
    expect([await statusFor(ofTeam, SDK), await statusFor(ofTeam, CODEX)]).toEqual([402, 402]);
    const own = await over({ team_id, budget_exceeded_status: 429 });
    expect([await statusFor(own, SDK), await statusFor(own, CODEX)]).toEqual([429, 429]);
    expect((await gateway.as(own, 'GET', '/key/info')).body.info.budget_exceeded_status).toBe(429);
    await gateway.admin('POST', '/key/update', { key: own, budget_exceeded_status: null });
    expect(await statusFor(own, CODEX)).toBe(402);
    await gateway.admin('POST', '/team/update', { team_id, budget_exceeded_status: null });
    expect(await statusFor(own, CODEX)).toBe(400);
  });

  it('is one of three', async () => {
    const { status, body } = await gateway.admin('POST', '/key/generate', { budget_exceeded_status: 418 });
    expect([status, body.error.message]).toEqual([422, expect.stringContaining('budget_exceeded_status: must be one of 429, 400, 402')]); // prettier-ignore
  });

  it('is not that of a budget that only calls in flight fill', async () => {
    const key = await gateway.createKey({ max_budget: 0.01, budget_exceeded_status: 400 });
    upstream.hold();
    const before = upstream.calls.length;
    const first = call(key);
    await upstream.arrived(before + 1);
    const { status, headers, body } = await call(key, { 'user-agent': CODEX });
    expect([status, headers['retry-after'], headers['x-should-retry']]).toEqual([429, '1', undefined]);
    expect(body.error).toMatchObject({ code: '429', details: { retryable: true } });
    expect(body.error.message).not.toContain('over budget');
    upstream.release();
    expect((await first).status).toBe(200);
  });

  it('is foretold by the evaluation', async () => {
    const key = await over();
    const foretold = async (user_agent?: string) =>
      (
        await gateway.admin('POST', '/access/v1/evaluation', {
          subject: { type: 'key', id: key },
          action: { name: 'call' },
          resource: { type: 'model', id: 'm-out' },
          context: { user_agent },
        })
      ).body.context.status as number;
    expect([await foretold(), await foretold(CODEX)]).toEqual([429, 400]);
  });
});

describe('the sentence of a refusal', () => {
  const sentence = async (key: string, body: object = {}) =>
    (await call(key, {}, gateway, { ...ask, ...body })).body.error.message as string;

  it('says that a budget is used up only if it is', async () => {
    const key = await gateway.createKey({ key_alias: 'spender', max_budget: 0.01 });
    upstream.behave = () => ({ completionTokens: 10 });
    expect((await call(key)).status).toBe(200);
    expect(await sentence(key)).toBe(
      'ExceededBudget: Key=spender over budget. Spend=0.01, Budget=0.01; this call needs up to 0.01.',
    );
  });

  it('says what a call needs of what is left, and what would help', async () => {
    const tools = { tools: [{ type: 'function', function: { name: 'f' } }] };
    const key = await gateway.createKey({ key_alias: 'saver', max_budget: 0.4, budget_duration: '30d' });
    const text = await sentence(key, { max_tokens: 2_000, ...tools });
    expect(text).toMatch(/^ExceededBudget: Key=saver has 0\.4 left of its 30d budget, and this call needs up to 0\.5\. Spend=0, Budget=0\.4\. The budget resets at \d{4}-/); // prettier-ignore
    expect(text).toContain('Lower the output limit of the call (max_tokens; with thinking also thinking.budget_tokens), or raise the budget.'); // prettier-ignore
    expect(text).not.toContain('over');
  });

  it('tells Claude’s user that the key is fine and the model is not', async () => {
    const key = await gateway.createKey({ models: ['m-out'] });
    const { status, body } = await gateway.as(key, 'POST', MESSAGES, { ...ask, model: 'm-claude' });
    expect([status, body.error.message]).toEqual([403, expect.stringMatching(/ not allowed to call model=m-claude\. Allowed key models = \[m-out\]\. The credential is valid: only the model is refused\.$/)]); // prettier-ignore
  });

  it('tells Codex’s user which line turns its web search off', async () => {
    const key = await gateway.createKey({ max_budget: 5 });
    const { status, body } = await gateway.as(key, 'POST', '/v1/responses', {
      model: 'm-out',
      input: 'a',
      tools: [{ type: 'web_search', external_web_access: true }],
    });
    expect([status, body.error.message]).toEqual([403, expect.stringContaining('Leave it out (Codex: `web_search = "disabled"`')]); // prettier-ignore
  });
});
