import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectTrueBooks } from './books.js';
import { Gateway } from './gateway.js';
import { Upstream } from './upstream.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(async () => {
  expectTrueBooks(await gateway.books());
  await gateway.close();
  await upstream.close();
});

const spend = (key: string, tokens: number) => gateway.chat(key, { model: 'm-out', max_tokens: tokens });
const info = async (key: string) => (await gateway.admin('GET', `/key/info?key=${key}`)).body.info;

describe('a budget window', () => {
  it('that is added starts at nothing spent', async () => {
    const key = await gateway.givenKey();
    expect((await spend(key, 50)).status).toBe(200);
    await gateway.made('/key/update', { key, max_budget: 0.05, budget_duration: '1mo' });
    expect((await info(key)).spend).toBe(0);
    expect((await spend(key, 50)).status).toBe(200);
    expect((await spend(key, 1)).status).toBe(429);
    expect((await info(key)).spend).toBe(0.05);
  });

  it('whose duration is changed knows what was spent in it', async () => {
    const key = await gateway.givenKey({ max_budget: 0.1, budget_duration: '1mo' });
    expect((await spend(key, 60)).status).toBe(200);
    for (const budget_duration of ['90d', '3mo', '2w']) {
      await gateway.made('/key/update', { key, budget_duration });
      expect(await info(key)).toMatchObject({ spend: 0.06, budget_duration });
    }
    expect((await spend(key, 50)).status).toBe(429);
    expect((await spend(key, 40)).status).toBe(200);
    expect((await info(key)).spend).toBe(0.1);
  });

  it('that was taken away and given back starts anew', async () => {
    const key = await gateway.givenKey({ max_budget: 0.05, budget_duration: '1mo' });
    expect((await spend(key, 50)).status).toBe(200);
    await gateway.made('/key/update', { key, budget_duration: null });
    expect((await info(key)).spend).toBe(0.05);
    await gateway.made('/key/update', { key, budget_duration: '2mo' });
    expect((await info(key)).spend).toBe(0);
  });

  it('is one of several, and all must have room', async () => {
    const key = await gateway.givenKey({
      max_budget: 1,
      budget_limits: [
        { budget_duration: '1mo', max_budget: 0.1 },
        { budget_duration: '90d', max_budget: 0.05 },
      ],
    });
    expect((await spend(key, 50)).status).toBe(200);
    const { status, body } = await spend(key, 1);
    expect(status).toBe(429);
    expect(body.error.details).toMatchObject({ limit: 0.05, spent: 0.05, window: { duration: '90d' } });
    const limits = (max: number) => [
      { budget_duration: '1mo', max_budget: 0.1 },
      { budget_duration: '91d', max_budget: max },
    ];
    await gateway.made('/key/update', { key, budget_limits: limits(0.05) });
    expect((await spend(key, 1)).body.error.details).toMatchObject({
      spent: 0.05,
      window: { duration: '91d' },
    });
    await gateway.made('/key/update', { key, budget_limits: limits(0.06) });
    expect((await spend(key, 10)).status).toBe(200);
  });
});
