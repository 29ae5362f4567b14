import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { manyCalls } from '../harness/many-calls.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;
const start = async (config: Record<string, unknown> = {}) => {
  gateway = await Gateway.start({
    upstream,
    config: { ...config, general_settings: { budget_wait_ms: 0, budget_clamp: false } },
  });
};
beforeEach(async () => void (upstream = await Upstream.start()));
afterEach(() => closeAll(gateway, upstream));

const spentOf = async (path: string) => {
  const { body } = await gateway.admin('GET', path);
  return (body.info ?? body.team_info ?? body.user_info ?? body).spend as number;
};

describe('a call without a price', () => {
  it('is free where the price says zero, also when every budget is gone, and refused where nobody knows it', async () => {
    await start({ litellm_settings: { max_budget: 0.001, model_alias_map: { alias: 'm-unpriced' } } });
    await gateway.create('/organization/new', {
      organization_id: 'o',
      organization_alias: 'o',
      max_budget: 0,
    });
    await gateway.create('/team/new', { team_id: 't', organization_id: 'o', max_budget: 0 });
    await gateway.create('/user/new', { user_id: 'u', auto_create_key: false, max_budget: 0 });
    await gateway.create('/customer/new', { user_id: 'c', max_budget: 0 });
    const key = await gateway.createKey({ team_id: 't', user_id: 'u', max_budget: 0 });
    const call = (model: string) => gateway.chat(key, { model, user: 'c', max_tokens: 1 });
    expect((await call('m-free')).status).toBe(200);
    expect((await call('m-out')).status).toBe(429);
    for (const model of ['m-unpriced', 'alias']) {
      const { status, body } = await call(model);
      expect([status, body.error.type]).toEqual([403, 'model_cost_map_missing']);
    }
    expect(upstream.calls.map(({ model }) => model)).toEqual(['up-m-free']);
    await gateway.create('/model/new', {
      model_name: 'm-unpriced',
      litellm_params: { model: 'openai/up-m-free', api_base: upstream.url, api_key: 'sk-x', input_cost_per_token: 1, output_cost_per_token: 1 }, // prettier-ignore
    });
    // One deployment of this name still has no price.
    expect((await call('m-unpriced')).status).toBe(403);
  });
});

describe('end users', () => {
  it('cannot step aside: not by being new, not by being many', async () => {
    await start({ litellm_settings: { max_end_user_budget_id: 'everyone' } });
    await gateway.create('/budget/new', { budget_id: 'everyone', max_budget: 1e-9 });
    const key = await gateway.createKey({ max_budget: 1 });
    const first = await Promise.all(
      Array.from({ length: 8 }, () => gateway.chat(key, { model: 'm-out', max_tokens: 1, user: 'new' })),
    );
    expect(first.map(({ status }) => status)).toEqual(Array(8).fill(429));
    const many = await manyCalls(200, (i) =>
      gateway.chat(key, { model: 'm-out', max_tokens: 1, user: `id-${i}` }),
    );
    expect(many.every(({ status }) => status === 429)).toBe(true);
    expect(upstream.calls).toEqual([]);
  });

  it('without limits of their own leave the key’s budget exact, however many ids it names', async () => {
    await start();
    const key = await gateway.createKey({ max_budget: 0.05 });
    const many = await manyCalls(300, (i) =>
      gateway.chat(key, { model: 'm-out', max_tokens: 1, user: `id-${i}` }),
    );
    expect(many.filter(({ status }) => status === 200)).toHaveLength(50);
    expect(await spentOf(`/key/info?key=${key}`)).toBe(0.05);
  });
});

describe('the tree of budgets', () => {
  it('adds up: the tightest level decides, children sum to their parent, moving a key takes no history along', async () => {
    await start();
    await gateway.create('/organization/new', {
      organization_id: 'o',
      organization_alias: 'o',
      max_budget: 10,
    });
    for (const team of ['t1', 't2']) await gateway.create('/team/new', { team_id: team, organization_id: 'o', max_budget: 5 }); // prettier-ignore
    await gateway.create('/user/new', { user_id: 'u', auto_create_key: false, max_budget: 3 });
    await gateway.create('/team/member_add', { team_id: 't1', member: { role: 'user', user_id: 'u' }, max_budget_in_team: 2 }); // prettier-ignore
    await gateway.create('/customer/new', { user_id: 'c', max_budget: 1 });
    const keys = [
      await gateway.createKey({ team_id: 't1', user_id: 'u', max_budget: 4 }),
      await gateway.createKey({ team_id: 't1', max_budget: 4 }),
      await gateway.createKey({ team_id: 't2', max_budget: 4 }),
    ];
    const spent = { o: 0, t1: 0, t2: 0, u: 0, m: 0, c: 0, keys: [0, 0, 0] };
    const room = (which: number, customer: boolean) =>
      Math.min(
        10 - spent.o,
        5 - (which < 2 ? spent.t1 : spent.t2),
        4 - spent.keys[which]!,
        ...(which === 0 ? [3 - spent.u, 2 - spent.m] : []),
        ...(customer ? [1 - spent.c] : []),
      );
    const draws = fc.sample(fc.record({ which: fc.nat(2), customer: fc.boolean(), tokens: fc.integer({ min: 1, max: 700 }) }), { seed: 7, numRuns: 120 }); // prettier-ignore
    const thousandth = (usd: number) => Math.round(usd * 1_000);
    for (const { which, customer, tokens } of draws) {
      const { status } = await gateway.chat(keys[which]!, { model: 'm-out', max_tokens: tokens, ...(customer && { user: 'c' }) }); // prettier-ignore
      const fits = tokens <= thousandth(room(which, customer));
      expect({ which, customer, tokens, status }).toEqual({
        which,
        customer,
        tokens,
        status: fits ? 200 : 429,
      });
      if (!fits) continue;
      const usd = tokens / 1_000;
      spent.o += usd;
      spent.keys[which]! += usd;
      if (which < 2) spent.t1 += usd;
      else spent.t2 += usd;
      if (which === 0) [spent.u, spent.m] = [spent.u + usd, spent.m + usd];
      if (customer) spent.c += usd;
    }
    const readSpend = async () => ({
      o: thousandth(await spentOf('/organization/info?organization_id=o')),
      t1: thousandth(await spentOf('/team/info?team_id=t1')),
      t2: thousandth(await spentOf('/team/info?team_id=t2')),
      u: thousandth(await spentOf('/user/info?user_id=u')),
      c: thousandth(await spentOf('/customer/info?end_user_id=c')),
      keys: await Promise.all(keys.map(async (key) => thousandth(await spentOf(`/key/info?key=${key}`)))),
    });
    const right = {
      o: thousandth(spent.o),
      t1: thousandth(spent.t1),
      t2: thousandth(spent.t2),
      u: thousandth(spent.u),
      c: thousandth(spent.c),
      keys: spent.keys.map(thousandth),
    };
    await gateway.books();
    expect(await readSpend()).toEqual(right);
    expect(right.keys.reduce((sum, one) => sum + one, 0)).toBe(right.o);
    expect(right.t1 + right.t2).toBe(right.o);
    expect(right.keys[0]! + right.keys[1]!).toBe(right.t1);

    await gateway.create('/key/update', { key: keys[2], team_id: 't1' });
    expect(await readSpend()).toEqual(right);
  });
});
