import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { spawn } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { freshPostgres, postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import { RedisServer, redisIsThere } from '../harness/redis.js';
import { Upstream } from '../harness/upstream.js';
import { MAIN } from '../harness/fresh-build.js';

const SQL = readFileSync(resolve(import.meta.dirname, '../harness/litellm.sql'), 'utf8');
const SALT_KEY = 'sk-the-salt-of-litellm';
const MASTER_KEY = 'sk-master-of-the-import';
const HOUR_MS = 3_600_000;

const isPossible = (await postgresIsThere()) && redisIsThere();

let upstream: Upstream;
let litellm: { url: string; drop: () => Promise<void> };
const now = new Date();
/** End of a LiteLLM budget of `30d`; that of `1h` ends half an hour from now. */
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

/** Encrypts as PyNaCl's SecretBox does, which LiteLLM uses. */
function sealed(text: string, saltKey: string): string {
  const nonce = randomBytes(24);
  const box = xsalsa20poly1305(hash('sha256', saltKey, 'buffer'), nonce).encrypt(Buffer.from(text));
  return Buffer.concat([nonce, box]).toString('base64url');
}

interface Target {
  readonly dataFolder: string;
  readonly env: Record<string, string>;
}

/** Runs the import as a user at a shell does. */
const imported = (target: Target, ...words: string[]) => importedFrom(litellm.url, target, ...words);

async function importedFrom(url: string, { dataFolder, env }: Target, ...words: string[]) {
  const child = spawn(process.execPath, [MAIN, 'import-litellm', url, ...words], {
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

/** Expects the imported data in a gateway on any database. */
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
    budget_duration: 'monthly',
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

  // Spending of an ended window does not count. Spending of an open one does, until LiteLLM's window would end.
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

  // Members are limited by their own budget, and by the team's budget for each member.
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
      'LiteLLM_BudgetTable: 4 taken (0 of them changed), 0 there already, 1 left',
      'LiteLLM_VerificationToken: 8 taken (1 of them changed), 0 there already, 3 left',
      '1 amounts were rounded',
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
      const { team_info, team_memberships } = (await gateway.admin('GET', '/team/info?team_id=research'))
        .body;
      expect(team_info).toMatchObject({ max_budget: 77, spend: 3.001 });
      const [ofAlice] = team_memberships.filter(({ user_id }: { user_id: string }) => user_id === 'alice');
      expect(ofAlice.litellm_budget_table.tpm_limit).toBe(1_000_000_000_000);
    } finally {
      await gateway.close();
    }
  });

  it('into PostgreSQL, beside a running gateway that knows at once', async () => {
    const [{ url, drop }, redis] = await Promise.all([migratedPostgres(), RedisServer.start()]);
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
  });
});

/** Rows that LiteLLM's forms never make. They come from an admin with psql, an old version or an attacker. */
const ODD = `
INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, budget_duration, budget_reset_at, created_at) VALUES
  ('t-infinity', 1, '30d', 'infinity', now()), ('t-bc', 1, '30d', '0044-03-15 BC', now()), ('t-far', 1, '30d', '20000-01-01', now()),
  ('t-made-never', 1, NULL, NULL, '-infinity'), ('t-nan', 'NaN', NULL, NULL, now()), ('t-endless', 'Infinity', NULL, NULL, now()),
  ('t-less', '-Infinity', NULL, NULL, now()), ('t-good', 1, NULL, NULL, now());
INSERT INTO "LiteLLM_BudgetTable" (budget_id, model_max_budget) VALUES ('t-deep', '{"m": {"max_budget": 1e400}}');
INSERT INTO "LiteLLM_UserTable" (user_id, created_at, user_email, spend) VALUES
  ('u-infinity', 'infinity', NULL, 0), ('u-far', '20000-01-01', NULL, 0), ('u-nan', now(), NULL, 'NaN'),
  ('u-1', now(), '\u00c9ve@x.test', 0), ('u-2', now(), 'E\u0301VE@X.test', 0), ('u-good', now(), NULL, 0);
INSERT INTO "LiteLLM_TeamTable" (team_id, metadata) VALUES
  ('team-object', '{"team_member_budget_id": {"x": 1}}'), ('team-true', '{"team_member_budget_id": true}'),
  ('team-list', '[1]'), ('team-good', '{}');
INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id, budget_id) VALUES
  ('u-good', 'team-good', 't-less'), ('u-1', 'team-good', NULL);
INSERT INTO "LiteLLM_VerificationToken" (token, key_name, key_alias, expires, last_rotation_at, blocked, user_id, team_id) VALUES
  (encode(sha256('sk-kept'), 'hex'), 'kept', 'k', 'infinity', NULL, NULL, NULL, NULL),
  (encode(sha256('sk-over'), 'hex'), 'over', NULL, '-infinity', NULL, NULL, NULL, NULL),
  (encode(sha256('sk-rotated-never'), 'hex'), 'never', NULL, NULL, 'infinity', NULL, NULL, NULL),
  (encode(sha256('sk-of-a-left-member'), 'hex'), 'member', NULL, NULL, NULL, NULL, 'u-good', 'team-good'),
  (encode(sha256('sk-blocked-one'), 'hex'), 'blocked', NULL, NULL, NULL, true, NULL, NULL),
  (encode(sha256('sk-of-boss'), 'hex'), 'boss', NULL, NULL, NULL, NULL, NULL, NULL),
  (encode(sha256('sk-good'), 'hex'), 'good', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO "LiteLLM_DeprecatedVerificationToken" (id, token, active_token_id, revoke_at) VALUES
  ('1', encode(sha256('sk-blocked-one'), 'hex'), encode(sha256('sk-of-boss'), 'hex'), '2099-01-01'),
  ('2', repeat('a', 65), encode(sha256('sk-good'), 'hex'), '2099-01-01'),
  ('3', encode(sha256('sk-kept-before'), 'hex'), encode(sha256('sk-kept'), 'hex'), 'infinity');
ALTER TABLE "LiteLLM_ProxyModelTable" ALTER litellm_params DROP NOT NULL;
INSERT INTO "LiteLLM_ProxyModelTable" (model_id, model_name, litellm_params, model_info) VALUES
  ('m-null', 'a', 'null', '{}'), ('m-none', 'b', NULL, '{}'), ('m-list', 'c', '[1]', '{}'), ('m-info', 'd', '{}', '7');
CREATE TABLE "LiteLLM_Z" (a int);
CREATE TABLE "LiteLLM_Z""; COMMIT; CREATE TABLE pwned(); --" (a int);
CREATE TABLE "LiteLLM_\u001b[2JName" ("its ""id""  " text);
INSERT INTO "LiteLLM_\u001b[2JName" VALUES (E'x\\ny');
CREATE VIEW "LiteLLM_Broken" AS SELECT 1 / (random() * 0)::int AS a WHERE 1 / (random() * 0)::int = 1;
`;

describe.skipIf(!isPossible)('rows and names nobody thought of', () => {
  let odd: { url: string; drop: () => Promise<void> };
  const sql = async (text: string) => {
    const client = new pg.Client({ connectionString: odd.url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const folders: string[] = [];
  const emptyFolder = () => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-import-odd-'));
    folders.push(folder);
    return folder;
  };
  const hashed = (secret: string) => hash('sha256', secret);
  beforeAll(async () => {
    odd = await freshPostgres();
    await sql(SQL.slice(0, SQL.indexOf('-- What a company has')));
    await sql(ODD);
  });
  afterAll(async () => {
    await odd?.drop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it.each(['SQLite', 'PostgreSQL'])('are named and left, into %s, and everything else is taken', async (database) => {
    const postgres = database === 'SQLite' ? undefined : await freshPostgres();
    const target = { dataFolder: emptyFolder(), env: { ...ENV, ...(postgres && { DATABASE_URL: postgres.url }) } };
    const { code, out } = await importedFrom(odd.url, target);
    expect(code, out).toBe(1);
    for (const line of [
      '\nDone:\n',
      'LiteLLM_BudgetTable: 3 taken (2 of them changed), 0 there already, 6 left',
      'LiteLLM_BudgetTable "t-infinity": budget_reset_at: infinity is no instant',
      'LiteLLM_BudgetTable "t-bc": budget_reset_at: 0044-03-15 00:00:00 BC is no instant',
      'LiteLLM_BudgetTable "t-far": budget_reset_at: 20000-01-01 00:00:00 is no instant',
      'LiteLLM_BudgetTable "t-made-never": created_at: -infinity is no instant',
      'LiteLLM_BudgetTable "t-nan": max_budget: NaN limits nothing',
      'LiteLLM_BudgetTable "t-endless": max_budget: Infinity limits nothing',
      'LiteLLM_BudgetTable "t-less": max_budget: holds a number',
      'LiteLLM_BudgetTable "t-deep": model_max_budget: holds a number',
      'LiteLLM_UserTable: 3 taken (1 of them changed), 0 there already, 3 left',
      'LiteLLM_UserTable "u-2": user_email: is another',
      'LiteLLM_UserTable "u-infinity": created_at',
      'LiteLLM_UserTable "u-far": created_at',
      'LiteLLM_UserTable "u-nan": spend',
      'LiteLLM_TeamTable: 1 taken (0 of them changed), 0 there already, 3 left',
      'LiteLLM_TeamTable "team-object": metadata.team_member_budget_id: is no text',
      'LiteLLM_TeamTable "team-true": metadata.team_member_budget_id: is no text',
      'LiteLLM_TeamTable "team-list": metadata: is no mapping',
      'LiteLLM_TeamMembership "team-good/u-good": its budget t-less was left',
      'LiteLLM_VerificationToken: 4 taken (3 of them changed), 0 there already, 3 left',
      `"${hashed('sk-kept')}": expires: never`,
      `"${hashed('sk-kept')}": the secret before: ends infinity`,
      `"${hashed('sk-over')}": expires: -infinity is no instant`,
      `"${hashed('sk-rotated-never')}": last_rotation_at: infinity is no instant`,
      `"${hashed('sk-of-a-left-member')}": the membership of its user in team team-good was left`,
      `"${hashed('sk-of-boss')}": the secret before: is a key of its own`,
      `"${hashed('sk-good')}": the secret before: is no SHA-256`,
      ...['m-null', 'm-none', 'm-list'].map((id) => `LiteLLM_ProxyModelTable "${id}": litellm_params: is no mapping`),
      'LiteLLM_ProxyModelTable "m-info": model_info: is no mapping',
      'LiteLLM_Broken: cannot be read: division by zero',
      'LiteLLM_\\u001b[2JName: 1 rows: x\\u000ay',
    ])
      expect(out).toContain(line);
    expect(out).not.toContain('\u001b[2J');
    expect(await sql(`SELECT to_regclass('pwned') AS pwned`)).toEqual([{ pwned: null }]);
    const gateway = await Gateway.start({ upstream, dataFolder: target.dataFolder, env: target.env });
    try {
      const statusOf = async (key: string) => (await gateway.chat(key, { model: 'm-free' })).status;
      for (const [key, status] of [['sk-kept', 200], ['sk-good', 200], ['sk-of-boss', 200], ['sk-blocked-one', 401], ['sk-over', 401], ['sk-kept-before', 401]] as const)
        expect([key, await statusOf(key)]).toEqual([key, status]);
    } finally {
      await gateway.close();
      await postgres?.drop();
    }
  }); // prettier-ignore

  it('do not keep the report from being printed when a database fails', async () => {
    await sql(`ALTER TABLE "LiteLLM_TagTable" RENAME TO tags;
      CREATE VIEW "LiteLLM_TagTable" AS SELECT 'x' AS tag_name, 1 / (random() * 0)::int AS spend`);
    for (const words of [[], ['--dry-run']]) {
      const { code, out } = await importedFrom(odd.url, { dataFolder: emptyFolder(), env: ENV }, ...words);
      expect(code).toBe(1);
      expect(out).toContain('ended early');
      expect(out).toContain('LiteLLM_UserTable: 3 taken (1 of them changed), 0 there already, 3 left');
      expect(out).toContain('LiteLLM_TeamTable "team-list": metadata: is no mapping');
      expect(out).toContain('division by zero');
    }
  });
});

/** Limits that LiteLLM enforces and this gateway does not. */
const LIMITED = `
CREATE TABLE "LiteLLM_ObjectPermissionTable" (
  object_permission_id text PRIMARY KEY, vector_stores text[] DEFAULT '{}', mcp_servers text[] DEFAULT '{}', mcp_tool_permissions jsonb
);
INSERT INTO "LiteLLM_ObjectPermissionTable" VALUES ('op-none', '{}', '{}', NULL), ('op-some', '{vs-1}', '{}', NULL);
INSERT INTO "LiteLLM_UserTable" (user_id, metadata, object_permission_id) VALUES
  ('switched-off', '{"scim_active": false}', 'op-none'), ('active', '{"scim_active": true}', 'op-none'), ('stores', '{}', 'op-some');
INSERT INTO "LiteLLM_TeamTable" (team_id, metadata) VALUES ('traced', '{"require_trace_id": true}'), ('plain', '{"require_trace_id": false}');
INSERT INTO "LiteLLM_VerificationToken" (token, key_name, user_id, metadata, allowed_routes) VALUES
  (encode(sha256('sk-of-the-switched-off'), 'hex'), 'off', 'switched-off', '{}', '{}'),
  (encode(sha256('sk-with-tools'), 'hex'), 'tools', NULL, '{"allowed_tools": ["good"]}', '{}'),
  (encode(sha256('sk-with-params'), 'hex'), 'params', NULL, '{"enforced_params": ["user"]}', '{}'),
  (encode(sha256('sk-with-a-group-nobody-knows'), 'hex'), 'group', NULL, '{}', '{llm_api_routez}'),
  (encode(sha256('sk-of-the-active'), 'hex'), 'active', 'active', '{}', '{llm_api_routes}');
INSERT INTO "LiteLLM_ProxyModelTable" (model_id, model_name, litellm_params, model_info) VALUES
  ('m-credited', 'credited', '{"model": "openai/x", "litellm_credential_name": "azure"}', '{}');
`;

it.skipIf(!isPossible)('what would limit and is not enforced is named and left; a user SCIM switched off is blocked', async () => {
  const from = await freshPostgres();
  const client = new pg.Client({ connectionString: from.url });
  await client.connect();
  await client.query(SQL.slice(0, SQL.indexOf('-- What a company has')) + LIMITED);
  await client.end();
  const dataFolder = mkdtempSync(join(tmpdir(), 'tollgate-import-limited-'));
  const { out } = await importedFrom(from.url, { dataFolder, env: ENV });
  await from.drop();
  for (const line of [
    'LiteLLM_UserTable: 2 taken (2 of them changed), 0 there already, 1 left',
    '"switched-off": metadata.scim_active: false, so the user is blocked',
    '"stores": object_permission: object_permission would limit, and is not enforced here',
    '"traced": metadata: metadata.require_trace_id would limit, and is not enforced here',
    `"${hash('sha256', 'sk-with-tools')}": metadata: metadata.allowed_tools would limit, and is not enforced here`,
    `"${hash('sha256', 'sk-with-a-group-nobody-knows')}": allowed_routes`,
    '"m-credited": litellm_params.litellm_credential_name',
  ])
    expect(out).toContain(line);
  const gateway = await Gateway.start({ upstream, env: ENV, dataFolder });
  try {
    const statuses: Record<string, number> = {};
    for (const key of ['sk-of-the-switched-off', 'sk-with-tools', 'sk-with-params', 'sk-with-a-group-nobody-knows', 'sk-of-the-active'])
      statuses[key] = (await gateway.chat(key, { model: 'm-free' })).status;
    expect(statuses).toEqual({
      'sk-of-the-switched-off': 403,
      'sk-with-tools': 401,
      'sk-with-params': 400,
      'sk-with-a-group-nobody-knows': 401,
      'sk-of-the-active': 200,
    });
    expect((await gateway.admin('GET', '/user/info?user_id=switched-off')).body.user_info.blocked).toBe(true);
  } finally {
    await gateway.close();
    rmSync(dataFolder, { recursive: true, force: true });
  }
}); // prettier-ignore
