import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;

/** USD of a token: a thousand of them cost a cent. */
const PRICED = { input_cost_per_token: 0.00001, output_cost_per_token: 0.00001 };
const FREE = { input_cost_per_token: 0, output_cost_per_token: 0 };

beforeAll(async () => {
  upstream = await Upstream.start();
  const entry = (model_name: string, model: string, model_info: object) => ({
    model_name,
    litellm_params: { model, api_key: 'sk-x', api_base: upstream.url },
    model_info,
  });
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        entry('m-plain', 'groq/plain', PRICED),
        entry('m-free', 'groq/free', FREE),
        entry('m-cheap', 'openai/cheap', PRICED),
        entry('any/*', 'openai/*', PRICED),
        entry('m-two', 'openai/cheap', PRICED),
        entry('m-two', 'groq/plain', PRICED),
        entry('m-unpriced', 'groq/unheard-of', {}),
      ],
      litellm_settings: {
        cost_discount_config: { openai: 0.5, 'openai/gpt-*': 0.25 },
        cost_margin_config: { global: { percentage: 0.1, fixed_amount: 0.001 }, openai: 0.2 },
      },
    },
  });
  for (const path of [DISCOUNTS, MARGINS])
    IN_FILE[path] = (await gateway.admin('GET', path)).body.values as object;
});
afterAll(() => closeAll(gateway, upstream));

const DISCOUNTS = '/config/cost_discount_config';
const MARGINS = '/config/cost_margin_config';
const IN_FILE: Record<string, object> = {};
const patch = (path: string, values: unknown) => gateway.admin('PATCH', path, values);

beforeEach(async () => {
  upstream.behave = () => ({ promptTokens: 600, completionTokens: 400 });
  for (const path of [DISCOUNTS, MARGINS]) await patch(path, IN_FILE[path]);
});

const call = async (model: string, key?: string) => {
  const caller = key ?? (await gateway.createKey({ max_budget: 100 }));
  const { status, headers } = await gateway.chat(caller, {
    model,
    max_tokens: 400,
    messages: [{ role: 'user', content: 'x'.repeat(600) }],
  });
  return { status, headers, key: caller };
};
const lastLog = async (key: string) => {
  const { body } = await gateway.admin('GET', `/spend/logs?api_key=${key}`);
  return (body as unknown as { spend: number; metadata: Record<string, unknown> }[])[0]!;
};
const costHeaders = (headers: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith('x-litellm-response-cost'))
      .map(([name, value]) => [name.replace('x-litellm-response-cost', 'cost'), Number(value)]),
  );

describe('discounts and margins', () => {
  it('are those of the configuration file, until an admin changes them', () => {
    expect(IN_FILE).toEqual({
      [DISCOUNTS]: { openai: 0.5, 'openai/gpt-*': 0.25 },
      [MARGINS]: { global: { percentage: 0.1, fixed_amount: 0.001 }, openai: 0.2 },
    });
  });

  it.each([
    // A cent by the list price.
    ['m-plain', 0.012],
    ['m-cheap', 0.006],
    ['any/gpt-x', 0.009],
    ['any/o-x', 0.006],
    ['m-free', 0.001],
  ])(
    'make the cost of a call of %s %s USD: in its header, in the ledger, on the key',
    async (model, cost) => {
      const { status, headers, key } = await call(model);
      expect([status, Number(headers['x-litellm-response-cost'])]).toEqual([200, cost]);
      await gateway.books();
      expect(await gateway.spendOf(key)).toBe(cost);
      expect((await lastLog(key)).spend).toBe(cost);
    },
  );

  it('are told in the headers and in the entry, beside the cost by the list price and its parts', async () => {
    await patch(DISCOUNTS, { groq: 0.5 });
    const { headers, key } = await call('m-plain');
    expect(costHeaders(headers)).toEqual({
      cost: 0.0065,
      'cost-original': 0.01,
      'cost-discount-amount': 0.005,
      'cost-margin-amount': 0.0015,
      'cost-margin-percent': 0.1,
      'cost-input': 0.006,
      'cost-output': 0.004,
    });
    await gateway.books();
    expect((await lastLog(key)).metadata.cost_breakdown).toEqual({
      original_cost: 0.01,
      discount_percent: 0.5,
      discount_amount: 0.005,
      margin_percent: 0.1,
      margin_fixed_amount: 0.001,
      margin_total_amount: 0.0015,
      total_cost: 0.0065,
    });
  });

  it('leave no trace where there are none', async () => {
    await patch(DISCOUNTS, {});
    await patch(MARGINS, {});
    const { headers, key } = await call('m-plain');
    expect(costHeaders(headers)).toEqual({ cost: 0.01, 'cost-original': 0.01, 'cost-input': 0.006, 'cost-output': 0.004 }); // prettier-ignore
    await gateway.books();
    expect((await lastLog(key)).metadata.cost_breakdown).toBeNull();
  });

  it('are in the bound: a budget for the list price lets no call of a dearer one pass, and is never overspent', async () => {
    await patch(MARGINS, { global: { fixed_amount: 0.5 } });
    const poor = await gateway.createKey({ max_budget: 0.4 });
    expect((await call('m-plain', poor)).status).toBe(429);
    // A free model with an amount for each call is not free.
    expect((await call('m-free', poor)).status).toBe(429);
    await patch(MARGINS, {});
    expect((await call('m-free', poor)).status).toBe(200);
    expect((await call('m-plain', poor)).status).toBe(200);
    await patch(MARGINS, { global: { fixed_amount: 0.5 } });
    const rich = await gateway.createKey({ max_budget: 0.6 });
    expect((await call('m-free', rich)).status).toBe(200);
    expect((await call('m-free', rich)).status).toBe(429);
    await gateway.books();
    expect(await gateway.spendOf(rich)).toBe(0.5);
  });

  it('of a call under way are those of its hold', async () => {
    const key = await gateway.createKey({ max_budget: 1 });
    const before = upstream.calls.length;
    upstream.hold();
    const underWay = call('m-plain', key);
    await upstream.arrived(before + 1);
    await patch(MARGINS, { global: 10 });
    upstream.release();
    expect((await underWay).headers['x-litellm-response-cost']).toBe('0.012');
    expect((await call('m-plain', key)).headers['x-litellm-response-cost']).toBe('0.11');
    await gateway.books();
  });

  it('outlive a restart, and replace those of the file whole', async () => {
    await patch(DISCOUNTS, { 'groq/plain': 0.9 });
    await patch(MARGINS, {});
    await gateway.terminate();
    await gateway.restart();
    expect((await gateway.admin('GET', DISCOUNTS)).body.values).toEqual({ 'groq/plain': 0.9 });
    expect((await gateway.admin('GET', MARGINS)).body.values).toEqual({});
    expect((await call('m-plain')).headers['x-litellm-response-cost']).toBe('0.001');
    expect((await call('m-cheap')).headers['x-litellm-response-cost']).toBe('0.01');
  });

  it.each([
    [DISCOUNTS, { nobody: 0.1 }, 'nobody'],
    [DISCOUNTS, { openai: 1.5 }, 'openai'],
    [DISCOUNTS, { openai: 'half' }, 'openai'],
    [DISCOUNTS, { 'openai/': 0.1 }, 'openai/'],
    [MARGINS, { openai: {} }, 'openai'],
    [MARGINS, { openai: { percentage: 11 } }, 'openai.percentage'],
    [MARGINS, { global: { fixed_amount: -1 } }, 'global.fixed_amount'],
    [MARGINS, { 'openai/gpt-4o': 0.1 }, 'openai/gpt-4o'],
  ])('%s with %o is 400 and changes nothing', async (path, values, param) => {
    const { status, body } = await patch(path, values);
    expect([status, body.error.param]).toEqual([400, param]);
    expect((await gateway.admin('GET', path)).body.values).toEqual(IN_FILE[path]);
  });

  it('are shown to viewers, changed by proxy admins only, and in the audit log', async () => {
    const viewer = await gateway.create('/user/new', { user_role: 'proxy_admin_viewer' });
    const user = await gateway.create('/user/new', { user_role: 'internal_user' });
    const statuses = async (key: unknown) => [
      (await gateway.as(key as string, 'GET', DISCOUNTS)).status,
      (await gateway.as(key as string, 'PATCH', DISCOUNTS, {})).status,
    ];
    expect(await statuses(viewer.key)).toEqual([200, 403]);
    expect(await statuses(user.key)).toEqual([403, 403]);
    await patch(DISCOUNTS, { openai: 0.125 });
    const { body } = await gateway.admin('GET', '/audit?table_name=LiteLLM_Config&page_size=1');
    expect(JSON.stringify(body)).toContain('0.125');
  });

  it('of a deployment are shown to proxy admins, and to nobody else', async () => {
    const infoOf = async (key: string) =>
      (
        (await gateway.as(key, 'GET', '/model/info')).body.data as {
          model_name: string;
          model_info: Record<string, unknown>;
        }[]
      ).find(({ model_name }) => model_name === 'm-plain')!.model_info;
    await patch(DISCOUNTS, { 'groq/plain': 0.25 });
    expect(await infoOf(gateway.masterKey)).toMatchObject({
      ...PRICED,
      cost_discount: 0.25,
      cost_margin: { percentage: 0.1, fixed_amount: 0.001 },
    });
    const own = await infoOf(await gateway.createKey());
    expect(own).toMatchObject(PRICED);
    expect(Object.keys(own).filter((name) => /discount|margin/.test(name))).toEqual([]);
    const groupOf = async (key: string, name: string) =>
      ((await gateway.as(key, 'GET', `/model_group/info?model_group=${name}`)).body.data as object[])[0]!;
    expect(await groupOf(gateway.masterKey, 'm-plain')).toMatchObject({
      ...PRICED,
      cost_discount: 0.25,
      cost_margin: { percentage: 0.1, fixed_amount: 0.001 },
    });
    // Of several deployments the least discount and the largest margin.
    expect(await groupOf(gateway.masterKey, 'm-two')).toMatchObject({
      cost_discount: 0,
      cost_margin: { percentage: 0.2, fixed_amount: 0.001 },
    });
    expect(Object.keys(await groupOf(await gateway.createKey(), 'm-plain')).join()).not.toMatch(
      /cost_discount|cost_margin|price_sources/,
    );
  });

  it('are not in the prices that models have', async () => {
    const { body } = await gateway.admin('GET', '/model_group/info?model_group=m-cheap');
    expect(body.data).toMatchObject([PRICED]);
    const key = await gateway.createKey();
    const own = await gateway.as(key, 'GET', '/model/info');
    expect(own.body.data).toContainEqual(expect.objectContaining({ model_name: 'm-cheap', model_info: expect.objectContaining(PRICED) })); // prettier-ignore
  });
});

describe('/cost/estimate', () => {
  const estimate = (body: object) => gateway.admin('POST', '/cost/estimate', body);

  it('tells what calls cost, a day and a month of them, by parts', async () => {
    const { status, body } = await estimate({
      model: 'm-plain',
      input_tokens: 600,
      output_tokens: 400,
      reasoning_tokens: 100,
      cache_read_input_tokens: 200,
      num_requests_per_day: 10,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      model: 'm-plain',
      provider: 'groq',
      cost_per_request: 0.012,
      input_cost_per_request: 0.006,
      output_cost_per_request: 0.004,
      discount_cost_per_request: 0,
      margin_cost_per_request: 0.002,
      cache_read_cost_per_request: 0.002,
      reasoning_cost_per_request: 0.001,
      daily_cost: 0.12,
      daily_margin_cost: 0.02,
      monthly_cost: null,
      num_requests_per_month: null,
      input_cost_per_token: 0.00001,
      cache_read_input_token_cost: null,
    });
  });

  it('is what the call then costs, at the dearest deployment', async () => {
    const { body } = await estimate({ model: 'm-two', input_tokens: 600, output_tokens: 400 });
    expect(body).toMatchObject({ provider: 'groq', cost_per_request: 0.012 });
    const cheap = await estimate({ model: 'm-cheap', input_tokens: 600, output_tokens: 400 });
    expect(cheap.body).toMatchObject({ cost_per_request: 0.006, discount_cost_per_request: 0.005, margin_cost_per_request: 0.001 }); // prettier-ignore
  });

  it('knows public prices of models that are not served, at the terms in force, for admins', async () => {
    const body = { model: 'gpt-4o-mini', input_tokens: 1_000_000, output_tokens: 0 };
    // 0.15 USD by OpenAI's list, a quarter less, a fifth more.
    expect((await estimate(body)).body).toMatchObject({ provider: 'openai', cost_per_request: 0.135 });
    const { key } = await gateway.create('/user/new', { user_role: 'internal_user' });
    expect((await gateway.as(key as string, 'POST', '/cost/estimate', body)).status).toBe(403);
  });

  it('tells a user the prices of models that its key may call, and of no other', async () => {
    const { user_id } = await gateway.create('/user/new', { user_role: 'internal_user' });
    const key = await gateway.createKey({ user_id, models: ['m-plain'] });
    const ask = (model: string) => gateway.as(key, 'POST', '/cost/estimate', { model, input_tokens: 1, output_tokens: 1 }); // prettier-ignore
    expect((await ask('m-plain')).status).toBe(200);
    for (const model of ['m-cheap', 'm-nowhere', 'm-unpriced']) {
      const { status, body } = await ask(model);
      expect([status, body.error.param]).toEqual([403, 'model']);
    }
  });

  it.each([
    [{ model: 'm-unpriced', input_tokens: 1, output_tokens: 1 }, 404, 'model'],
    [{ model: 'm-nowhere', input_tokens: 1, output_tokens: 1 }, 404, 'model'],
    [{ model: 'm-plain', input_tokens: -1, output_tokens: 1 }, 422, 'input_tokens'],
    [{ model: 'm-plain', input_tokens: 1.5, output_tokens: 1 }, 422, 'input_tokens'],
    [{ model: 'm-plain', input_tokens: 1 }, 422, 'output_tokens'],
    [{ input_tokens: 1, output_tokens: 1 }, 422, 'model'],
    [{ model: 'm-plain', input_tokens: 1, output_tokens: 1, cache_read_input_tokens: 2 }, 422, 'cache_read_input_tokens'],
    [{ model: 'm-plain', input_tokens: 1, output_tokens: 1, reasoning_tokens: 2 }, 422, 'reasoning_tokens'],
  ])('%o is %i and names %s', async (body, status, field) => {
    const answer = await estimate(body);
    expect([answer.status, answer.body.error.message]).toEqual([status, expect.stringContaining(field)]);
  }); // prettier-ignore
});
