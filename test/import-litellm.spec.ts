import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { spawn } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from './gateway.js';
import { freshPostgres, postgresIsThere } from './postgres.js';
import { RedisServer, redisIsThere } from './redis.js';
import { Upstream } from './upstream.js';

const MAIN = resolve(import.meta.dirname, '../dist/src/main.js');
const SQL = readFileSync(resolve(import.meta.dirname, 'litellm.sql'), 'utf8');
const SALT_KEY = 'sk-the-salt-of-litellm';
const MASTER_KEY = 'sk-master-of-the-import';
const HOUR_MS = 3_600_000;

const isPossible = (await postgresIsThere()) && redisIsThere();

let upstream: Upstream;
let litellm: { url: string; drop: () => Promise<void> };
const now = new Date();
/** LiteLLM resets a `30d` budget here, and a `1h` one half an hour from now. */
const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
const hour = new Date(now.getTime() + HOUR_MS / 2);

beforeAll(async () => {
  if (!isPossible) return;
  upstream = await Upstream.start();
  litellm = await freshPostgres();
  const params = (saltKey: string) => ({
    model: sealed('openai/up-m-stored', saltKey),
    api_base: sealed(upstream.url, saltKey),
    api_key: sealed('sk-provider-key-of-the-tests', saltKey),
    use_in_pass_through: false,
  });
  const values: Record<string, string> = {
    month: month.toISOString().slice(0, -1),
    hour: hour.toISOString().slice(0, -1),
    params: JSON.stringify(params(SALT_KEY)),
    strangers_params: JSON.stringify(params('sk-another-salt')),
  };
  const client = new pg.Client({ connectionString: litellm.url });
  await client.connect();
  await client.query(
    SQL.replace(/(?<!:):(month|hour|params|strangers_params)\b/g, (_, name: string) => `'${values[name]}'`),
  );
  await client.end();
});
afterAll(async () => {
  await upstream?.close();
  await litellm?.drop();
});

/** As PyNaCl's SecretBox does it, which LiteLLM uses. */
function sealed(text: string, saltKey: string): string {
  const nonce = randomBytes(24);
  const box = xsalsa20poly1305(hash('sha256', saltKey, 'buffer'), nonce).encrypt(Buffer.from(text));
  return Buffer.concat([nonce, box]).toString('base64url');
}

interface Target {
  readonly dataFolder: string;
  readonly env: Record<string, string>;
}

/** What a person at a shell sees. */
async function imported({ dataFolder, env }: Target, ...words: string[]) {
  const child = spawn(process.execPath, [MAIN, 'import-litellm', litellm.url, ...words], {
    cwd: dataFolder,
    env: { PATH: process.env.PATH, TOLLGATE_DATA: dataFolder, ...env },
  });
  let out = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (out += bytes.toString()));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, out };
}

const ENV = { TOLLGATE_MASTER_KEY: MASTER_KEY, LITELLM_SALT_KEY: SALT_KEY };

/** Whatever the import was into, this is true of the gateway afterwards. */
async function expectEverythingThere(gateway: Gateway): Promise<void> {
  const call = (key: string, more: object = {}) =>
    gateway.chat(key, { model: 'm-out', max_tokens: 10, ...more });
  const statusOf = async (...args: Parameters<typeof call>) => (await call(...args)).status;
  const info = async (key: string) => (await gateway.admin('GET', `/key/info?key=${key}`)).body.info;

  const pipeline = await info('sk-of-the-pipeline');
  expect(pipeline.metadata).toEqual({ owner: 'ops', model_rpm_limit: { 'm-out': 50 }, tags: ['nightly'] });
  expect(pipeline).toMatchObject({
    key_name: 'sk-...line',
    key_alias: 'ci',
    spend: 0.09,
    max_budget: 0.1,
    budget_duration: '30d',
    budget_reset_at: month.toISOString(),
    expires: '2099-01-02T03:04:05.000Z',
    models: ['m-out'],
    user_id: 'maker',
  });
  expect(await statusOf('sk-of-the-pipeline')).toBe(200);
  expect(await call('sk-of-the-pipeline')).toMatchObject({
    status: 429,
    body: { error: { details: { scope: { kind: 'key' } } } },
  });
  expect((await info('sk-of-the-pipeline')).spend).toBe(0.1);

  // A window that has ended is forgotten; one that is open is not, and ends when LiteLLM's would.
  expect(await statusOf('sk-of-last-month')).toBe(200);
  expect(await statusOf('sk-used-up-in-this-hour')).toBe(429);
  expect((await info('sk-used-up-in-this-hour')).budget_reset_at).toBe(hour.toISOString());

  const checkOf = async (key: string) => (await call(key)).body.error.details.check as string;
  expect([await checkOf('sk-expired'), await checkOf('sk-blocked')]).toEqual([
    'keyIsNotExpired',
    'keyIsNotBlocked',
  ]);
  expect(await statusOf('sk-with-the-same-name')).toBe(200);
  expect((await info('sk-with-the-same-name')).key_alias).toBe(null);
  for (const left of ['sk-of-carol', 'sk-of-a-project']) expect(await statusOf(left)).toBe(401);

  // Members: by a budget of their own, and by what the team says of all.
  expect(await statusOf('sk-of-alice', { max_tokens: 1 })).toBe(200);
  for (const key of ['sk-of-alice', 'sk-of-alice-before', 'sk-of-bob'])
    expect((await call(key)).body.error.details.scope.kind).toBe('member');
  expect((await call('sk-of-alice', { model: 'm-in' })).body.error.details.check).toBe('modelIsAllowed');
  expect((await call('sk-of-alice', { model: 'fast' })).status).toBe(429);

  for (const [more, kind] of [
    [{ user: 'customer-1' }, 'end_user'],
    [{ metadata: { tags: ['batch'] } }, 'tag'],
  ] as const)
    expect((await call('sk-with-the-same-name', more)).body.error.details.scope.kind).toBe(kind);
  expect(await statusOf('sk-with-the-same-name', { model: 'm-stored' })).toBe(200);
  expect(upstream.calls.at(-1)).toMatchObject({
    model: 'up-m-stored',
    headers: { authorization: 'Bearer sk-provider-key-of-the-tests' },
  });

  const { team_info } = (await gateway.admin('GET', '/team/info?team_id=research')).body;
  expect(team_info).toMatchObject({
    team_alias: 'Research',
    organization_id: 'acme',
    spend: 3.001,
    tags: ['science'],
    metadata: { cost_center: 7 },
    team_member_budget: 0.02,
    members_with_roles: [
      { user_id: 'alice', role: 'admin' },
      { user_id: 'bob', role: 'user' },
    ],
  });
  expect((await gateway.admin('GET', '/team/info?team_id=blocked')).body.team_info.blocked).toBe(true);
  expect((await gateway.admin('GET', '/user/info?user_id=alice')).body.user_info).toMatchObject({
    user_email: 'alice@example.com',
    max_budget: 10,
    spend: 0.301,
  });
  expect((await gateway.admin('GET', '/organization/info?organization_id=acme')).body).toMatchObject({
    spend: 12.501,
    created_at: '2025-01-02T03:04:05.678Z',
    litellm_budget_table: { max_budget: 100 },
    members: [{ user_id: 'alice', user_role: 'org_admin' }],
  });
  expect(gateway.verifyLedger()).toMatchObject({ code: 0 });
}

describe.skipIf(!isPossible)('tollgate import-litellm', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'tollgate-import-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('into a folder: a dry run keeps nothing, the first takes all that can be, the second nothing', async () => {
    const target = { dataFolder: folder, env: ENV };
    const dry = await imported(target, '--dry-run');
    expect(dry).toMatchObject({ code: 1, out: expect.stringContaining('nothing was written') });

    const { code, out } = await imported(target);
    const report = (text: string) => text.slice(text.indexOf('\n\n')).split('\n').slice(3);
    expect(report(out)).toEqual(report(dry.out));
    expect(code).toBe(1);
    expect(out).toContain('LiteLLM_VerificationToken: 11 of 11\n');
    for (const line of [
      'LiteLLM_BudgetTable: 4 taken (1 of them changed), 0 there already, 1 left',
      'LiteLLM_VerificationToken: 8 taken (1 of them changed), 0 there already, 3 left',
      '1 amounts were rounded',
      'LiteLLM_BudgetTable "of-alice-in-research": tpm_limit: 2147483647 instead of 1000000000000',
      'LiteLLM_UserTable "alice": object_permission_id: has no counterpart here',
      'LiteLLM_UserTable "bob": user_email: is another',
      'LiteLLM_UserTable "bob": user_role: internal_user instead of customer',
      'LiteLLM_BudgetTable "broken": budget_duration',
      'LiteLLM_UserTable "carol": max_budget',
      'LiteLLM_TeamMembership "long-gone/alice": ',
      'LiteLLM_VerificationToken "sk-...shed": token',
      `LiteLLM_VerificationToken "${hash('sha256', 'sk-of-carol')}": its user carol was left`,
      'LiteLLM_ProxyModelTable "m-2": litellm_params.model: cannot be decrypted',
      'LiteLLM_SpendLogs: 2 rows\n',
      'LiteLLM_CredentialsTable: 1 rows: c-1',
    ])
      expect(out).toContain(line);

    expect(out).not.toContain('sk-never-hashed');

    const gateway = await Gateway.start({ upstream, env: ENV, dataFolder: folder });
    try {
      const { code: refused, out: why } = await imported(target);
      expect({ refused, why }).toEqual({
        refused: 1,
        why: expect.stringContaining('in use by another process'),
      });
      await expectEverythingThere(gateway);
      await gateway.admin('POST', '/key/delete', { keys: ['sk-with-the-same-name'] });
      await gateway.admin('POST', '/team/update', { team_id: 'research', max_budget: 77 });
      await gateway.terminate();
      const again = await imported(target);
      expect(again.out).toContain(
        'LiteLLM_VerificationToken: 0 taken (0 of them changed), 8 there already, 3 left',
      );
      await gateway.restart();
      expect((await gateway.chat('sk-with-the-same-name', { model: 'm-free' })).status).toBe(401);
      const { team_info } = (await gateway.admin('GET', '/team/info?team_id=research')).body;
      expect(team_info).toMatchObject({ max_budget: 77, spend: 3.001 });
    } finally {
      await gateway.close();
    }
  }, 120_000);

  it('into PostgreSQL, beside a running gateway that knows at once', async () => {
    const [{ url, drop }, redis] = await Promise.all([freshPostgres(), RedisServer.start()]);
    const env = { ...ENV, DATABASE_URL: url, REDIS_URL: redis.url };
    const gateway = await Gateway.start({ upstream, env });
    try {
      expect((await gateway.chat('sk-of-the-pipeline', { model: 'm-out' })).status).toBe(401);
      const target = { dataFolder: gateway.dataFolder, env };
      expect((await imported(target, '--dry-run')).code).toBe(1);
      expect((await gateway.admin('GET', '/user/list')).body.total).toBe(0);
      await imported(target);
      await expectEverythingThere(gateway);
      const audit = (await gateway.admin('GET', '/audit?object_id=research')).body.audit_logs;
      expect(audit).toMatchObject([
        {
          action: 'created',
          changed_by: 'litellm-import',
          updated_values: { team_alias: 'Research', spend: 3 },
        },
      ]);
    } finally {
      await gateway.close();
      await redis.close();
      await drop();
    }
  }, 120_000);
});
