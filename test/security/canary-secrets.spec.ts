import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { stringify } from 'yaml';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Answer, Gateway, model } from '../harness/gateway.js';
import { freshPostgres, freshRole, postgresIsThere } from '../harness/postgres.js';
import { RedisServer, redisIsThere } from '../harness/redis.js';
import { Upstream } from '../harness/upstream.js';
import { MAIN } from '../harness/fresh-build.js';

const CANARY = {
  master: 'sk-canary-master-0001aaaa',
  salt: 'canary-salt-0002bbbb',
  configured: 'sk-canary-configured-0003cccc',
  added: 'sk-canary-added-0004dddd',
  header: 'canary-header-0005eeee',
  prompt: 'canary-prompt-0006ffff',
  chosen: 'sk-canary-chosen-0008hhhh',
  unknown: 'sk-canary-unknown-0007gggg',
};

let upstream: Upstream;
beforeAll(async () => {
  upstream = await Upstream.start();
});
afterAll(() => upstream.close());

/** Returns every line of a log of JSON lines, parsed. */
const entries = (logs: string) =>
  logs
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it.each(['text', 'JSON'])('no secret is anywhere but where it must be; logs are %s', async (format) => {
  const price = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
  const gateway = await Gateway.start({
    upstream,
    env: { TOLLGATE_MASTER_KEY: CANARY.master, TOLLGATE_SALT_KEY: CANARY.salt },
    config: {
      litellm_settings: { json_logs: format === 'JSON' },
      general_settings: { decision_log: 'all' },
      model_list: [
        model('good', upstream.url, price, {
          api_key: CANARY.configured,
          extra_headers: { 'x-secret': CANARY.header },
        }),
        model('gone', 'http://127.0.0.1:9/v1', price, { api_key: CANARY.configured }),
        // Left out, and named with its problems.
        {
          model_name: 'left-out',
          litellm_params: {
            model: 'bedrock-of-nobody/',
            api_key: CANARY.configured,
            api_base: `http://u:${CANARY.added}@h/?k=${CANARY.header}`,
            extra_headers: { 'bad name': CANARY.header },
          },
        },
      ],
    },
  });
  onTestFinished(() => gateway.close());
  const answers: Answer[] = [];
  const hear = async (answer: Promise<Answer>) => {
    answers.push(await answer);
    return answers.at(-1)!;
  };
  const { key } = (await gateway.admin('POST', '/key/generate', { max_budget: 1, key_alias: 'watched' }))
    .body as { key: string };
  const secrets = { ...CANARY, issued: key };
  const messages = [{ role: 'user', content: CANARY.prompt }];
  const chat = (name: string, body = {}) =>
    hear(gateway.as(key, 'POST', '/v1/chat/completions', { model: name, messages, max_tokens: 5, ...body }));

  await hear(
    gateway.admin('POST', '/model/new', {
      model_name: 'added',
      litellm_params: {
        model: 'openai/up',
        api_base: upstream.url,
        api_key: CANARY.added,
        output_cost_per_token: 0.001,
      },
    }),
  );
  expect((await chat('good')).status).toBe(200);
  expect((await chat('good', { stream: true })).status).toBe(200);
  expect((await chat('added')).status).toBe(200);
  expect(upstream.calls.map(({ headers }) => headers.authorization)).toContain(`Bearer ${CANARY.added}`);
  expect(upstream.calls.at(-1)!.headers['x-secret']).toBeUndefined();
  expect(upstream.calls.at(-2)!.headers['x-secret']).toBe(CANARY.header);
  for (const behaviour of [
    {
      status: 500,
      errorBody: {
        error: {
          message: `Incorrect API key provided: ${CANARY.configured}, at http://h/?key=${CANARY.added}`,
        },
      },
    },
    { status: 401, errorBody: { error: `bad key ${CANARY.configured} ${CANARY.header}` } },
    { rawBody: `<html>${CANARY.configured}` },
    { reset: true },
  ]) {
    upstream.behave = () => behaviour;
    expect((await chat('good')).status).toBeGreaterThanOrEqual(400);
  }
  upstream.behave = () => ({});
  await chat('gone');
  await chat('nobody');
  await chat('good', { max_tokens: 5_000 });
  await chat('good', { api_key: 'x' });
  await hear(gateway.as(CANARY.unknown, 'GET', '/v1/models'));
  await hear(gateway.send('GET', '/v1/models', undefined, { authorization: CANARY.unknown }));
  await hear(gateway.send('GET', `/v1/models?key=${CANARY.unknown}`));
  for (const path of ['/health/liveliness', '/health/readiness', '/openapi.json', '/docs'])
    await hear(gateway.send('GET', path));
  for (const path of [
    '/model/info',
    '/spend/logs',
    '/global/spend',
    '/key/list?return_full_object=true',
    `/key/info?key=${key}`,
    '/key/info',
  ]) {
    await hear(gateway.admin('GET', path));
  }
  await gateway.create('/key/generate', { key: CANARY.chosen });
  await gateway.create('/key/update', { key: CANARY.chosen, max_budget: 1 });
  await gateway.create('/key/delete', { keys: [CANARY.chosen] });
  const { body: audit } = await hear(gateway.admin('GET', '/audit?page_size=100'));
  expect(audit.audit_logs.map(({ action }: { action: string }) => action).toSorted()).toEqual(
    ['created', 'created', 'created', 'deleted', 'updated'], // prettier-ignore
  );
  for (const { id } of audit.audit_logs as { id: string }[]) await hear(gateway.admin('GET', `/audit/${id}`));
  await hear(gateway.admin('POST', '/key/block', { key: CANARY.unknown }));
  await hear(gateway.admin('POST', '/key/generate', '{"max_budget": "x'));
  await hear(
    gateway.admin('POST', '/access/v1/evaluation', {
      subject: { type: 'key', id: key },
      action: { name: 'call' },
      resource: { type: 'model', id: 'good' },
    }),
  );
  expect(await gateway.terminate()).toBe(0);

  const texts = new Map<string, string>();
  // A response may repeat what the admin's request named: `/key/info?key=…` echoes the requested key.
  answers.forEach(({ text, headers }, i) =>
    texts.set(`answer ${i}`, text.replaceAll(`"key":"${key}"`, '') + JSON.stringify(headers)),
  );
  expect(gateway.logs).toContain('left out: left-out (model_list[2])');
  texts.set('output', gateway.logs);
  for (const file of readdirSync(gateway.dataFolder)) {
    if (file !== 'config.yaml') texts.set(file, readFileSync(join(gateway.dataFolder, file), 'latin1'));
  }
  expect([...texts.keys()]).toContain('tollgate.db');
  const found = [...texts].flatMap(([place, text]) =>
    Object.entries(secrets).flatMap(([name, secret]) =>
      text.includes(secret) ? [`${name} in ${place}: ${text.slice(0, 200)}`] : [],
    ),
  );
  expect(found).toEqual([]);
  if (format === 'JSON') {
    const failed = answers
      .filter(({ status }) => status >= 500)
      .map(({ headers }) => headers['x-request-id']);
    const logged = entries(gateway.logs);
    for (const entry of logged)
      for (const field of ['time', 'level', 'context', 'message'])
        expect(entry[field]).toEqual(expect.any(String));
    expect(logged.filter(({ level }) => level === 'error').map(({ request_id }) => request_id)).toEqual(
      failed,
    );
    expect(failed.length).toBeGreaterThan(2);
  }
});

/** Returns the place and the name of each secret that a text contains. */
const leaks = (texts: Readonly<Record<string, string>>, secrets: Readonly<Record<string, string>>) =>
  Object.entries(texts).flatMap(([place, text]) =>
    Object.entries(secrets).flatMap(([name, secret]) => (text.includes(secret) ? [`${name} in ${place}`] : [])),
  ); // prettier-ignore

/** Runs a start that fails. Returns its output. */
function failedStart(config: object, env: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bad-start-'));
  try {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, stringify(config));
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN], {
      cwd: folder,
      env: { PATH: process.env.PATH, PORT: '0', TOLLGATE_DATA: folder, TOLLGATE_CONFIG: file, TOLLGATE_SALT_KEY: CANARY.salt, ...env },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
} // prettier-ignore

it.each<[string, object, Record<string, string>?]>([
  ['a misspelled setting', { general_settings: { master_key: CANARY.master, max_budgett: 1, budget_wait_ms: 'x' } }],
  ['a key where a number belongs', { general_settings: { master_key: CANARY.master, max_request_size_mb: CANARY.configured } }],
  ['a master key that is none', { general_settings: { master_key: { nested: CANARY.master } } }],
  ['a database that is none', {}, { DATABASE_URL: `mongodb://u:${CANARY.added}@127.0.0.1:9/x` }],
  ['a database that is not there', {}, { DATABASE_URL: `postgres://u:${CANARY.added}@127.0.0.1:9/x` }],
  ['a Redis that is none', {}, { REDIS_URL: `http://:${CANARY.added}@127.0.0.1:9` }],
])('a start that fails over %s tells no secret', (_, config, env = {}) => {
  const whole = { general_settings: { master_key: CANARY.master }, model_list: [], ...config };
  const printed = failedStart(whole, env);
  const json = failedStart(whole, { ...env, JSON_LOGS: 'true' });
  expect(printed).toMatch(/Tollgate did not start|The configuration is invalid/);
  const { level, message } = entries(json).at(-1)!;
  expect([level, printed.trim().endsWith(message as string)]).toEqual(['fatal', true]);
  expect(leaks({ printed, json }, CANARY)).toEqual([]);
}); // prettier-ignore

const possible = (await postgresIsThere()) && redisIsThere();

it.skipIf(!possible)('nor is one when PostgreSQL and Redis fail under it, nor in any of their columns', async () => {
  const secrets: Record<string, string> = { ...CANARY, database: 'canary-database-0008hhhh', redis: 'canary-redis-0009iiii' };
  const { url, drop } = await freshPostgres();
  const redis = await RedisServer.start();
  const secretUrl = new URL(url);
  const role = await freshRole(secrets.database!);
  secretUrl.username = role.name;
  secretUrl.password = secrets.database!;
  const shared = await Gateway.start({
    upstream,
    config: { general_settings: { decision_log: 'all' } },
    env: {
      TOLLGATE_MASTER_KEY: CANARY.master,
      TOLLGATE_SALT_KEY: CANARY.salt,
      DATABASE_URL: secretUrl.href,
      REDIS_URL: redis.url.replace('//', `//default:${secrets.redis}@`),
    },
  });
  const texts: Record<string, string> = {};
  const hear = async (place: string, asked: Promise<Answer>) => {
    const { text, headers, status } = await asked;
    texts[`${place} (${status})`] = text + JSON.stringify(headers);
    return status;
  };
  try {
    const key = (secrets.issued = await shared.createKey({ max_budget: 1, rpm_limit: 100 }));
    const call = () => shared.chat(key, { model: 'm-out', max_tokens: 1, user: 'u', messages: [{ role: 'user', content: CANARY.prompt }] });
    await shared.create('/model/new', { model_name: 'added', litellm_params: { model: 'openai/up', api_base: upstream.url, api_key: CANARY.added } });
    expect(await hear('a call', call())).toBe(200);
    await hear('a stranger', shared.as(CANARY.unknown, 'GET', '/v1/models'));
    for (const path of ['/metrics', '/health/readiness', '/model/info', '/spend/logs', '/key/list?return_full_object=true'])
      expect(await hear(path, shared.admin('GET', path))).toBe(200);

    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows: tables } = await client.query<{ name: string }>(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`);
    expect(tables.length).toBeGreaterThan(10);
    for (const { name } of tables) texts[`table ${name}`] = JSON.stringify((await client.query(`SELECT t::text FROM "${name}" t`)).rows);
    await client.end();
    expect(texts['table virtual_keys']).toContain(key.slice(-4));

    await redis.stop();
    expect(await hear('a call without Redis', call())).toBe(503);
    await drop();
    const withoutDatabase: Record<string, () => Promise<Answer>> = {
      'a call': call,
      'a new key': () => shared.admin('POST', '/key/generate', { key: 'sk-canary-chosen-0010jjjj' }),
      'a look': () => shared.admin('GET', `/key/info?key=${key}`),
      'another stranger': () => shared.as(`${CANARY.unknown}-too`, 'GET', '/v1/models'),
      'a model': () => shared.admin('POST', '/model/new', { model_name: 'x', litellm_params: { model: 'openai/x', api_key: CANARY.added } }),
      readiness: () => shared.send('GET', '/health/readiness'),
    };
    for (const [name, asked] of Object.entries(withoutDatabase)) {
      const place = `${name} without a database`;
      const status = await hear(place, asked());
      expect({ place, status }).toEqual({ place, status: 503 });
    }
    secrets.chosen = 'sk-canary-chosen-0010jjjj';
  } finally {
    await shared.close();
    await redis.close();
    await drop();
    await role.drop();
  }
  texts.output = shared.logs;
  expect(leaks(texts, secrets)).toEqual([]);
}); // prettier-ignore
