import { afterEach, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway, model, testModels } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function started(settings: object, config: object = {}) {
  const upstream = await Upstream.start();
  const gateway = await Gateway.start({
    upstream,
    config: { general_settings: { max_upstream_connections: 2, ...settings }, ...config },
  });
  cleanups.push(() => closeAll(gateway, upstream));
  return { upstream, gateway };
}

async function figure(gateway: Gateway, name: string): Promise<number> {
  const { text } = await gateway.admin('GET', '/metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

const waitingCalls = (gateway: Gateway, count: number) =>
  eventually(async () => expect(await figure(gateway, 'tollgate_upstream_queue_calls')).toBe(count));

const CALL = { model: 'm-out', max_tokens: 100 };

describe('calls beyond the connections to their upstream', () => {
  it.each([false, true])('wait their turn, and none waits for ever (stream: %s)', async (stream) => {
    const { upstream, gateway } = await started({ upstream_queue_ms: 60_000 });
    const key = await gateway.createKey({ max_budget: 100 });
    upstream.hold();
    const calls = Array.from({ length: 8 }, () => gateway.chat(key, { ...CALL, stream }));
    await waitingCalls(gateway, 6);
    expect(upstream.calls).toHaveLength(2);
    upstream.release();
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    await waitingCalls(gateway, 0);
    expect(await figure(gateway, 'tollgate_upstream_queue_seconds_count')).toBe(6);
  });

  it('are asked about again when they have one: who was blocked meanwhile is not forwarded, and pays nothing', async () => {
    const { upstream, gateway } = await started({ upstream_queue_ms: 60_000 });
    const [other, key] = [
      await gateway.createKey(),
      await gateway.createKey({ max_budget: 1, rpm_limit: 5 }),
    ];
    upstream.hold();
    const first = [gateway.chat(other, CALL), gateway.chat(other, CALL)];
    await upstream.arrived(2);
    const late = gateway.chat(key, CALL);
    await waitingCalls(gateway, 1);
    await gateway.create('/key/block', { key });
    upstream.release();
    expect((await late).status).toBe(401);
    await Promise.all(first);
    expect(upstream.calls).toHaveLength(2);
    expect(await gateway.spendOf(key)).toBe(0);
    const { entries, held } = await gateway.books();
    expect(entries.map(({ state }) => state).toSorted()).toEqual(['released', 'settled', 'settled']);
    expect([...held.values()].every((amount) => amount === 0n)).toBe(true);
    // The connection is free for the next call.
    expect((await Promise.all([gateway.chat(other, CALL), gateway.chat(other, CALL)])).map((a) => a.status)).toEqual([200, 200]); // prettier-ignore
  });

  it('are told to come again when none is free in time: nothing was sent, nothing is held, no limit is taken', async () => {
    const { upstream, gateway } = await started({ upstream_queue_ms: 1_200 });
    const [other, key] = [
      await gateway.createKey(),
      await gateway.createKey({ max_budget: 0.1, rpm_limit: 1 }),
    ];
    upstream.hold();
    const first = [gateway.chat(other, CALL), gateway.chat(other, CALL)];
    await upstream.arrived(2);
    const response = await gateway.chat(key, CALL);
    expect([response.status, response.headers['retry-after'], response.body.error.type]).toEqual([
      503,
      '1',
      'service_unavailable',
    ]);
    expect(await figure(gateway, 'tollgate_shed_total{reason="upstream_queue"}')).toBe(1);
    expect(await figure(gateway, 'tollgate_upstream_queue_slow_total')).toBe(1);
    upstream.release();
    await Promise.all(first);
    // The budget and the one request per minute are still unused.
    expect((await gateway.chat(key, CALL)).status).toBe(200);
    expect(upstream.calls).toHaveLength(3);
  });

  it('go to another provider that has one', async () => {
    const spare = await Upstream.start();
    cleanups.push(() => spare.close());
    const upstream = await Upstream.start();
    const price = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
    const gateway = await Gateway.start({
      upstream,
      config: {
        general_settings: { max_upstream_connections: 1, upstream_queue_ms: 300 },
        model_list: [...testModels(upstream.url), model('m-spare', spare.url, price)],
        router_settings: { fallbacks: [{ 'm-out': ['m-spare'] }], num_retries: 5 },
      },
    });
    cleanups.push(() => closeAll(gateway, upstream));
    const key = await gateway.createKey({ max_budget: 100 });
    upstream.hold();
    const first = gateway.chat(key, CALL);
    await upstream.arrived(1);
    expect((await gateway.chat(key, CALL)).status).toBe(200);
    expect(spare.calls).toHaveLength(1);
    upstream.release();
    expect((await first).status).toBe(200);
  });

  it('of clients that leave are forgotten', async () => {
    const { upstream, gateway } = await started({ upstream_queue_ms: 60_000 });
    const key = await gateway.createKey({ max_budget: 100 });
    upstream.hold();
    const first: Promise<Answer>[] = [gateway.chat(key, CALL), gateway.chat(key, CALL)];
    await upstream.arrived(2);
    const leaving = new AbortController();
    const gone = fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...CALL, messages: [{ role: 'user', content: 'hi' }] }),
      signal: leaving.signal,
    }).catch(() => undefined);
    await waitingCalls(gateway, 1);
    leaving.abort();
    await gone;
    await waitingCalls(gateway, 0);
    upstream.release();
    await Promise.all(first);
    expect(upstream.calls).toHaveLength(2);
  });
});
