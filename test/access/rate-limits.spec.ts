import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';
import { type Exchange, mostWithin } from '../harness/most-within.js';

const SHORT_SPAN_MS = 1_000;
let upstream: Upstream;
let gateway: Gateway;
const start = (general_settings: object = {}) =>
  Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m-free', upstream.url, { input_cost_per_token: 0, output_cost_per_token: 0 }),
        model('m-other', upstream.url, { input_cost_per_token: 0, output_cost_per_token: 0 }),
        model('m-out', upstream.url, { input_cost_per_token: 0, output_cost_per_token: 0.001 }),
        model('m-voyage', upstream.url, { input_cost_per_token: 0, output_cost_per_token: 0 }, { model: 'voyage/up-m-voyage' }), // prettier-ignore
      ],
      general_settings: { budget_wait_ms: 0, ...general_settings },
    },
  });
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await start();
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.release();
  upstream.behave = () => ({});
});

let serial = 0;
const call = (key: string, more: object = {}, at = gateway) =>
  at.chat(key, { model: 'm-free', max_tokens: 5, ...more });
const burst = async (key: string, count: number, more: object = {}) => {
  const answers = await Promise.all(Array.from({ length: count }, () => call(key, more)));
  return {
    ok: answers.filter(({ status }) => status === 200).length,
    refused: answers.filter(({ status }) => status === 429),
  };
};

/** Makes a key. The party of this level behind it has these limits. */
async function behind(level: string, limits: object): Promise<{ key: string; user?: string }> {
  const id = `rate-${++serial}`;
  if (level === 'key') return { key: await gateway.createKey(limits) };
  if (level === 'end_user') {
    await gateway.create('/customer/new', { user_id: id, ...limits });
    return { key: await gateway.createKey(), user: id };
  }
  if (level === 'user') {
    await gateway.create('/user/new', { user_id: id, auto_create_key: false, ...limits });
    return { key: await gateway.createKey({ user_id: id }) };
  }
  if (level === 'organization') {
    await gateway.create('/organization/new', { organization_id: id, organization_alias: id, ...limits });
    return { key: await gateway.createKey({ organization_id: id }) };
  }
  await gateway.create('/team/new', { team_id: id, ...(level === 'team' && limits) });
  if (level === 'team') return { key: await gateway.createKey({ team_id: id }) };
  await gateway.create('/team/member_add', { team_id: id, member: { role: 'user', user_id: id } });
  await gateway.create('/team/member_update', { team_id: id, user_id: id, ...limits });
  return { key: await gateway.createKey({ team_id: id, user_id: id }) };
}

describe.each(['key', 'member', 'team', 'user', 'organization', 'end_user'])('a limit of the %s', (level) => {
  it('on requests: exactly so many of a burst', async () => {
    const { key, user } = await behind(level, { rpm_limit: 5 });
    const { ok, refused } = await burst(key, 20, user ? { user } : {});
    expect([ok, refused.length]).toEqual([5, 15]);
    const { body, headers } = refused[0]!;
    expect(body.error).toMatchObject({ type: 'rate_limit_exceeded', code: '429' });
    expect(body.error.details).toMatchObject({
      check: 'rateLimitsHaveRoom',
      scope: { kind: level },
      unit: 'requests',
      limit: 5,
      used: 5,
      retryable: true,
    });
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });

  it('on tokens: prompt and limit are held, the truth counts', async () => {
    const { key, user } = await behind(level, { tpm_limit: 3_000 });
    const more = { max_tokens: 400, ...(user && { user }) };
    upstream.behave = () => ({ completionTokens: 1_000, promptTokens: 0 });
    expect((await call(key, more)).status).toBe(200);
    expect((await call(key, more)).status).toBe(200);
    upstream.behave = () => ({ completionTokens: 10, promptTokens: 0 });
    const third = await call(key, more);
    expect([third.status, third.headers['x-ratelimit-limit-tokens']]).toEqual([200, '3000']);
    expect((await call(key, { ...more, max_tokens: 990 })).body.error.details).toMatchObject({
      unit: 'tokens',
      limit: 3_000,
      used: 2_010,
      may_use: expect.any(Number) as number,
    });
  });
});

describe('requests in a short span', () => {
  let hasty: Gateway;
  beforeAll(async () => {
    hasty = await start({ rate_limit_span_ms: SHORT_SPAN_MS });
  });
  afterAll(() => closeAll(hasty));

  it('slide: in no span more, and again as soon as there is room', async () => {
    const key = await hasty.createKey({ rpm_limit: 4 });
    const admitted: Exchange[] = [];
    while (admitted.length < 10) {
      const sentAt = Date.now();
      if ((await call(key, {}, hasty)).status === 200) admitted.push({ sentAt, answeredAt: Date.now() });
    }
    expect(mostWithin(SHORT_SPAN_MS, admitted)).toBeLessThanOrEqual(4);
  });

  it('forget a place that was given back like one that was used', async () => {
    const key = await hasty.createKey({ tpm_limit: 1_000_000, max_budget: 0.1 });
    const until = Date.now() + SHORT_SPAN_MS * 1.25;
    expect((await call(key, { model: 'm-out', max_tokens: 49, n: 128 }, hasty)).status).toBe(429);
    while (Date.now() < until) expect((await call(key, {}, hasty)).status).toBe(200);
  });
});

describe('requests per minute', () => {
  it('are told truly, on every answer', async () => {
    const key = await gateway.createKey({ rpm_limit: 3 });
    const limitHeaders = ({ headers }: Answer) => [
      headers['x-ratelimit-limit-requests'],
      headers['x-ratelimit-remaining-requests'],
    ];
    expect(limitHeaders(await call(key))).toEqual(['3', '2']);
    expect(limitHeaders(await call(key, { stream: true }))).toEqual(['3', '1']);
    expect(limitHeaders(await call(key))).toEqual(['3', '0']);
    expect(limitHeaders(await call(key))).toEqual(['3', '0']);
    expect((await call(await gateway.createKey())).headers['x-ratelimit-limit-requests']).toBeUndefined();
  });

  it('are not used by refusals, whoever refuses', async () => {
    const key = await gateway.createKey({ rpm_limit: 2, max_budget: 0.1, models: ['m-free', 'm-out'] });
    for (let i = 0; i < 5; i++) {
      expect((await call(key, { model: 'm-out', max_tokens: 49, n: 128 })).status).toBe(429);
      expect((await call(key, { model: 'm-other' })).status).toBe(403);
      expect((await call(key, { max_tokens: 'x' })).status).toBe(400);
    }
    expect((await burst(key, 5)).ok).toBe(2);
  });

  it('of zero let nothing through, and say that waiting is no use', async () => {
    const { status, headers } = await call(await gateway.createKey({ rpm_limit: 0 }));
    expect([status, headers['x-should-retry']]).toEqual([429, 'false']);
  });

  it('may be per model', async () => {
    const key = await gateway.createKey({ model_rpm_limit: { 'm-free': 2 } });
    expect((await burst(key, 5)).ok).toBe(2);
    expect((await burst(key, 5, { model: 'm-other' })).ok).toBe(5);
  });

  describe('of a fallback', () => {
    const failingOver = (key: string) => {
      upstream.behave = ({ model: name }) => (name === 'up-m-free' ? { status: 500 } : {});
      return call(key, { fallbacks: ['m-other'] });
    };

    it('count, and a full one passes it over', async () => {
      const key = await gateway.createKey({ model_rpm_limit: { 'm-other': 1 } });
      const before = upstream.calls.length;
      expect([(await failingOver(key)).status, (await failingOver(key)).status]).toEqual([200, 500]);
      expect(upstream.calls.slice(before).map(({ model: name }) => name)).toEqual(['up-m-free', 'up-m-other', 'up-m-free']); // prettier-ignore
      expect((await call(key, { model: 'm-other' })).status).toBe(429);
    });

    it('count the tokens it used, and those of the first model do not', async () => {
      const key = await gateway.createKey({ model_tpm_limit: { 'm-free': 5, 'm-other': 5 } });
      expect((await failingOver(key)).status).toBe(200);
      upstream.behave = () => ({});
      const statuses = [await call(key), await call(key, { model: 'm-other' })].map(({ status }) => status);
      expect(statuses).toEqual([200, 429]);
    });

    it('count its tokens where it is another name of the first model', async () => {
      const key = await gateway.createKey({ aliases: { twin: 'm-free' }, model_tpm_limit: { 'm-free': 5 } });
      const before = upstream.calls.length;
      upstream.behave = (one) => (upstream.calls.indexOf(one) === before ? { status: 500 } : {});
      expect((await call(key, { fallbacks: ['twin'] })).status).toBe(200);
      expect((await call(key)).status).toBe(429);
    });

    it('are told where they are all that is in the way', async () => {
      // Voyage has no such route.
      const key = await gateway.createKey({ model_rpm_limit: { 'm-other': 1 } });
      const ask = () => call(key, { model: 'm-voyage', fallbacks: ['m-other'] });
      expect((await ask()).status).toBe(200);
      const { status, body } = await ask();
      expect([status, body.error.type]).toEqual([429, 'rate_limit_exceeded']);
    });

    it('have room again when its call never went out', async () => {
      const key = await gateway.createKey({ model_rpm_limit: { 'm-out': 1 }, max_budget: 0.001 });
      upstream.behave = ({ model: name }) => (name === 'up-m-free' ? { status: 500 } : {});
      expect((await call(key, { fallbacks: ['m-out'] })).status).toBe(500);
      await gateway.create('/key/update', { key, max_budget: 1 });
      expect((await call(key, { model: 'm-out' })).status).toBe(200);
    });
  });
});

describe('tokens per minute', () => {
  /** A turn of a coding agent: a long prompt, tools, and an output limit far above what it will write. */
  const turn = (key: string, more: object = {}) =>
    call(key, {
      messages: [{ role: 'user', content: 'a word '.repeat(10_000) }],
      tools: [{ type: 'function', function: { name: 'write_file', parameters: {} } }],
      max_tokens: 32_000,
      ...more,
    });

  it('leave an agent its turns, though each might use more than the limit', async () => {
    const key = await gateway.createKey({ tpm_limit: 60_000 });
    upstream.behave = () => ({ promptTokens: 2_600, completionTokens: 42 });
    for (let turns = 1; turns <= 5; turns++)
      expect((await turn(key, { stream: turns > 3 })).status).toBe(200);
    upstream.behave = () => ({ promptTokens: 24_000, completionTokens: 42 });
    expect((await turn(key)).status).toBe(200);
    const { status, body, headers } = await turn(key);
    const { details, message } = body.error;
    expect([status, details.unit, details.used, details.retryable]).toEqual([429, 'tokens', 37_252, true]);
    // The prompt was counted, at two tokens for seven bytes.
    expect(details.needed).toBeGreaterThan(24_000);
    expect(details.needed).toBeLessThan(25_000);
    expect(details.may_use).toBeGreaterThan(60_000);
    expect(message).toContain(
      `this call needs ${details.needed}. It may use up to ${details.may_use} tokens.`,
    );
    expect([headers['x-ratelimit-limit-tokens'], headers['x-ratelimit-remaining-tokens']]).toEqual(['60000', '22748']); // prettier-ignore
    expect((await call(key, { max_tokens: 100 })).status).toBe(200);
  });

  it('are those of calls under way, too', async () => {
    const key = await gateway.createKey({ tpm_limit: 60_000 });
    const before = upstream.calls.length;
    upstream.behave = () => ({ promptTokens: 2_600, completionTokens: 42 });
    upstream.hold();
    const under = [turn(key), turn(key)];
    await upstream.arrived(before + 2);
    expect((await turn(key)).status).toBe(429);
    upstream.release();
    await Promise.all(under);
    await eventually(async () => expect((await turn(key)).status).toBe(200));
  });

  it('are not admitted once the limit is used up, and never lock out a long prompt', async () => {
    const key = await gateway.createKey({ tpm_limit: 5_000 });
    upstream.behave = () => ({ promptTokens: 30_000, completionTokens: 42 });
    expect((await turn(key)).status).toBe(200);
    const { status, body } = await call(key, { max_tokens: 1 });
    expect([status, body.error.details.used]).toEqual([429, 30_042]);
  });

  it('are explained as they are decided', async () => {
    const key = await gateway.createKey({ tpm_limit: 60_000 });
    const { body } = await gateway.admin('POST', '/access/v1/evaluation', {
      subject: { type: 'key', id: key },
      action: { name: 'call' },
      resource: { type: 'model', id: 'm-free' },
      context: {
        body: { messages: [{ role: 'user', content: 'a word '.repeat(10_000) }], max_tokens: 32_000 },
      },
    });
    const { rates } = body.context.trace.find(
      ({ check }: { check: string }) => check === 'rateLimitsHaveRoom',
    );
    expect(rates[0]).toMatchObject({ unit: 'tokens', limit: 60_000, used: 0 });
    expect(rates[0].needed).toBeLessThan(25_000);
    expect(rates[0].may_use).toBeGreaterThan(50_000);
  });
});

describe('parallel requests', () => {
  it('are those under way, however they end', async () => {
    const key = await gateway.createKey({ max_parallel_requests: 2 });
    const before = upstream.calls.length;
    upstream.hold();
    const under = [call(key), call(key, { stream: true })];
    await upstream.arrived(before + 2);
    const { status, body } = await call(key);
    expect([status, body.error.details.unit, body.error.details.used]).toEqual([429, 'running', 2]);
    upstream.release();
    await Promise.all(under);
    for (const behaviour of [
      { status: 500 },
      { reset: true },
      { rawBody: 'no json' },
      { tokensBefore: 1, ending: 'reset' as const },
    ]) {
      upstream.behave = () => behaviour;
      await call(key, { stream: 'ending' in behaviour });
    }
    upstream.behave = () => ({});
    await eventually(async () => expect((await burst(key, 2)).ok).toBe(2));
  });
});

it('an explanation counts nothing and agrees', async () => {
  const key = await gateway.createKey({ rpm_limit: 1 });
  const ask = async () =>
    (
      await gateway.admin('POST', '/access/v1/evaluation', {
        subject: { type: 'key', id: key },
        action: { name: 'call' },
        resource: { type: 'model', id: 'm-free' },
      })
    ).body;
  for (let i = 0; i < 5; i++) expect((await ask()).decision).toBe(true);
  expect((await call(key)).status).toBe(200);
  expect(await ask()).toMatchObject({
    decision: false,
    context: { code: 'rate_limit_exceeded', details: { limit: 1, used: 1 } },
  });
});
