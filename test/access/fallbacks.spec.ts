import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

let upstream: Upstream;
let gateway: Gateway;
const price = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('a', upstream.url, price),
        model('b', upstream.url, price),
        model('dear', upstream.url, { input_cost_per_token: 0, output_cost_per_token: 1 }),
        model('free', upstream.url, { input_cost_per_token: 0, output_cost_per_token: 0 }),
        model('twice', upstream.url, { ...price, id: 'twice-1' }),
        model('twice', 'http://127.0.0.1:9/v1', { ...price, id: 'twice-2' }),
        model('patient', upstream.url, price, { max_retries: 2 }),
      ],
      router_settings: { fallbacks: [{ a: ['b'] }] },
      litellm_settings: { default_fallbacks: ['free'] },
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.behave = () => ({});
});

const asked = async (work: () => Promise<{ status: number }>) => {
  const before = upstream.calls.length;
  const { status } = await work();
  return { status, models: upstream.calls.slice(before).map(({ model: name }) => name) };
};
const failing = (...names: string[]) => {
  upstream.behave = ({ model: name }) => (names.includes(name) ? { status: 500 } : {});
};

describe('when a model fails', () => {
  it('the router’s fallback answers', async () => {
    failing('up-a');
    const key = await gateway.createKey({ max_budget: 1 });
    expect(await asked(() => gateway.chat(key, { model: 'a', max_tokens: 5 }))).toEqual({
      status: 200,
      models: ['up-a', 'up-b'],
    });
    expect(await gateway.spendOf(key)).toBe(0.005);
  });

  it('the client’s fallbacks are used instead of the router’s', async () => {
    failing('up-a');
    const key = await gateway.createKey({ max_budget: 1 });
    expect(await asked(() => gateway.chat(key, { model: 'a', max_tokens: 5, fallbacks: ['free'] }))).toEqual({
      status: 200,
      models: ['up-a', 'up-free'],
    });
  });

  it('a router’s fallback the key may not call is never called', async () => {
    failing('up-a');
    const key = await gateway.createKey({ models: ['a'] });
    expect(await asked(() => gateway.chat(key, { model: 'a', max_tokens: 5 }))).toEqual({
      status: 500,
      models: ['up-a'],
    });
  });

  it('a fallback that does not fit the budget is passed over, and the first failure is told', async () => {
    const key = await gateway.createKey({ max_budget: 0.005 });
    upstream.behave = ({ model: name }) => (name === 'up-a' ? { reset: true } : {});
    const other = await gateway.createKey({ max_budget: 0 });
    expect((await gateway.chat(other, { model: 'b', max_tokens: 5 })).status).toBe(429);
    expect(await asked(() => gateway.chat(key, { model: 'a', max_tokens: 5 }))).toEqual({
      status: 200,
      models: ['up-a', 'up-b'],
    });
  });

  it('a fallback that was passed over is no refusal: the call was not refused', async () => {
    failing('up-a');
    const key = await gateway.createKey({ max_budget: 0.005 });
    const passedOver = await gateway.chat(key, { model: 'a', max_tokens: 5, fallbacks: ['dear'] });
    expect(passedOver.status).toBe(500);
    const refused = await gateway.chat(key, { model: 'dear', max_tokens: 5 });
    expect(refused.status).toBe(429);
    // Lines are written in order.
    await eventually(() => expect(gateway.logs).toContain(refused.headers['x-request-id']));
    const decided = gateway.logs.split('\n').filter((line) => line.includes('"decision"'));
    expect(decided.join()).not.toContain(passedOver.headers['x-request-id']);
  });

  it('its money passes to the fallback, whoever waits for it', async () => {
    const key = await gateway.createKey({ max_budget: 0.005 });
    const before = upstream.calls.length;
    upstream.hold();
    failing('up-a');
    const first = gateway.chat(key, { model: 'a', max_tokens: 5 });
    await upstream.arrived(before + 1);
    const second = gateway.chat(key, { model: 'b', max_tokens: 5 });
    await eventually(async () =>
      expect((await gateway.admin('GET', '/metrics')).text).toContain('tollgate_calls_in_flight 2'),
    );
    upstream.release();
    expect((await first).status).toBe(200);
    expect((await second).status).toBe(429);
    expect(await gateway.spendOf(key)).toBe(0.005);
  });

  it('a bad request is the client’s: nothing else is tried', async () => {
    upstream.behave = () => ({
      status: 400,
      errorBody: { error: { message: 'context too long, key sk-provider-key-of-the-tests' } },
    });
    const key = await gateway.createKey();
    const answer = await gateway.chat(key, { model: 'a', max_tokens: 5 });
    expect(answer.status).toBe(400);
    expect(answer.body.error.message).toContain('context too long');
    expect(answer.text).not.toContain('sk-provider-key');
  });

  it('another deployment of the same name is tried', async () => {
    const key = await gateway.createKey();
    for (let i = 0; i < 10; i++) {
      expect((await gateway.chat(key, { model: 'twice', max_tokens: 1 })).status).toBe(200);
    }
  });

  it('retries as often as it says, one ledger entry each, then the default fallback', async () => {
    upstream.behave = () => ({ status: 503 });
    const key = await gateway.createKey({ max_budget: 1 });
    expect(await asked(() => gateway.chat(key, { model: 'patient', max_tokens: 5 }))).toEqual({
      status: 503,
      models: ['up-patient', 'up-patient', 'up-patient', 'up-free'],
    });
  });
});
