import { afterAll, beforeAll, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

/** A call that holds and costs $0.10. */
const CALL = { model: 'm-out', max_tokens: 100 };

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(() => closeAll(gateway, upstream));

/** Returns the lines of the decision log about a request. */
function linesOf({ headers }: Answer): Record<string, unknown>[] {
  return gateway.logs
    .split('\n')
    .filter((line) => line.includes('"decision"') && line.includes(headers['x-request-id'] as string))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const expectOneLine = (answer: Answer, line: object) =>
  eventually(() => expect(linesOf(answer)).toMatchObject([{ allowed: false, ...line }]));

/** Starts a call that holds all of a budget of $0.10 until `finish`. */
async function allHeld(key: string): Promise<{ finish: () => Promise<Answer> }> {
  const seen = upstream.calls.length;
  upstream.hold();
  const running = gateway.chat(key, CALL);
  await upstream.arrived(seen + 1);
  return {
    finish: () => {
      upstream.release();
      return running;
    },
  };
}

it('tells of whom the guards refuse', async () => {
  const key = await gateway.createKey({ blocked: true });
  await expectOneLine(await gateway.chat(key, CALL), { check: 'keyIsNotBlocked', code: 'key_blocked' });
});

it('tells of a budget that is gone', async () => {
  const key = await gateway.createKey({ max_budget: 0.1 });
  expect((await gateway.chat(key, CALL)).status).toBe(200);
  const line = { check: 'budgetsHaveRoom', code: 'budget_exceeded', retryable: false, model: 'm-out' };
  await expectOneLine(await gateway.chat(key, CALL), line);
});

it('tells of a budget others hold, once it was waited for in vain', async () => {
  const key = await gateway.createKey({ max_budget: 0.1 });
  const { finish } = await allHeld(key);
  await expectOneLine(await gateway.chat(key, CALL), { check: 'budgetsHaveRoom', retryable: true });
  expect((await finish()).status).toBe(200);
});

it('tells of a full rate limit', async () => {
  const key = await gateway.createKey({ rpm_limit: 1 });
  expect((await gateway.chat(key, CALL)).status).toBe(200);
  await expectOneLine(await gateway.chat(key, CALL), { check: 'rateLimitsHaveRoom', retryable: true });
});

it('calls nobody refused who only had to wait', async () => {
  const key = await gateway.createKey({ max_budget: 0.1 });
  const seen = upstream.calls.length;
  upstream.behave = (call) => (upstream.calls.indexOf(call) === seen ? { status: 500 } : {});
  const { finish } = await allHeld(key);
  const waiting = gateway.chat(key, CALL);
  await eventually(async () => {
    const metrics = (await gateway.admin('GET', '/metrics')).text;
    expect(metrics).toMatch(/^tollgate_calls_in_flight 2$/m);
  });
  expect((await finish()).status).toBe(500);
  const answer = await waiting;
  expect(answer.status).toBe(200);
  // Lines are written in order, so this one follows all lines of the earlier call.
  const last = await gateway.createKey({ blocked: true });
  await expectOneLine(await gateway.chat(last, CALL), { code: 'key_blocked' });
  expect(linesOf(answer)).toEqual([]);
});
