import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';
import { withinTime } from '../harness/within-time.js';

/** Proves that a hold counts on the limits of its own time, even if windows close or increases end while calls wait or fail. */

const price = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m-out', upstream.url, price),
        model('retried', upstream.url, price, { max_retries: 1 }),
      ],
      general_settings: { budget_wait_ms: 20_000, budget_clamp: false },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
afterEach(() => {
  upstream.release();
  upstream.behave = () => ({});
});

const chat = (key: string, max_tokens: number, name = 'm-out') =>
  gateway.chat(key, { model: name, max_tokens });
/** Starts a call that has arrived at the upstream and stays there until `release`. */
async function underWay(key: string, max_tokens: number, name?: string) {
  const seen = upstream.calls.length;
  upstream.hold();
  const over = chat(key, max_tokens, name);
  await upstream.arrived(seen + 1);
  return { over };
}
const inFlight = async (count: number) =>
  eventually(async () =>
    expect((await gateway.admin('GET', '/metrics')).text).toContain(`tollgate_calls_in_flight ${count}`),
  );
const until = (instant: string) =>
  new Promise((done) => setTimeout(done, Math.max(0, Date.parse(instant) - Date.now()) + 100));
const windowEnd = async (key: string) =>
  (await gateway.admin('GET', `/key/info?key=${key}`)).body.info.budget_reset_at as string;

describe('a budget window that closes', () => {
  it('while a call is under way is not what its next attempt is billed to', async () => {
    const key = await gateway.createKey({ max_budget: 0.01, budget_duration: '2s' });
    const first = await underWay(key, 10, 'retried');
    const end = await windowEnd(key);
    await until(end);
    let failures = 1;
    upstream.behave = () => (failures-- > 0 ? { status: 500 } : {});
    upstream.release();
    expect((await first.over).status).toBe(200);
    const hash = createHash('sha256').update(key).digest('hex');
    await gateway.books();
    const billed = await gateway.sql(
      `SELECT a.window_start AS start FROM ledger_entries e JOIN chains c ON c.id = e.chain_id
       JOIN postings p ON p.chain_id = c.id JOIN accounts a ON a.id = p.account_id
       WHERE c.key_hash = '${hash}' AND a.window_id <> 'endless' AND e.cost_nano_usd > 0`,
    );
    expect(billed.map(({ start }) => Number(start) >= Date.parse(end))).toEqual([true]);
  });

  it('while a call waits for it makes room for it', async () => {
    const key = await gateway.createKey({ max_budget: 0.01, budget_duration: '2s' });
    const first = await underWay(key, 10);
    const second = chat(key, 10);
    await until(await windowEnd(key));
    upstream.release();
    expect([(await first.over).status, (await second).status]).toEqual([200, 200]);
  });

  it('while a call waits for somebody else lets it wait for the next one, too', async () => {
    const user_id = 'who-pays-for-both';
    await gateway.create('/user/new', { user_id, max_budget: 0.01, auto_create_key: false });
    const [other, key] = [await gateway.createKey({ user_id }), await gateway.createKey({ user_id, max_budget: 1, budget_duration: '2s' })]; // prettier-ignore
    upstream.behave = () => ({ completionTokens: 0 });
    const first = await underWay(other, 10);
    const waiting = chat(key, 10);
    await inFlight(2);
    const next = chat(other, 10);
    await inFlight(3);
    await until(await windowEnd(key));
    const seen = upstream.calls.length;
    upstream.release();
    // The waiting call is first, but its window has closed. While it asks again, the next call takes the money it gave back.
    upstream.hold();
    await upstream.arrived(seen + 1);
    upstream.release();
    const statuses = [await first.over, await waiting, await next].map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 200]);
  });
});

it('an increase that ends while a call waits pays for nothing any more', async () => {
  upstream.behave = () => ({ completionTokens: 5 });
  await withinTime(1_500, async (end) => {
    const temp_budget_expiry = end.toISOString();
    const key = await gateway.createKey({ max_budget: 0.01, temp_budget_increase: 0.01, temp_budget_expiry });
    const seen = upstream.calls.length;
    upstream.hold();
    const first = chat(key, 15);
    const isHeld = await Promise.race([upstream.arrived(seen + 1).then(() => true), first.then(() => false)]);
    if (!isHeld) return false;
    const second = chat(key, 10);
    await Promise.race([inFlight(2), second]);
    const isInTime = new Date() < end;
    await until(temp_budget_expiry);
    upstream.release();
    expect([(await first).status, (await second).status]).toEqual([200, 429]);
    if (!isInTime) return false;
    expect((await chat(key, 5)).status).toBe(200);
    return true;
  });
});
