import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { secretHash } from '../../src/platform/secrets.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { postgresIsThere } from '../harness/postgres.js';
import { redisIsThere } from '../harness/redis.js';
import { Replicas } from '../harness/replicas.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';
import { manyCalls } from '../harness/many-calls.js';
import { withinTime } from '../harness/within-time.js';

/** Proves that a new secret is the same key: nothing is refilled. The old secret ends at the chosen time, on all replicas. */

const possible = (await postgresIsThere()) && redisIsThere();
/** A call that costs $0.01. */
const CALL = { model: 'm-out', max_tokens: 10 };
const CLOCKS_DIFFER_MS = 1_000;
const config = { general_settings: { budget_wait_ms: 60_000 } };

interface House {
  readonly gateways: readonly [Gateway, Gateway];
  close(): Promise<void>;
}

async function onSqlite(upstream: Upstream): Promise<House> {
  const gateway = await Gateway.start({ upstream, config });
  return { gateways: [gateway, gateway], close: () => gateway.close() };
}

async function onReplicas(upstream: Upstream): Promise<House> {
  const replicas = await Replicas.start(2, { upstream, config });
  return { gateways: replicas.gateways as [Gateway, Gateway], close: () => replicas.close() };
}

describe.each([
  { where: 'on SQLite', open: onSqlite, skip: false },
  { where: 'on two replicas', open: onReplicas, skip: !possible },
])('a new secret, $where', ({ open, skip }) => {
  let upstream: Upstream;
  let house: House;
  let one: Gateway;
  let other: Gateway;
  beforeAll(async () => {
    if (skip) return;
    upstream = await Upstream.start();
    house = await open(upstream);
    [one, other] = house.gateways;
  });
  afterAll(() => closeAll(house, upstream));
  afterEach(() => {
    upstream?.release();
    if (upstream) upstream.behave = () => ({});
  });

  const regenerate = (key: string, body: object = {}) =>
    one.admin('POST', `/key/${encodeURIComponent(key)}/regenerate`, body);
  const regenerated = async (key: string, body: object = {}) => {
    const { status, body: answer, text } = await regenerate(key, body);
    expect(status, text).toBe(200);
    return answer as { key: string } & Record<string, unknown>;
  };
  const statuses = (key: string) =>
    Promise.all([one, other].map(async (at) => (await at.chat(key, { model: 'm-free' })).status));

  it.skipIf(skip).each([
    ['budget', { max_budget: 0.01 }],
    ['window', { max_budget: 0.01, budget_duration: '1d' }],
    ['further window', { budget_limits: [{ budget_duration: '1d', max_budget: 0.01 }] }],
    ['budget for a model', { model_max_budget: { 'm-out': { max_budget: 0.01, time_period: '1d' } } }],
    ['limit of calls per minute', { rpm_limit: 1 }],
    ['limit of calls per minute for a model', { model_rpm_limit: { 'm-out': 1 } }],
  ])('refills no %s', async (_, limits) => {
    const old = await one.createKey(limits);
    expect((await one.chat(old, CALL)).status).toBe(200);
    const { type } = (await other.chat(old, CALL)).body.error;
    const { key } = await regenerated(old, { grace_period: '1h' });
    for (const secret of [old, key]) {
      for (const at of [one, other]) {
        const { status, body } = await at.chat(secret, CALL);
        expect({ status, type: body.error.type }).toEqual({ status: 429, type });
      }
    }
    expect(await one.spendOf(key)).toBe(0.01);
    const { key: third } = await regenerated(key);
    expect((await other.chat(third, CALL)).status).toBe(429);
  });

  it.skipIf(skip)('spends from one account with the secret before', async () => {
    const old = await one.createKey({ max_budget: 0.02 });
    const { key } = await regenerated(old, { grace_period: '1h' });
    expect((await one.chat(old, CALL)).status).toBe(200);
    expect((await other.chat(key, CALL)).status).toBe(200);
    expect((await other.chat(old, CALL)).status).toBe(429);
    expect((await one.chat(key, CALL)).status).toBe(429);
  });

  it.skipIf(skip)('ends the one before at once, also for a call that waits', async () => {
    const old = await one.createKey({ max_budget: 0.02 });
    const seen = upstream.calls.length;
    upstream.behave = () => ({ completionTokens: 5 });
    upstream.hold();
    const running = other.chat(old, CALL);
    await upstream.arrived(seen + 1);
    const waiting = other.chat(old, { model: 'm-out', max_tokens: 15 });
    const { key } = await regenerated(old);
    upstream.release();
    expect((await running).status).toBe(200);
    expect((await waiting).status).toBe(401);
    expect(upstream.calls.length).toBe(seen + 1);
    expect([await statuses(old), await statuses(key)]).toEqual([[401, 401], [200, 200]]); // prettier-ignore
  });

  it.skipIf(skip)('or at the end of its grace, to the instant', async () => {
    await withinTime(3_000, async (soon) => {
      const old = await one.createKey();
      const graceSeconds = Math.ceil((soon.getTime() - Date.now()) / 1_000);
      const { key, last_rotation_at } = await regenerated(old, { grace_period: `${graceSeconds}s` });
      const end = Date.parse(last_rotation_at as string) + graceSeconds * 1_000;
      const knocks = await Promise.all(
        [one, other].map(async (at) => {
          for (let passed = 0; ; passed++) {
            const askedAt = Date.now();
            const { status, body } = await at.chat(old, { model: 'm-free' });
            if (status === 200) {
              // The clocks of replicas follow the database's clock, within milliseconds; on a busy machine the difference is
              // larger.
              expect(askedAt).toBeLessThan(end + CLOCKS_DIFFER_MS);
              await new Promise((done) => setTimeout(done, 20));
              continue;
            }
            return { passed, status, type: body.error.type, early: end - Date.now() };
          }
        }),
      );
      for (const { passed: _, early, ...refusal } of knocks) {
        expect(refusal).toEqual({ status: 401, type: 'expired_key' });
        expect(early).toBeLessThan(CLOCKS_DIFFER_MS);
      }
      expect(await statuses(key)).toEqual([200, 200]);
      return knocks.every(({ passed }) => passed > 0);
    });
  });

  it.skipIf(skip)('is one, however many are made at once', async () => {
    for (const body of [{}, { grace_period: '1h' }]) {
      const old = await one.createKey();
      expect(await statuses(old)).toEqual([200, 200]);
      const answers = await manyCalls(100, (i) =>
        house.gateways[i % 2]!.admin('POST', `/key/${secretHash(old)}/regenerate`, body),
      );
      const successes = answers.filter(({ status }) => status === 200);
      expect([successes.length, answers.filter(({ status }) => status === 404).length]).toEqual([1, 99]);
      expect(await statuses(successes[0]!.body.key)).toEqual([200, 200]);
      expect(await statuses(old)).toEqual('grace_period' in body ? [200, 200] : [401, 401]);
    }
  });

  it.skipIf(skip)('leaves at most one before it, and dies with its key', async () => {
    const first = await one.createKey();
    const { key: second } = await regenerated(first, { grace_period: '1h' });
    const { key: third, rotation_count } = await regenerated(second, { grace_period: '1h' });
    expect(rotation_count).toBe(2);
    expect([await statuses(first), await statuses(second), await statuses(third)]).toEqual([[401, 401], [200, 200], [200, 200]]); // prettier-ignore
    await one.create('/key/block', { key: third });
    expect([await statuses(second), await statuses(third)]).toEqual([[401, 401], [401, 401]]); // prettier-ignore
    await one.create('/key/unblock', { key: third });
    await one.create('/key/delete', { keys: [third] });
    expect([await statuses(second), await statuses(third)]).toEqual([[401, 401], [401, 401]]); // prettier-ignore
  });

  it.skipIf(skip)('loses an access group with its key, also the one before', async () => {
    const path = '/v1/access_group';
    const group = { access_group_name: `rotated-${one.url}`, access_model_names: ['m-free'] };
    const { access_group_id: id } = (await one.admin('POST', path, group)).body;
    const old = await one.createKey({ access_group_ids: [id] });
    const { key } = await regenerated(old, { grace_period: '1h' });
    // Other replicas learn of models and groups within a second.
    await eventually(async () => expect(await statuses(old)).toEqual([200, 200]));
    expect(await statuses(key)).toEqual([200, 200]);
    expect((await one.admin('PUT', `${path}/${id}`, { assigned_key_ids: [] })).status).toBe(200);
    expect([await statuses(old), await statuses(key)]).toEqual([[403, 403], [403, 403]]); // prettier-ignore
  });

  it.skipIf(skip)('is told as a new key is, with what changed besides', async () => {
    const old = await one.createKey({ key_alias: `rotated-${one.url}`, max_budget: 5, metadata: { a: 1 } });
    const chosen = `sk-chosen-${Math.random()}`;
    const answer = await regenerated(old, { new_key: chosen, max_budget: 6, duration: '30d' });
    expect(answer).toMatchObject({
      key: chosen,
      token: secretHash(chosen),
      token_id: secretHash(chosen),
      key_alias: `rotated-${one.url}`,
      max_budget: 6,
      metadata: { a: 1 },
      rotation_count: 1,
      duration: '30d',
    });
    expect((await regenerate(chosen, { new_key: chosen })).status).toBe(409);
    expect((await regenerate(chosen, { new_key: one.masterKey })).status).toBe(409);
    expect((await regenerate(chosen, { new_key: 'no-key' })).body.error.param).toBe('new_key');
    expect((await regenerate(chosen, { grace_period: '-1d' })).body.error.param).toBe('grace_period');
    expect((await regenerate(old)).status).toBe(404);
    expect((await one.admin('POST', '/key/regenerate')).body.error.param).toBe('key');
    const third = (await one.create(`/key/regenerate?key=${chosen}`, {})).key as string;
    const fourth = (await one.create('/key/regenerate', { key: third })).key as string;
    expect(await statuses(fourth)).toEqual([200, 200]);
  });

  it.skipIf(skip)('keeps the history of its key, also when that is gone', async () => {
    const id = `history-${one.url}`;
    await one.create('/team/new', { team_id: id });
    await one.create('/user/new', { user_id: id, auto_create_key: false });
    const old = await one.createKey({ team_id: id, user_id: id, key_alias: id });
    await one.chat(old, CALL);
    const { key } = await regenerated(old);
    await one.chat(key, CALL);
    const logs = async () => (await one.admin('GET', `/spend/logs?api_key=${key}`)).body as object[];
    expect(await logs()).toHaveLength(2);
    await one.create('/key/delete', { keys: [key] });
    const entry = { user: id, team_id: id, metadata: expect.objectContaining({ user_api_key_alias: id }) };
    expect(await logs()).toEqual([expect.objectContaining(entry), expect.objectContaining(entry)]);
    const deleted = await one.admin(
      'GET',
      `/key/list?status=deleted&team_id=${encodeURIComponent(id)}&return_full_object=true`,
    );
    expect(deleted.body.keys).toMatchObject([
      { token: secretHash(key), key_alias: id, user_id: id, team_id: id, deleted_by: 'default_user_id' },
    ]);
  });

  it.skipIf(skip)('is for whoever may change the key', async () => {
    const id = `owner-${one.url}`;
    await one.create('/user/new', { user_id: id, auto_create_key: false });
    await one.create('/team/new', { team_id: id, members_with_roles: [{ role: 'user', user_id: id }] });
    const [own, ofTeam] = [await one.createKey({ user_id: id }), await one.createKey({ team_id: id })];
    const asked = (key: string, body: object = {}) => other.as(own, 'POST', `/key/${key}/regenerate`, body);
    expect((await asked(ofTeam)).status).toBe(403);
    expect((await asked(await one.createKey())).status).toBe(403);
    expect((await asked(own, { new_key: 'sk-of-my-choice' })).body.error.param).toBe('new_key');
    expect((await asked(own, { max_budget: 1, spend: 0 })).body.error.param).toBe('spend');
    const { status, body } = await asked(own, { grace_period: '1h' });
    expect(status).toBe(200);
    // The old secret is still the same caller.
    expect((await other.as(own, 'GET', '/key/info')).body.key).toBe(secretHash(body.key));
    const question = { subject: { type: 'key', id: own }, action: { name: 'call' }, resource: { type: 'model', id: 'm-free' } }; // prettier-ignore
    for (const secret of [own, body.key as string])
      expect((await other.as(secret, 'POST', '/access/v1/evaluation', question)).body.decision).toBe(true);
  });

  it.skipIf(skip)('is never told in a refusal', async () => {
    const key = await one.createKey({ allowed_routes: ['llm_api_routes'] });
    const { status, text } = await one.as(key, 'POST', `/key/${key}/regenerate`);
    expect(status).toBe(403);
    expect(text).not.toContain(key);
  });
});

it('the secret of a virtual key that is made the master key is the master key', async () => {
  const secret = 'sk-was-a-virtual-key-once';
  const before = await Gateway.start();
  await before.create('/key/generate', { key: secret, blocked: true, allowed_routes: ['/models'] });
  await before.terminate();
  const { dataFolder } = before;
  const after = await Gateway.start({ dataFolder, env: { TOLLGATE_MASTER_KEY: secret } });
  try {
    expect((await after.admin('GET', '/user/list')).status).toBe(200);
    // An evaluation caches the former virtual key. The secret must still be the master key.
    const question = { subject: { type: 'key', id: secret }, action: { name: 'call' }, resource: { type: 'model', id: 'm' } }; // prettier-ignore
    expect((await after.admin('POST', '/access/v1/evaluation', question)).status).toBe(200);
    expect((await after.admin('GET', '/user/list')).status).toBe(200);
  } finally {
    await closeAll(after, before);
  }
});
