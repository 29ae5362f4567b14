import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { freshPostgres, postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import { RedisServer, redisIsThere } from '../harness/redis.js';
import { Upstream } from '../harness/upstream.js';
import { MAIN } from '../harness/fresh-build.js';
import { eventually } from '../harness/eventually.js';

/** The salt is the same everywhere: databases distinguish installations, not secrets. */
const TOLLGATE_SALT_KEY = 'salt-of-all';
const WARNING = 'Two databases answer to the installation id';
const possible = (await postgresIsThere()) && redisIsThere();

interface Place {
  readonly namespace?: string;
  readonly db?: number;
}

describe.skipIf(!possible)('one Redis for several gateways', () => {
  let upstream: Upstream;
  let redis: RedisServer;
  beforeAll(async () => {
    upstream = await Upstream.start();
    redis = await RedisServer.start();
  });
  afterAll(() => closeAll(upstream, redis));

  const start = (url: string, { namespace, db }: Place = {}) =>
    Gateway.start({
      upstream,
      config: {
        litellm_settings: {
          cache_params: {
            type: 'redis',
            ...redis.address,
            ...(namespace !== undefined && { namespace }),
            ...(db !== undefined && { db }),
          },
        },
      },
      env: { DATABASE_URL: url, TOLLGATE_SALT_KEY },
    });
  const call = (at: Gateway, key: string, more: object = {}) =>
    at.chat(key, { model: 'm-out', max_tokens: 1, ...more });

  describe.each<[string, Place, Place]>([
    ['nothing', {}, {}],
    ['a namespace', { namespace: 'stage' }, { namespace: 'prod' }],
    ['a number', { db: 1 }, { db: 2 }],
    ['nothing but one namespace and number', { namespace: 'llm', db: 3 }, { namespace: 'llm', db: 3 }],
  ])('that differ in their database and by %s', (_, placeOfStage, placeOfProd) => {
    const databases: { url: string; drop: () => Promise<void> }[] = [];
    let stage: Gateway;
    let prod: Gateway;
    beforeAll(async () => {
      redis.command('FLUSHALL');
      for (let i = 0; i < 2; i++) databases.push(await migratedPostgres());
      stage = await start(databases[0]!.url, placeOfStage);
      prod = await start(databases[1]!.url, placeOfProd);
      // Alice may do nearly everything at stage …
      await stage.create('/user/new', { user_id: 'alice', user_role: 'proxy_admin', auto_create_key: false });
      await stage.create('/team/new', { team_id: 'T', max_budget: 1_000 });
      await stage.create('/team/new', { team_id: 'B' });
      // … and hardly anything at prod.
      await prod.create('/user/new', {
        user_id: 'alice',
        user_role: 'internal_user',
        auto_create_key: false,
      });
      await prod.create('/team/new', { team_id: 'T', max_budget: 0.002 });
      await prod.create('/team/new', { team_id: 'B' });
      await prod.create('/team/block', { team_id: 'B' });
    });
    afterAll(async () => {
      await closeAll(stage, prod);
      for (const { drop } of databases) await drop();
    });

    it('know nothing of each other: keys, roles, blocks, budgets, names', async () => {
      const [adminOfStage, teamOfStage, blockedAtProd] = [
        await stage.createKey({ user_id: 'alice' }),
        await stage.createKey({ team_id: 'T' }),
        await stage.createKey({ team_id: 'B' }),
      ];
      // Stage's rows are now in Redis.
      expect((await stage.as(adminOfStage, 'POST', '/user/new', { auto_create_key: false })).status).toBe(
        200,
      );
      for (const key of [teamOfStage, blockedAtProd]) expect((await call(stage, key)).status).toBe(200);

      expect((await prod.as(adminOfStage, 'POST', '/user/new', {})).status).toBe(401);
      expect((await call(prod, teamOfStage)).status).toBe(401);
      const [alice, teamOfProd, blocked] = [
        await prod.createKey({ user_id: 'alice' }),
        await prod.createKey({ team_id: 'T' }),
        await prod.createKey({ team_id: 'B' }),
      ];
      expect((await prod.as(alice, 'POST', '/user/new', { user_role: 'proxy_admin' })).status).toBe(403);
      const statuses = [];
      for (let i = 0; i < 4; i++) statuses.push((await call(prod, teamOfProd)).status);
      expect(statuses).toEqual([200, 200, 429, 429]);
      expect((await call(prod, blocked)).status).toBe(403);
      expect((await prod.admin('GET', '/team/info?team_id=T')).body.team_info.spend).toBe(0.002);

      const [idOfStage, idOfProd] = await Promise.all(
        [stage, prod].map(async (at) => (await at.sql('SELECT id FROM installation'))[0]!.id as string),
      );
      for (const [id, place] of [
        [idOfStage, placeOfStage],
        [idOfProd, placeOfProd],
      ] as const) {
        // prettier-ignore
        const own = `${place.namespace ? `${place.namespace}:` : ''}{tollgate:${id}}:`;
        const names = redis.keys(place.db).filter((name) => name.includes(id!));
        expect(names.length).toBeGreaterThan(3);
        expect(names.filter((name) => !name.startsWith(own))).toEqual([]);
        expect(redis.ask('PUBSUB', 'CHANNELS')).toContain(`${own}changes`);
      }
      const numbers = new Set([placeOfStage.db ?? 0, placeOfProd.db ?? 0]);
      const foreign = [...numbers]
        .flatMap((db) => redis.keys(db))
        .filter((name) => !name.includes(idOfStage!) && !name.includes(idOfProd!));
      expect(foreign).toEqual([]);
      for (const gateway of [stage, prod]) expect(gateway.logs).not.toContain(WARNING);
    });
  });

  it('is warned of when a copy of a database answers to the same id, until the copy has one of its own', async () => {
    redis.command('FLUSHALL');
    const original = await freshPostgres();
    let copied: Awaited<ReturnType<typeof freshPostgres>> | undefined;
    let first: Gateway | undefined;
    let second: Gateway | undefined;
    try {
      first = await start(original.url);
      const key = await first.createKey({ rpm_limit: 2 });
      expect(await first.terminate()).toBe(0);
      copied = await freshPostgres(original.url);
      await first.restart();
      second = await start(copied.url);
      for (const gateway of [first, second]) await eventually(() => expect(gateway.logs).toContain(WARNING));
      expect(second.logs).toContain('tollgate new-installation');

      const renewed = () => newInstallation({ DATABASE_URL: copied!.url });
      expect(renewed()).toMatchObject({ code: 1, output: expect.stringContaining('Stop them') as string });
      expect(await second.terminate()).toBe(0);
      expect(renewed()).toMatchObject({ code: 0, output: expect.stringContaining('it was') as string });
      second.logs = '';
      await second.restart();
      const statuses: number[] = [];
      for (const at of [first, first, first, second, second, second])
        statuses.push((await call(at, key)).status);
      expect(statuses).toEqual([200, 200, 429, 200, 200, 429]);
      await first.create('/key/block', { key });
      expect((await second.as(key, 'GET', '/v1/models')).status).toBe(200);
      await new Promise((done) => setTimeout(done, 4_000));
      expect(second.logs).not.toContain(WARNING);
    } finally {
      await closeAll(first, second);
      await original.drop();
      await copied?.drop();
    }
  });

  it('is not warned of among replicas of one database', async () => {
    redis.command('FLUSHALL');
    const { url, drop } = await migratedPostgres();
    const replicas: Gateway[] = [];
    try {
      for (let i = 0; i < 2; i++) replicas.push(await start(url));
      await replicas[0]!.kill9();
      await replicas[0]!.restart();
      await new Promise((done) => setTimeout(done, 4_000));
      for (const { logs } of replicas) expect(logs).not.toContain(WARNING);
    } finally {
      await closeAll(...replicas);
      await drop();
    }
  });
});

describe.skipIf(!redisIsThere())('one Redis for data folders', () => {
  it('is warned of when a copy of a folder answers to the same id, and not when a process is started again', async () => {
    const redis = await RedisServer.start();
    const env = { REDIS_URL: redis.url };
    const [folder, copy] = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'tollgate-folder-'))) as [
      string,
      string,
    ];
    const gateways: Gateway[] = [];
    try {
      const first = await Gateway.start({ dataFolder: folder, env });
      gateways.push(first);
      await first.kill9();
      cpSync(folder, copy, { recursive: true });
      await first.restart();
      await new Promise((done) => setTimeout(done, 4_000));
      expect(first.logs).not.toContain(WARNING);
      gateways.push(await Gateway.start({ dataFolder: copy, env }));
      for (const gateway of gateways) await eventually(() => expect(gateway.logs).toContain(WARNING));
    } finally {
      await closeAll(...gateways, redis);
      for (const each of [folder, copy]) rmSync(each, { recursive: true });
    }
  });
});

describe('tollgate new-installation', () => {
  it('gives a data folder a new id, unless a process uses it', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'tollgate-installation-'));
    try {
      const env = { TOLLGATE_DATA: dataFolder };
      expect(newInstallation(env)).toMatchObject({ code: 1, output: expect.stringContaining('tollgate migrate') as string }); // prettier-ignore
      const gateway = await Gateway.start({ dataFolder });
      const id = async () => (await gateway.sql('SELECT id FROM installation'))[0]!.id;
      const before = await id();
      expect(newInstallation(env)).toMatchObject({
        code: 1,
        output: expect.stringContaining('in use') as string,
      });
      expect(await id()).toBe(before);
      await gateway.terminate();
      const { code, output } = newInstallation(env);
      expect({ code, output }).toEqual({
        code: 0,
        output: expect.stringContaining(String(before)) as string,
      });
      expect(await id()).not.toBe(before);
      expect(output).toContain(String(await id()));
      await gateway.restart();
      expect((await gateway.admin('GET', '/key/list')).status).toBe(200);
      await gateway.close();
    } finally {
      rmSync(dataFolder, { recursive: true });
    }
  });
});

function newInstallation(env: Record<string, string>): { code: number | null; output: string } {
  const folder = env.TOLLGATE_DATA ?? mkdtempSync(join(tmpdir(), 'tollgate-command-'));
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'new-installation'], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        TOLLGATE_MASTER_KEY: 'sk-of-the-command',
        TOLLGATE_DATA: folder,
        ...env,
      },
      encoding: 'utf8',
    });
    return { code: status, output: stdout + stderr };
  } finally {
    if (!env.TOLLGATE_DATA) rmSync(folder, { recursive: true });
  }
}
