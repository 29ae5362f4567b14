import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { costOfUpstream, expectBalancedLedger, total } from '../harness/ledger-reader.js';
import type { Gateway } from '../harness/gateway.js';
import { postgresIsThere } from '../harness/postgres.js';
import { redisIsThere } from '../harness/redis.js';
import { Replicas } from '../harness/replicas.js';
import { Upstream } from '../harness/upstream.js';
import { BEFORE_CACHES_END_MS, eventually } from '../harness/eventually.js';
import { type Exchange, mostWithin } from '../harness/most-within.js';

const possible = (await postgresIsThere()) && redisIsThere();

let upstream: Upstream;
let replicas: Replicas;
/** Ends every load, even that of a failed test. */
let over = false;
/** Makes the replica that started first look dead, as its timeout would. It must be unable to store that it lives. */
const expireFirst = () =>
  replicas.first.sql('UPDATE replicas SET seen_at = 0 WHERE id = (SELECT id FROM replicas ORDER BY started_at LIMIT 1)'); // prettier-ignore
const openCallsOfFirst = async () => {
  const [row] = await replicas.first.sql(
    `SELECT count(*) AS calls FROM ledger_entries
     WHERE state = 'open' AND replica_id = (SELECT id FROM replicas ORDER BY started_at LIMIT 1)`,
  );
  return Number(row!.calls);
};
const start = async (count: number, general_settings: object = {}) => {
  replicas = await Replicas.start(count, {
    upstream,
    config: {
      general_settings: { budget_wait_ms: 60_000, replica_timeout_ms: 60_000, ...general_settings },
    },
  });
};

describe.skipIf(!possible)('several replicas', () => {
  beforeEach(async () => {
    over = false;
    upstream = await Upstream.start();
  });
  afterEach(async () => {
    over = true;
    upstream.release();
    await replicas.close();
    await upstream.close();
  });

  const call = (at: Gateway, key: string, max_tokens = 10, more: object = {}) =>
    at.chat(key, { model: 'm-out', max_tokens, ...more });

  it('bill the calls of one that was killed, by rule, and lose none', async () => {
    await start(2);
    const [first, second] = replicas.gateways as [Gateway, Gateway];
    const key = await first.createKey({ max_budget: 100 });
    const delivered: number[] = [];
    const caller = async (at: Gateway) => {
      while (!over) {
        try {
          const { status } = await call(at, key, 5);
          if (status === 200) delivered.push(status);
          else return;
        } catch {
          return;
        }
      }
    };
    const loads = [first, second].flatMap((at) => Array.from({ length: 10 }, () => caller(at)));
    await upstream.arrived(200);
    upstream.hold();
    // Each of the first replica's callers waits for its response.
    await eventually(async () => expect(await openCallsOfFirst()).toBe(10));
    await first.kill9();
    await expireFirst();
    upstream.release();
    await eventually(() => expect(delivered.length).toBeGreaterThan(250));
    await second.create('/key/block', { key });
    await Promise.all(loads);

    const books = await second.books();
    expectBalancedLedger(books);
    const abandoned = books.entries.filter(({ mark }) => mark === 'abandoned');
    const answered = books.entries.filter(({ mark }) => mark === null && true);
    expect(abandoned.length).toBeGreaterThan(0);
    // responses ≤ ledger ≤ upstream + abandoned bounds
    expect(answered.filter(({ state }) => state === 'settled').length).toBeGreaterThanOrEqual(
      delivered.length,
    );
    expect(total(books) <= costOfUpstream(upstream) + total(books, ({ mark }) => mark === 'abandoned')).toBe(
      true,
    );
    expect(second.verifyLedger().code).toBe(0);
  });

  it('correct what they billed for one that was only asleep', async () => {
    await start(2);
    const [first, second] = replicas.gateways as [Gateway, Gateway];
    const key = await first.createKey({ max_budget: 100 });
    upstream.behave = () => ({ completionTokens: 3, promptTokens: 0 });
    upstream.hold();
    const calls = [call(first, key, 50), call(first, key, 50, { stream: true })];
    await upstream.arrived(2);
    first.freeze();
    await expireFirst();
    await eventually(async () => expect(await second.spendOf(key)).toBe(0.1));
    first.thaw();
    upstream.release();
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200]);
    const books = await second.books();
    expectBalancedLedger(books);
    expect(total(books)).toBe(6_000_000n);
    expect(books.entries.map(({ mark }) => mark).toSorted()).toEqual(['abandoned', 'abandoned', 'adjustment', 'adjustment']); // prettier-ignore
    expect((await call(first, key)).status).toBe(200);
  });

  it('are restarted one after the other under load: every answer that came whole is in the ledger', async () => {
    await start(2);
    const key = await replicas.first.createKey({ max_budget: 100 });
    let whole = 0;
    const odd: number[] = [];
    const caller = async (stream: boolean) => {
      while (!over) {
        const answer = await replicas.next
          .chat(key, { model: 'm-out', max_tokens: 2, stream })
          .catch(() => undefined);
        if (answer?.status === 200 && (!stream || answer.text.endsWith('data: [DONE]\n\n'))) whole++;
        else if (answer && answer.status !== 503) odd.push(answer.status);
        else await new Promise((done) => setTimeout(done, 20));
      }
    };
    const load = Array.from({ length: 12 }, (_, i) => caller(i % 2 === 0));
    for (const gateway of replicas.gateways) {
      const before = whole;
      await eventually(() => expect(whole).toBeGreaterThan(before + 50));
      expect(await gateway.terminate()).toBe(0);
      await gateway.restart();
    }
    over = true;
    await Promise.all(load);
    const books = await replicas.expectTrueBooks();
    const settled = books.entries.filter(({ state }) => state === 'settled');
    expect(odd).toEqual([]);
    expect(settled.every(({ mark }) => mark === null)).toBe(true);
    expect(settled.length).toBe(whole);
    expect(settled.length).toBe(upstream.calls.length);
  });

  it('let a call wait for money that another of them holds', async () => {
    await start(2);
    const [first, second] = replicas.gateways as [Gateway, Gateway];
    const key = await first.createKey({ max_budget: 0.1 });
    upstream.hold();
    const holding = call(first, key, 100);
    await upstream.arrived(1);
    upstream.behave = () => ({ completionTokens: 10, promptTokens: 0 });
    const waiting = call(second, key, 20);
    await expect(
      Promise.race([waiting, new Promise((done) => setTimeout(done, 300, 'waits'))]),
    ).resolves.toBe('waits');
    upstream.release();
    expect([(await holding).status, (await waiting).status]).toEqual([200, 200]);
    await replicas.expectTrueBooks();
  });

  it('never refuse while there is room, though every bound is a hundred times the cost; caches are lost midway', async () => {
    await start(2);
    const key = await replicas.first.createKey({ max_budget: 10, user_id: undefined });
    upstream.behave = () => ({ completionTokens: 1, promptTokens: 0 });
    const statuses: number[] = [];
    let next = 0;
    const caller = async () => {
      while (next++ < 1_000) {
        if (next === 500) replicas.redis.command('FLUSHALL');
        statuses.push((await replicas.chat(key, { model: 'm-out', max_tokens: 100 })).status);
      }
    };
    await Promise.all(Array.from({ length: 5 }, caller));
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(statuses).toHaveLength(1_000);
    for (const gateway of replicas.gateways)
      await eventually(async () => expect(await gateway.spendOf(key)).toBe(1));
    await replicas.expectTrueBooks();
  });

  it.each([{ redis: 'up' }, { redis: 'down' }])(
    'revoke everywhere at once where money is concerned, elsewhere within a second (Redis is $redis)',
    async ({ redis }) => {
      await start(2);
      const [first, second] = replicas.gateways as [Gateway, Gateway];
      const key = await first.createKey({});
      await first.create('/team/new', { team_id: 't', max_budget: 1 });
      const ofTeam = await first.createKey({ team_id: 't' });
      const models = () => second.as(key, 'GET', '/v1/models');
      for (const one of [key, ofTeam]) expect((await call(second, one)).status).toBe(200);
      expect((await models()).status).toBe(200);
      if (redis === 'down') await replicas.redis.stop();

      await first.create('/key/block', { key });
      expect((await call(second, key)).status).toBe(401);
      expect((await second.chat(key, { model: 'm-free' })).status).toBe(401);
      await eventually(async () => expect((await models()).status).toBe(401), BEFORE_CACHES_END_MS);

      await first.create('/team/update', { team_id: 't', max_budget: 0.012 });
      expect((await call(second, ofTeam, 10)).headers['x-tollgate-clamped'] ?? 'refused').not.toBe('whole');
      await first.create('/team/update', { team_id: 't', max_budget: 0.01 });
      expect((await call(second, ofTeam, 10)).status).toBe(429);
      await first.create('/team/update', { team_id: 't', max_budget: 5, models: ['m-free'] });
      expect((await call(second, ofTeam)).status).toBe(403);
      await first.create('/team/update', { team_id: 't', models: [] });
      // A grant is effective within a second; only a denial must be effective at once.
      await eventually(async () => expect((await call(second, ofTeam)).status).toBe(200));
      await first.create('/team/block', { team_id: 't' });
      expect((await call(second, ofTeam)).status).toBe(403);
      await replicas.expectTrueBooks();
    },
  );

  it.each([{ redis: 'down' }, { redis: 'deaf' }])(
    'revoke under load, Redis being $redis: not one call is admitted anywhere after the answer',
    async ({ redis }) => {
      await start(2);
      const [first, second] = replicas.gateways as [Gateway, Gateway];
      if (redis === 'down') await replicas.redis.stop();
      // No client may publish or subscribe: every message is lost, and everything else works.
      else replicas.redis.command('ACL', 'SETUSER', 'default', 'resetchannels');
      const revocations: [status: number, revoke: (id: string, key: string) => Promise<unknown>][] = [
        [401, (_, key) => first.create('/key/block', { key })],
        [401, (_, key) => first.create('/key/delete', { keys: [key] })],
        [403, (_, key) => first.create('/key/update', { key, models: ['m-free'] })],
        [429, (_, key) => first.create('/key/update', { key, max_budget: 0 })],
        [403, (id) => first.create('/team/block', { team_id: id })],
        [401, (id) => first.create('/team/delete', { team_ids: [id] })],
        [403, (id) => first.create('/user/update', { user_id: id, blocked: true })],
        [401, (id) => first.create('/team/member_delete', { team_id: id, user_id: id })],
        [403, (id) => first.admin('PATCH', '/organization/update', { organization_id: id, blocked: true })],
      ];
      for (const [at, [status, revoke]] of revocations.entries()) {
        const id = `revoked-${at}`;
        await first.create('/organization/new', { organization_id: id, organization_alias: id });
        await first.create('/user/new', { user_id: id, auto_create_key: false });
        await first.create('/team/new', { team_id: id, organization_id: id, members_with_roles: [{ role: 'user', user_id: id }] }); // prettier-ignore
        const key = await first.createKey({ team_id: id, user_id: id });
        const late: number[] = [];
        let revokedAt = Infinity;
        let refused = 0;
        const caller = async () => {
          while (refused < 20) {
            const sentAt = performance.now();
            const { status: last } = await replicas.chat(key, { model: 'm-out', max_tokens: 1 });
            if (sentAt <= revokedAt) continue;
            if (last === status) refused++;
            else late.push(last);
          }
        };
        const { length } = upstream.calls;
        const load = Array.from({ length: 12 }, caller);
        await upstream.arrived(length + 40);
        await revoke(id, key);
        revokedAt = performance.now();
        await Promise.all(load);
        expect({ at, late }).toEqual({ at, late: [] });
        expect((await call(second, key)).status).toBe(status);
      }
    },
  );

  it('count rate limits together: exactly so many in any span, and calls at the same time', async () => {
    const span = 2_000;
    await start(2, { rate_limit_span_ms: span });
    const key = await replicas.first.createKey({ rpm_limit: 10 });
    const admitted: Exchange[] = [];
    const caller = async () => {
      while (admitted.length < 25) {
        const sentAt = Date.now();
        const { status, headers } = await replicas.chat(key, { model: 'm-free', max_tokens: 1 });
        if (status === 200) admitted.push({ sentAt, answeredAt: Date.now() });
        else {
          expect(status).toBe(429);
          expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
        }
      }
    };
    await Promise.all(Array.from({ length: 4 }, caller));
    // The clocks of replicas follow the database's clock, within milliseconds.
    expect(mostWithin(span - 300, admitted)).toBeLessThanOrEqual(10);

    const parallel = await replicas.first.createKey({ max_parallel_requests: 3 });
    const seen = upstream.calls.length;
    upstream.hold();
    const under = Array.from({ length: 3 }, () =>
      replicas.chat(parallel, { model: 'm-free', max_tokens: 1 }),
    );
    await upstream.arrived(seen + 3);
    for (const gateway of replicas.gateways)
      expect(
        (await gateway.chat(parallel, { model: 'm-free', max_tokens: 1 })).body.error.details,
      ).toMatchObject({
        unit: 'running',
        limit: 3,
        used: 3,
      });
    upstream.release();
    await Promise.all(under);
    await eventually(async () => {
      const all = await Promise.all(
        Array.from({ length: 3 }, () => replicas.chat(parallel, { model: 'm-free', max_tokens: 1 })),
      );
      expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
    });
  });

  it('know a new or changed model, and what a group consists of, within a second', async () => {
    await start(2);
    const [first, second] = replicas.gateways as [Gateway, Gateway];
    const soon = (key: string, model: string, status: number) =>
      eventually(
        async () => expect((await second.chat(key, { model })).status).toBe(status),
        BEFORE_CACHES_END_MS,
      );
    await first.create('/model/new', {
      model_name: 'm-new',
      litellm_params: {
        model: 'openai/up-m-free',
        api_base: upstream.url,
        api_key: 'sk-new',
        input_cost_per_token: 0,
        output_cost_per_token: 0,
      },
      model_info: { id: 'd-new' },
    });
    await soon(second.masterKey, 'm-new', 200);
    await first.admin('PATCH', '/model/d-new/update', { model_name: 'm-renamed' });
    await soon(second.masterKey, 'm-renamed', 200);

    await first.create('/access_group/new', { access_group: 'group', model_names: ['m-free'] });
    const key = await first.createKey({ models: ['group'] });
    await soon(key, 'm-free', 200);
    expect((await second.chat(key, { model: 'm-renamed' })).status).toBe(403);
    await first.admin('PUT', '/access_group/group/update', { model_names: ['m-renamed'] });
    await soon(key, 'm-renamed', 200);
    await soon(key, 'm-free', 403);
  });

  it('have new discounts and margins within a second', async () => {
    await start(2);
    const [first, second] = replicas.gateways as [Gateway, Gateway];
    const { status } = await first.admin('PATCH', '/config/cost_margin_config', {
      global: { fixed_amount: 0.5 },
    });
    expect(status).toBe(200);
    const key = await first.createKey({ max_budget: 0.4 });
    await eventually(
      async () => expect((await second.chat(key, { model: 'm-free' })).status).toBe(429),
      BEFORE_CACHES_END_MS,
    );
    const shown = await second.admin('GET', '/config/cost_margin_config');
    expect(shown.body.values).toEqual({ global: { fixed_amount: 0.5 } });
  });
});
