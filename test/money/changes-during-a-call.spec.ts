import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

/** Prices at which a call of five tokens costs half a cent. */
const price = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
const CALL = { model: 'a', max_tokens: 5 };

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: ['a', 'b', 'c'].map((name) => model(name, upstream.url, price)),
      router_settings: { fallbacks: [{ a: ['b'] }] },
      general_settings: { budget_wait_ms: 60_000 },
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.release();
  upstream.behave = () => ({});
});

const calledSince = (before: number) => upstream.calls.slice(before).map(({ model: name }) => name);

/** Calls `a`, which fails while the key is changed. Returns the models that the key calls, and the response. */
async function calledBy(key: string, update: object, more: object = {}) {
  const before = upstream.calls.length;
  upstream.behave = ({ model: name }) => (name === 'up-a' ? { status: 500 } : {});
  upstream.hold();
  const call = gateway.chat(key, { ...CALL, ...more });
  await upstream.arrived(before + 1);
  await gateway.create('/key/update', { key, ...update });
  upstream.release();
  const { status } = await call;
  return [...calledSince(before), status];
}

describe('a key that changes while its call fails', () => {
  it('calls no fallback it may not call any more', async () => {
    const key = await gateway.createKey({ models: ['a', 'b'] });
    expect(await calledBy(key, { models: ['a'] })).toEqual(['up-a', 500]);
  });

  it('calls a fallback it may still call, though it lost the first model', async () => {
    const key = await gateway.createKey({ models: ['a', 'b'], max_budget: 1 });
    expect(await calledBy(key, { models: ['b'] })).toEqual(['up-a', 'up-b', 200]);
  });

  it('calls the fallback of two that is left', async () => {
    const key = await gateway.createKey({ models: ['a', 'b', 'c'] });
    const called = await calledBy(key, { models: ['a', 'b'] }, { fallbacks: ['b', 'c'] });
    expect(called).toEqual(['up-a', 'up-b', 200]);
  });

  it('calls no fallback whose own budget it would exceed by now', async () => {
    const key = await gateway.createKey({ model_max_budget: { b: 1 } });
    expect(await calledBy(key, { model_max_budget: { b: 0.001 } })).toEqual(['up-a', 500]);
    expect((await gateway.chat(key, { ...CALL, model: 'b' })).status).toBe(429);
  });

  it('calls a fallback whatever became of the first model’s budget', async () => {
    const key = await gateway.createKey({ model_max_budget: { a: 1, b: 1 } });
    expect((await gateway.chat(key, CALL)).status).toBe(200);
    const called = await calledBy(key, { model_max_budget: { a: 0.001, b: 1 } });
    expect(called).toEqual(['up-a', 'up-b', 200]);
  });
});

it('an alias that means another model by the time the call has its money calls neither', async () => {
  const key = await gateway.createKey({ max_budget: 0.005, aliases: { m: 'c' }, models: ['c'] });
  const before = upstream.calls.length;
  upstream.behave = (call) => (upstream.calls.indexOf(call) === before ? { status: 500 } : {});
  upstream.hold();
  const first = gateway.chat(key, { ...CALL, model: 'c' });
  await upstream.arrived(before + 1);
  const waiting = gateway.chat(key, { ...CALL, model: 'm' });
  await eventually(async () =>
    expect((await gateway.admin('GET', '/metrics')).text).toContain('tollgate_calls_in_flight 2'),
  );
  await gateway.create('/key/update', { key, aliases: { m: 'b' }, models: ['b'] });
  upstream.release();
  expect((await first).status).toBe(500);
  expect((await waiting).status).toBe(503);
  expect(calledSince(before)).toEqual(['up-c']);
});

describe('administrators at the same rows', () => {
  it('users are deleted while their keys are changed', async () => {
    for (let round = 0; round < 5; round++) {
      const user_id = `deleted-${round}`;
      await gateway.create('/user/new', { user_id, auto_create_key: false });
      const keys = await Promise.all(Array.from({ length: 4 }, () => gateway.createKey({ user_id })));
      const change = (key: string) => gateway.admin('POST', '/key/update', { key, user_id });
      const answers = await Promise.all([
        ...keys.map(change),
        gateway.admin('POST', '/user/delete', { user_ids: [user_id] }),
        ...keys.map(change),
      ]);
      expect(answers.map(({ status }) => status).filter((status) => status >= 500)).toEqual([]);
    }
  });

  it('a block is not undone by giving the key to an access group', async () => {
    const group = await gateway.admin('POST', '/v1/access_group', { access_group_name: 'g', access_model_names: ['a'] }); // prettier-ignore
    const keys: { key: string; token_id: string }[] = [];
    for (let i = 0; i < 12; i++) keys.push(await gateway.create('/key/generate', {}));
    const { key } = keys.at(-1)!;
    for (let round = 0; round < 20; round++) {
      await gateway.create('/key/unblock', { key });
      const assigned_key_ids = round % 2 ? [] : keys.map(({ token_id }) => token_id);
      const [response] = await Promise.all([
        gateway.admin('PUT', `/v1/access_group/${group.body.access_group_id}`, { assigned_key_ids }),
        gateway.create('/key/block', { key }),
      ]);
      expect(response.status).toBe(200);
      expect((await gateway.admin('GET', `/key/info?key=${key}`)).body.info.blocked).toBe(true);
    }
  });

  describe('and at one access group, where nobody is answered 5xx', () => {
    let id: string;
    let name: string;
    let serial = 0;
    beforeEach(async () => {
      name = `h-${++serial}`;
      const { body } = await gateway.admin('POST', '/v1/access_group', { access_group_name: name, access_model_names: ['a'] }); // prettier-ignore
      id = body.access_group_id;
    });
    const refused = async (answers: Promise<Answer>[]) =>
      (await Promise.all(answers)).map(({ status }) => status).filter((status) => status >= 500);
    const createKeys = (count: number, body: object = {}) =>
      Promise.all(Array.from({ length: count }, () => gateway.create('/key/generate', body)));
    const update = (key: string, body: object) => gateway.admin('POST', '/key/update', { key, ...body });

    it('it changes, and is given to keys and teams', async () => {
      const keys = await createKeys(4);
      const teams = ['h-1', 'h-2', 'h-3', 'h-4'];
      for (const team_id of teams) await gateway.create('/team/new', { team_id });
      const all = { assigned_key_ids: keys.map(({ token_id }) => token_id), assigned_team_ids: teams };
      const none = { assigned_key_ids: [], assigned_team_ids: [] };
      const change = (members: object) => gateway.admin('PUT', `/v1/access_group/${id}`, members);
      const give = (access_group_ids: string[]) => [
        ...keys.map(({ key }) => update(key, { access_group_ids })),
        ...teams.map((team_id) => gateway.admin('POST', '/team/update', { team_id, access_group_ids })),
      ];
      for (let round = 0; round < 5; round++)
        expect(await refused([...give([id]), change(all), ...give([]), change(none)])).toEqual([]);
      const removed = gateway.admin('POST', '/team/delete', { team_ids: teams });
      expect(await refused([change(all), removed, change(none)])).toEqual([]);
    });

    it('two exchange their keys', async () => {
      const { body } = await gateway.admin('POST', '/v1/access_group', { access_group_name: `${name}-other`, access_model_names: ['a'] }); // prettier-ignore
      const all = (await createKeys(6)).map(({ token_id }) => token_id as string);
      const change = (group: string, assigned_key_ids: string[]) => gateway.admin('PUT', `/v1/access_group/${group}`, { assigned_key_ids }); // prettier-ignore
      for (let round = 0; round < 10; round++) {
        const [some, others] = round % 2 ? [all.slice(0, 3), all.slice(3)] : [all.slice(3), all.slice(0, 3)];
        expect(await refused([change(id, some), change(body.access_group_id, others)])).toEqual([]);
      }
      const keysOf = async (group: string) => (await gateway.admin('GET', `/v1/access_group/${group}`)).body.assigned_key_ids; // prettier-ignore
      expect((await keysOf(id)).toSorted()).toEqual(all.slice(0, 3).toSorted());
      expect((await keysOf(body.access_group_id)).toSorted()).toEqual(all.slice(3).toSorted());
    });

    it('keys are made and changed that have it, of a user who is new', async () => {
      const keys = await createKeys(6);
      for (let round = 0; round < 5; round++) {
        const body = { user_id: `${name}-${round}`, access_group_ids: [id] };
        const generate = keys.map(() => gateway.admin('POST', '/key/generate', body));
        expect(await refused([...generate, ...keys.map(({ key }) => update(key, body))])).toEqual([]);
      }
    });

    it('it is deleted by its name while its keys change', async () => {
      const keys = await createKeys(4, { access_group_ids: [id] });
      const changes = keys.map(({ key }) => update(key, { access_group_ids: [id] }));
      expect(await refused([...changes, gateway.admin('DELETE', `/access_group/${name}/delete`)])).toEqual(
        [],
      );
    });
  });

  it('who is second to choose a secret is told so', async () => {
    for (let round = 0; round < 5; round++) {
      const secret = `sk-chosen-twice-${round}`;
      const key = await gateway.createKey();
      const answers = await Promise.all([
        gateway.admin('POST', '/key/generate', { key: secret }),
        gateway.admin('POST', `/key/${key}/regenerate`, { new_key: secret }),
      ]);
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    }
  });
});
