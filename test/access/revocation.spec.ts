import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { createApp } from '../../src/app.setup.js';
import { readConfig } from '../../src/config/read-config.js';
import { Ledger } from '../../src/ledger/sqlite/ledger.js';
import { readBooks } from '../harness/ledger-reader.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway, testModels } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(() => closeAll(gateway, upstream));

let serial = 0;

/** Makes a key with every kind of party behind it. */
async function company() {
  const id = `company-${++serial}`;
  await gateway.create('/organization/new', { organization_id: id, organization_alias: id });
  await gateway.create('/team/new', { team_id: id, organization_id: id });
  await gateway.create('/user/new', { user_id: id, auto_create_key: false });
  await gateway.create('/team/member_add', { team_id: id, member: { role: 'user', user_id: id } });
  await gateway.create('/customer/new', { user_id: id });
  return { id, key: await gateway.createKey({ user_id: id, team_id: id }) };
}

const patchOrganization = async (body: object) => {
  expect((await gateway.admin('PATCH', '/organization/update', body)).status).toBe(200);
};

describe('revocation is now: after the administrator’s 200 nothing is admitted any more', () => {
  it.each<[string, (who: { id: string; key: string }) => Promise<unknown>, number]>([
    ['block the key', ({ key }) => gateway.create('/key/block', { key }), 401],
    ['give the key a new secret', ({ key }) => gateway.create('/key/regenerate', { key }), 401],
    ['delete the key', ({ key }) => gateway.create('/key/delete', { keys: [key] }), 401],
    [
      'take the model from the key',
      ({ key }) => gateway.create('/key/update', { key, models: ['m-free'] }),
      403,
    ],
    [
      'take the route from the key',
      ({ key }) => gateway.create('/key/update', { key, allowed_routes: ['info_routes'] }),
      403,
    ],
    ['end the key’s life', ({ key }) => gateway.create('/key/update', { key, duration: '0s' }), 401],
    [
      'lower the key’s budget below its spend',
      ({ key }) => gateway.create('/key/update', { key, max_budget: 0 }),
      429,
    ],
    ['block the team', ({ id }) => gateway.create('/team/block', { team_id: id }), 403],
    ['delete the team', ({ id }) => gateway.create('/team/delete', { team_ids: [id] }), 401],
    [
      'take the model from the team',
      ({ id }) => gateway.create('/team/update', { team_id: id, models: ['m-free'] }),
      403,
    ],
    [
      'take the model from the member',
      ({ id }) =>
        gateway.create('/team/member_update', { team_id: id, user_id: id, allowed_models: ['m-free'] }),
      403,
    ],
    [
      'remove the member',
      ({ id }) => gateway.create('/team/member_delete', { team_id: id, user_id: id }),
      401,
    ],
    ['block the user', ({ id }) => gateway.create('/user/update', { user_id: id, blocked: true }), 403],
    ['delete the user', ({ id }) => gateway.create('/user/delete', { user_ids: [id] }), 401],
    ['block the organization', ({ id }) => patchOrganization({ organization_id: id, blocked: true }), 403],
    [
      'take the model from the organization',
      ({ id }) => patchOrganization({ organization_id: id, models: ['m-free'] }),
      403,
    ],
    ['block the end user', ({ id }) => gateway.create('/customer/block', { user_ids: [id] }), 403],
  ])('%s', async (_, revoke, status) => {
    const who = await company();
    const call = { model: 'm-out', max_tokens: 1, user: who.id };
    expect((await gateway.chat(who.key, call)).status).toBe(200);

    // Calls and new attempts run all the time while rights are revoked.
    let revoked = false;
    let over = false;
    const admittedAfter: unknown[] = [];
    const knock = async () => {
      while (!over) {
        const startedAfter = revoked;
        const answer = await gateway.chat(who.key, call);
        if (startedAfter && answer.status !== status) admittedAfter.push(answer.text);
      }
    };
    const knocking = Array.from({ length: 8 }, knock);
    await upstream.arrived(upstream.calls.length + 20);
    await revoke(who);
    revoked = true;
    for (let i = 0; i < 10; i++) expect((await gateway.chat(who.key, call)).status).toBe(status);
    over = true;
    await Promise.all(knocking);
    expect(admittedAfter).toEqual([]);
  });

  it('and given back at once', async () => {
    const { id, key } = await company();
    const call = { model: 'm-out', max_tokens: 1, user: id };
    await gateway.create('/team/block', { team_id: id });
    expect((await gateway.chat(key, call)).status).toBe(403);
    await gateway.create('/team/unblock', { team_id: id });
    expect((await gateway.chat(key, call)).status).toBe(200);
    await gateway.create('/customer/block', { user_ids: [id] });
    expect((await gateway.chat(key, call)).status).toBe(403);
    await gateway.create('/customer/unblock', { user_ids: [id] });
    expect((await gateway.chat(key, call)).status).toBe(200);
  });

  it('a key that was unknown a moment ago works when it is issued', async () => {
    const key = `sk-chosen-by-the-client-${++serial}`;
    expect((await gateway.chat(key, { model: 'm-out' })).status).toBe(401);
    await gateway.create('/key/generate', { key });
    expect((await gateway.chat(key, { model: 'm-out' })).status).toBe(200);
  });

  it('an end user that was unknown a moment ago is limited when it is made', async () => {
    const key = await gateway.createKey();
    const user = `new-${++serial}`;
    expect((await gateway.chat(key, { model: 'm-out', user })).status).toBe(200);
    await gateway.create('/customer/new', { user_id: user, max_budget: 0 });
    expect((await gateway.chat(key, { model: 'm-out', user })).status).toBe(429);
  });

  it('deleting and making again refills nothing', async () => {
    const id = `phoenix-${++serial}`;
    await gateway.create('/team/new', { team_id: id, max_budget: 0.01 });
    const first = await gateway.createKey({ team_id: id });
    expect((await gateway.chat(first, { model: 'm-out', max_tokens: 10 })).status).toBe(200);
    await gateway.create('/team/delete', { team_ids: [id] });
    await gateway.create('/team/new', { team_id: id, max_budget: 0.01 });
    const second = await gateway.createKey({ team_id: id });
    expect((await gateway.chat(second, { model: 'm-out', max_tokens: 10 })).status).toBe(429);
  });
});

describe('what an administrator reads', () => {
  it('is never older than the last write, and its spend never older than the last call', async () => {
    const { id, key } = await company();
    const read = async () => (await gateway.admin('GET', `/team/info?team_id=${id}`)).body.team_info;
    expect(await read()).toMatchObject({ team_alias: null, spend: 0 });
    expect(await read()).toMatchObject({ team_alias: null, spend: 0 });
    await gateway.chat(key, { model: 'm-out', max_tokens: 10 });
    expect(await read()).toMatchObject({ spend: 0.01 });
    await gateway.create('/team/update', { team_id: id, team_alias: 'Renamed' });
    expect(await read()).toMatchObject({ team_alias: 'Renamed', spend: 0.01 });
  });

  it('is never another caller’s answer', async () => {
    const [one, other] = [
      await gateway.createKey({ key_alias: `one-${serial}` }),
      await gateway.createKey({ key_alias: `other-${serial}` }),
    ];
    const aliasOf = async (key: string) => (await gateway.as(key, 'GET', '/key/info')).body.info.key_alias;
    for (let i = 0; i < 2; i++) {
      expect([await aliasOf(one), await aliasOf(other)]).toEqual([`one-${serial}`, `other-${serial}`]);
    }
    expect((await gateway.as(one, 'GET', `/key/info?key=${other}`)).status).toBe(403);
    expect((await gateway.as(one, 'GET', '/key/info?key=sk-nobody-at-all-1234')).status).toBe(403);
  });
});

describe('between the hold and the call', () => {
  it('who is blocked meanwhile is not forwarded, and its money is given back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-'));
    const config = join(folder, 'config.yaml');
    writeFileSync(config, stringify({ model_list: testModels(upstream.url) }));
    const master = 'sk-master-of-the-race';
    const app = await createApp(
      readConfig({ TOLLGATE_DATA: folder, TOLLGATE_MASTER_KEY: master, TOLLGATE_CONFIG: config }),
    );
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    try {
      const post = async (path: string, bearer: string, body: object) => {
        const answer = await request(url + path, {
          method: 'POST',
          headers: { authorization: `Bearer ${bearer}` },
          body: JSON.stringify(body),
        });
        return { status: answer.statusCode, body: (await answer.body.json()) as { key: string } };
      };
      const { key } = (await post('/key/generate', master, { max_budget: 1 })).body;
      const ledger = app.get(Ledger, { strict: false });
      const open = ledger.open.bind(ledger);
      let commit = () => {};
      const committing = new Promise<void>((resolve) => (commit = resolve));
      const holding = new Promise<void>((resolve) => {
        vi.spyOn(ledger, 'open').mockImplementationOnce(async (...args) => {
          resolve();
          await committing;
          return open(...args);
        });
      });
      const before = upstream.calls.length;
      const call = post('/v1/chat/completions', key, { model: 'm-out', max_tokens: 1, messages: [] });
      await holding;
      expect((await post('/key/block', master, { key })).status).toBe(200);
      commit();
      expect((await call).status).toBe(401);
      expect(upstream.calls.length).toBe(before);
      expect(readBooks(folder).entries.map(({ state }) => state)).toEqual(['released']);
    } finally {
      vi.restoreAllMocks();
      await app.close();
      rmSync(folder, { recursive: true });
    }
  });
});
