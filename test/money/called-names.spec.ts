import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: { general_settings: { budget_clamp: false, max_new_names_per_key_per_day: 5 } },
  });
});
afterAll(async () => {
  expectBalancedLedger(await gateway.books());
  await gateway.close();
  await upstream.close();
});
let serial = 0;
let name: string;
let key: string;
beforeEach(async () => {
  name = `name-${++serial}`;
  key = await gateway.createKey();
});

const MODEL = { model: 'm-out', max_tokens: 10 };
const info = async (path: string) => gateway.admin('GET', path);

/** Kinds of parties that a call names. */
const KINDS = [
  {
    kind: 'end_user',
    call: (by: string, of = name) => gateway.chat(by, { ...MODEL, user: of }),
    spend: async (of = name) => (await info(`/customer/info?end_user_id=${of}`)).body.spend,
    create: (fields: object) => gateway.admin('POST', '/customer/new', { user_id: name, ...fields }),
    update: (fields: object) => gateway.create('/customer/update', { user_id: name, ...fields }),
    remove: () => gateway.create('/customer/delete', { user_ids: [name] }),
  },
  {
    kind: 'tag',
    call: (by: string, of = name) => gateway.chat(by, { ...MODEL, tags: [of] }),
    spend: async (of = name) => (await gateway.admin('POST', '/tag/info', { names: [of] })).body[of]?.spend,
    create: (fields: object) => gateway.admin('POST', '/tag/new', { name, ...fields }),
    update: (fields: object) => gateway.create('/tag/update', { name, ...fields }),
    remove: () => gateway.create('/tag/delete', { name }),
  },
];

describe.each(KINDS)('a $kind that calls name', ({ kind, call, spend, create, update, remove }) => {
  it('owes from its first call on, so that a budget set later counts all of it', async () => {
    for (let i = 0; i < 3; i++) expect((await call(key)).status).toBe(200);
    expect(await spend()).toBe(0.03);
    await update({ max_budget: 0.035 });
    const refused = await call(key);
    expect({ status: refused.status, type: refused.body.error.type }).toEqual({
      status: 429,
      type: 'budget_exceeded',
    });
    await update({ max_budget: 0.04 });
    expect((await call(key)).status).toBe(200);
    expect(await spend()).toBe(0.04);
  });

  it('is one row with one account, however many first calls come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => call(key)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(await spend()).toBe(0.08);
  });

  it('is taken over by an administrator who makes it later, with what it spent, and only once', async () => {
    await call(key);
    const response = await create({ max_budget: 0.015 });
    expect(response.status).toBe(200);
    expect(await spend()).toBe(0.01);
    expect((await call(key)).status).toBe(429);
    expect((await create({})).status).toBe(409);
  });

  it('goes on with all that was spent when it was deleted between two calls', async () => {
    await call(key);
    await remove();
    expect((await call(key)).status).toBe(200);
    expect(await spend()).toBe(0.02);
    await remove();
    expect((await create({})).status).toBe(200);
    expect(await spend()).toBe(0.02);
  });

  it('gets no row beyond as many as one key may make in a day, and begins with its debt when it is made', async () => {
    for (let i = 0; i < 5; i++) expect((await call(key, `${name}-${i}`)).status).toBe(200);
    expect((await call(key)).status).toBe(200);
    expect((await call(key)).status).toBe(200);
    expect(await spend()).toBeUndefined();
    // Tags without a row share one chain.
    if (kind === 'tag') {
      await call(key, `${name}-further`);
      const chains = (await gateway.books()).entries.slice(-3).map(({ chainId }) => chainId);
      expect(new Set(chains).size).toBe(1);
    }

    expect((await create({ max_budget: 0.025 })).status).toBe(200);
    expect(await spend()).toBe(0.02);
    expect((await call(key)).status).toBe(429);
    await remove();
    expect((await create({ max_budget: 0.035 })).status).toBe(200);
    expect(await spend()).toBe(0.02);
    expect((await call(key)).status).toBe(200);
    expect(await spend()).toBe(0.03);
  });

  it('gets its row by the next key that names it', async () => {
    for (let i = 0; i < 5; i++) await call(key, `${name}-${i}`);
    await call(key);
    expect(await spend()).toBeUndefined();
    expect((await call(await gateway.createKey())).status).toBe(200);
    expect(await spend()).toBe(0.02);
  });

  it('gets none by a call that the guards refuse', async () => {
    const barred = await gateway.createKey({ models: ['m-free'] });
    expect((await call(barred)).status).toBe(403);
    expect(await spend()).toBeUndefined();
  });
});

it('a budget for everybody counts from the first call of an end user', async () => {
  await gateway.create('/budget/new', { budget_id: 'two-cents', max_budget: 0.02, rpm_limit: 100 });
  const other = await Gateway.start({
    upstream,
    config: {
      general_settings: { budget_clamp: false },
      litellm_settings: { max_end_user_budget_id: 'one-cent' },
    },
  });
  try {
    await other.create('/budget/new', { budget_id: 'one-cent', max_budget: 0.01, rpm_limit: 2 });
    const its = await other.createKey();
    const statuses: number[] = [];
    for (let i = 0; i < 2; i++) statuses.push((await other.chat(its, { ...MODEL, user: 'somebody' })).status);
    expect(statuses).toEqual([200, 429]);
    // An evaluation for a new end user applies the budget that its first call would give it.
    const explained = await other.as(its, 'POST', '/access/v1/evaluation', {
      subject: { type: 'key', id: its },
      action: { name: 'call' },
      resource: { type: 'model', id: 'm-out' },
      context: { body: { max_tokens: 11, user: 'nobody-yet' } },
    });
    expect(explained.body).toMatchObject({ decision: false, context: { code: 'budget_exceeded' } });
    const response = await other.chat(its, { ...MODEL, max_tokens: 11, user: 'nobody-yet' });
    expect(response.body.error).toMatchObject({
      details: explained.body.context.details && { scope: { kind: 'end_user' } },
    });
    const free: number[] = [];
    for (let i = 0; i < 3; i++)
      free.push((await other.chat(its, { model: 'm-free', user: 'a-new-one' })).status);
    expect(free).toEqual([200, 200, 429]);
  } finally {
    expectBalancedLedger(await other.books());
    await other.close();
  }
});
