import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const free = { input_cost_per_token: 0, output_cost_per_token: 0 };
  gateway = await Gateway.start({
    upstream,
    config: {
      general_settings: { global_max_parallel_requests: 2 },
      model_list: [model('free', upstream.url, free), model('gone', 'http://127.0.0.1:9/v1', free)],
    },
  });
});
afterAll(() => closeAll(gateway, upstream));

const shed = async () =>
  Number(
    /^tollgate_shed_total\{reason="parallel_requests"\} (\d+)$/m.exec(
      (await gateway.admin('GET', '/metrics')).text,
    )![1],
  );

/** Starts a call whose head was accepted. `finish` sends its body and returns the status. */
async function begun(key: string): Promise<{ finish: () => Promise<number> }> {
  const call = request(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, expect: '100-continue' },
  });
  const answer = once(call, 'response') as Promise<[IncomingMessage]>;
  call.flushHeaders();
  await once(call, 'continue');
  return {
    finish: async () => {
      call.end('{"model": "free", "messages": []}');
      const [response] = await answer;
      response.resume();
      return response.statusCode!;
    },
  };
}

describe('a process that is full', () => {
  it('refuses further calls at once, and only calls of models', async () => {
    const key = await gateway.createKey();
    const call = () => gateway.chat(key, { model: 'free' });
    const before = await shed();
    upstream.hold();
    const calls = [call(), call()];
    await upstream.arrived(2);
    const stranger = gateway.send('POST', '/v1/engines/free/chat/completions', '{"not');
    for (const { status, headers, body } of await Promise.all([call(), stranger])) {
      expect([status, headers['retry-after']]).toEqual([503, '1']);
      expect(body.error).toMatchObject({
        type: 'service_unavailable',
        code: '503',
        details: { request_id: headers['x-request-id'] },
      });
    }
    for (const path of ['/health/liveliness', '/health/readiness', '/v1/models', `/key/info?key=${key}`])
      expect((await gateway.admin('GET', path)).status).toBe(200);
    expect((await shed()) - before).toBe(2);
    expect(upstream.calls.length).toBe(2);
    upstream.release();
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await call()).status).toBe(200);
    expect(gateway.logs).not.toContain('503');
  });

  it('takes no more than it may of those that were let in while it had room', async () => {
    const key = await gateway.createKey();
    const before = [upstream.calls.length, await shed()] as const;
    upstream.hold();
    const calls = await Promise.all(Array.from({ length: 6 }, () => begun(key)));
    const statuses = calls.map(({ finish }) => finish());
    await upstream.arrived(before[0] + 2);
    await expect.poll(shed).toBe(before[1] + 4);
    upstream.release();
    expect((await Promise.all(statuses)).toSorted()).toEqual([200, 200, 503, 503, 503, 503]);
    expect(upstream.calls.length).toBe(before[0] + 2);
  });
});

describe('/health', () => {
  const health = async (query = '') => (await gateway.admin('GET', `/health${query}`)).body;

  it('tells which deployments failed their last call, and calls none', async () => {
    const key = await gateway.createKey();
    const counts = async () => {
      const { healthy_count, unhealthy_count } = await health();
      return [healthy_count, unhealthy_count];
    };
    expect(await counts()).toEqual([2, 0]);
    expect((await gateway.chat(key, { model: 'gone' })).status).toBe(502);
    // The provider refuses the gateway's key, not the caller's.
    upstream.behave = () => ({ status: 401, errorBody: { error: { message: 'what a client said' } } });
    expect((await gateway.chat(key, { model: 'free' })).status).toBe(502);
    const seen = upstream.calls.length;
    expect(await health('?model=free')).toEqual({
      healthy_endpoints: [],
      unhealthy_endpoints: [
        {
          model: 'openai/up-free',
          model_name: 'free',
          model_id: 'd-free',
          error: 'The last call ended with status 401.',
          failed_at: expect.any(String),
        },
      ],
      healthy_count: 0,
      unhealthy_count: 1,
    });
    expect(upstream.calls.length).toBe(seen);
    upstream.behave = () => ({ status: 400 });
    expect((await gateway.chat(key, { model: 'free' })).status).toBe(400);
    expect(await counts()).toEqual([1, 1]);
    expect((await health('?model_id=d-gone')).unhealthy_endpoints[0].error).toContain('502');
  });

  it('is no stranger’s and no key’s', async () => {
    expect((await gateway.send('GET', '/health')).status).toBe(401);
    expect((await gateway.as(await gateway.createKey(), 'GET', '/health')).status).toBe(403);
  });
});
