import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectBalancedLedger, total } from '../harness/ledger-reader.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { type Behaviour, Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: { general_settings: { budget_wait_ms: 50, min_output_tokens: 5, default_hold_tokens: 20 } },
  });
});
afterAll(() => closeAll(gateway, upstream));

const ENDINGS: Behaviour[] = [
  {},
  { completionTokens: 1 },
  { status: 500 },
  { status: 429 },
  { reset: true },
  { rawBody: 'no json' },
  { usage: null },
  { tokensBefore: 3, ending: 'reset' },
  { tokensBefore: 3, ending: 'end' },
];

/** Runs everything at the same time, from a seed: callers, disconnects, ends of upstreams, and changes by admins. */
describe('whatever happens at the same time', () => {
  it.each([1, 2, 3])('money adds up, limits hold and nothing stays held (seed %i)', async (seed) => {
    const pick = fc.sample(fc.nat(1_000_000), { seed, numRuns: 4_000 });
    let next = 0;
    const random = (below: number) => pick[next++ % pick.length]! % below;
    upstream.behave = () => ENDINGS[random(ENDINGS.length)]!;

    const id = `chaos-${seed}`;
    await gateway.create('/organization/new', { organization_id: id, organization_alias: id, max_budget: 2 });
    await gateway.create('/team/new', { team_id: id, organization_id: id, max_budget: 1.5 });
    await gateway.create('/user/new', {
      user_id: id,
      auto_create_key: false,
      max_budget: 1.2,
      max_parallel_requests: 12,
    });
    const key = await gateway.createKey({
      user_id: id,
      team_id: id,
      max_budget: 1,
      budget_duration: '1mo',
      budget_limits: [{ budget_duration: '1d', max_budget: 0.9 }],
      model_max_budget: { 'm-out': 0.8 },
      // More than all calls can use: a call that ends without usage counts its whole bound for a minute.
      tpm_limit: 100_000_000,
    });

    const caller = async () => {
      for (let i = 0; i < 25; i++) {
        const leaving = random(6) === 0 ? AbortSignal.timeout(1 + random(20)) : null;
        await fetch(`${gateway.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}` },
          signal: leaving,
          body: JSON.stringify({
            model: ['m-out', 'm-deny', 'm-free', 'm-in'][random(4)],
            messages: [],
            stream: random(2) === 0,
            ...(random(4) > 0 && { max_tokens: 1 + random(60) }),
            ...(random(5) === 0 && { n: 1 + random(3) }),
            ...(random(4) === 0 && { fallbacks: ['m-out', 'm-free'] }),
          }),
        })
          .then((answer) => answer.text())
          .catch(() => 'left');
      }
    };
    const administrator = async () => {
      for (const change of [
        { budget_duration: '90d' },
        { budget_limits: [{ budget_duration: '2d', max_budget: 0.9 }] },
        { budget_duration: '1mo', max_budget: 0.95 },
        { model_max_budget: { 'm-out': 0.8, 'm-deny': 0.5 } },
        { tpm_limit: 90_000_000 },
        { budget_duration: null },
        { budget_duration: '1mo' },
      ])
        await gateway.create('/key/update', { key, ...change });
    };
    await Promise.all([...Array.from({ length: 16 }, caller), administrator()]);

    const books = await gateway.books();
    expectBalancedLedger(books);
    expect(books.entries.some(({ mark }) => mark === 'overrun')).toBe(false);
    expect(total(books, ({ mark }) => mark !== 'adjustment')).toBeGreaterThan(0n);
    for (const [path, limit] of [
      [`/team/info?team_id=${id}`, 1.5],
      [`/user/info?user_id=${id}`, 1.2],
      [`/organization/info?organization_id=${id}`, 2],
    ] as const) {
      const { body } = await gateway.admin('GET', path);
      const { spend } = body.team_info ?? body.user_info ?? body;
      expect(spend).toBeLessThanOrEqual(limit);
    }
    expect(await gateway.spendOf(key)).toBeLessThanOrEqual(0.95);
    expect(gateway.verifyLedger().code).toBe(0);
    await eventually(async () => {
      const { text } = await gateway.admin('GET', '/metrics');
      expect(text).toContain('tollgate_held_usd 0\n');
      expect(text).toContain('tollgate_calls_in_flight 0\n');
    });
    upstream.behave = () => ({});
    // Redis records the end of a call after the client has its response.
    await eventually(async () => {
      const after = await Promise.all(
        Array.from({ length: 12 }, () => gateway.chat(key, { model: 'm-free', max_tokens: 1 })),
      );
      expect(after.map(({ status }) => status)).toEqual(Array(12).fill(200));
    });
  });
});
