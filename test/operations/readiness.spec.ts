import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import { freePort } from '../harness/redis.js';
import { Upstream } from '../harness/upstream.js';
import { MAIN } from '../harness/fresh-build.js';
import { eventually } from '../harness/eventually.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const readiness = async (gateway: Gateway) => (await gateway.send('GET', '/health/readiness')).status;
const CALL = { model: 'm-out', max_tokens: 1 };

async function started(env: Record<string, string> = {}) {
  const upstream = await Upstream.start();
  cleanups.push(() => upstream.close());
  const gateway = await Gateway.start({ upstream, env });
  cleanups.push(() => gateway.close());
  return { upstream, gateway, key: await gateway.createKey({ max_budget: 1 }) };
}

const isPostgresThere = await postgresIsThere();

describe('a process that cannot write', () => {
  it('is not ready until it can again, without any call (SQLite)', async () => {
    const { gateway, key } = await started();
    expect(await readiness(gateway)).toBe(200);
    const other = new Libsql(join(gateway.dataFolder, 'tollgate.db'));
    other.exec('BEGIN IMMEDIATE');
    expect((await gateway.chat(key, CALL)).status).toBe(503);
    expect(await readiness(gateway)).toBe(503);
    other.exec('ROLLBACK');
    other.close();
    await eventually(async () => expect(await readiness(gateway)).toBe(200));
    expect((await gateway.chat(key, CALL)).status).toBe(200);
  });

  it.skipIf(!isPostgresThere)('is not ready until it can again, without any call (PostgreSQL)', async () => {
    const { url, drop } = await migratedPostgres();
    cleanups.push(drop);
    const { gateway, key } = await started({ DATABASE_URL: url });
    const signature = 'text, boolean, text[], text[], bigint[], jsonb, jsonb, jsonb';
    await gateway.sql(`ALTER FUNCTION tollgate_hold(${signature}) RENAME TO away`);
    expect((await gateway.chat(key, CALL)).status).toBe(503);
    expect(await readiness(gateway)).toBe(503);
    await gateway.sql(`ALTER FUNCTION away(${signature}) RENAME TO tollgate_hold`);
    await eventually(async () => expect(await readiness(gateway)).toBe(200));
    expect((await gateway.chat(key, CALL)).status).toBe(200);

    await gateway.sql('ALTER TABLE replicas RENAME TO away');
    await eventually(async () => expect(await readiness(gateway)).toBe(503));
    await gateway.sql('ALTER TABLE away RENAME TO replicas');
    await eventually(async () => expect(await readiness(gateway)).toBe(200));
  });

  it('is ready after a call whose rows are at fault', async () => {
    const { gateway, key } = await started();
    await gateway.sql(
      `CREATE TRIGGER refuse BEFORE INSERT ON ledger_entries BEGIN SELECT RAISE(ABORT, 'no'); END`,
    );
    expect((await gateway.chat(key, CALL)).status).toBe(500);
    expect(await readiness(gateway)).toBe(200);
  });

  it('names a Redis that does not answer at the start and in readiness, with the reason in the log alone', async () => {
    const { gateway } = await started({ REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
    await eventually(() =>
      expect(gateway.logs).toMatch(
        /Warning: Redis does not answer, so calls get 503 until it does: .*ECONNREFUSED/,
      ),
    );
    const { status, text, body } = await gateway.send('GET', '/health/readiness');
    expect([status, body.error.message]).toEqual([503, 'Not ready: redis']);
    expect(text).not.toContain('ECONNREFUSED');
    await eventually(() =>
      expect(gateway.logs).toMatch(/HealthController.*Redis does not answer: .*ECONNREFUSED/),
    );
  });
});

describe('a data folder', () => {
  it('whose database is gone is told about at the start, and a ledger in pieces is not verified', async () => {
    const { gateway, key } = await started();
    expect((await gateway.chat(key, CALL)).status).toBe(200);
    await gateway.kill9();
    expect(gateway.logs).not.toContain('Warning');
    const wal = join(gateway.dataFolder, 'tollgate.db-wal');
    writeFileSync(wal, Buffer.alloc(8_192, 7));
    expect(gateway.verifyLedger()).toMatchObject({ code: 2, printed: expect.stringContaining('is not a write-ahead log') }); // prettier-ignore
    for (const name of ['tollgate.db', 'tollgate.db-wal', 'tollgate.db-shm'])
      rmSync(join(gateway.dataFolder, name), { force: true });
    await gateway.restart();
    expect(gateway.logs).toContain(`Warning: The data folder ${gateway.dataFolder} had a database`);
    expect((await gateway.chat(key, CALL)).status).toBe(401);
    // Its books no longer match those of its upstream, so no check runs at the end.
    await gateway.kill9();
  });
});

describe('a log that cannot be written', () => {
  it('does not end the process: its reader is gone', async () => {
    const { gateway, key } = await started();
    gateway.stopReading();
    for (let i = 0; i < 5; i++) {
      const refused = await Promise.all(Array.from({ length: 100 }, () => gateway.chat('sk-nobody', CALL)));
      expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([401]));
    }
    await new Promise((done) => setTimeout(done, 500));
    expect((await gateway.chat(key, CALL)).status).toBe(200);
  });

  it.each([false, true])('does not end the process: its disk is full (JSON: %s)', async (json) => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-'));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    const port = await freePort();
    const full = openSync('/dev/full', 'w');
    const gateway = spawn(process.execPath, [MAIN], {
      cwd: folder,
      env: {
        PORT: String(port),
        TOLLGATE_DATA: folder,
        TOLLGATE_MASTER_KEY: 'sk-master-of-full',
        JSON_LOGS: String(json),
      },
      stdio: ['ignore', full, full],
    });
    cleanups.push(() => gateway.kill('SIGKILL'));
    const list = async (key: string) => {
      const { statusCode, body } = await request(`http://127.0.0.1:${port}/key/list`, { headers: { authorization: `Bearer ${key}` } }); // prettier-ignore
      await body.dump();
      return statusCode;
    };
    await eventually(async () => expect(await list('sk-master-of-full')).toBe(200));
    for (let i = 0; i < 300; i++) expect(await list('sk-nobody')).toBe(401);
    await new Promise((done) => setTimeout(done, 500));
    expect(await list('sk-master-of-full')).toBe(200);
    expect(gateway.exitCode).toBeNull();
  });
});
