// Starts the gateway and the peers it is compared with. Each has core 0; load and upstream have core 1.
import { fork, spawn, spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Libsql from 'libsql';
import pg from 'pg';
import { stringify } from 'yaml';
import { isInstalled, numberedKey } from './load.mjs';

const here = import.meta.dirname;
const MASTER = 'sk-bench-master-key';
const POSTGRES = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const PORTKEY = resolve(here, '../node_modules/@portkey-ai/gateway/build/start-server.js');

const cleaning = [];
process.on('exit', () => cleaning.forEach((clean) => clean()));
const afterwards = (clean) => void cleaning.push(clean);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const folderFor = (name) => {
  const folder = mkdtempSync(join(tmpdir(), `tollgate-bench-${name}-`));
  afterwards(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Forks a script of this folder, which reports its address. */
export function forked(core, file, ...args) {
  return new Promise((done) => {
    const child = fork(join(here, file), args, {
      execPath: 'taskset',
      execArgv: ['-c', core, process.execPath],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    afterwards(() => child.kill('SIGKILL'));
    child.once('message', (url) => done({ child, pid: child.pid, url, key: 'sk-x' }));
  });
}

function spawned(command, env = {}) {
  const child = spawn('taskset', ['-c', '0', ...command], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  afterwards(() => child.kill('SIGKILL'));
  return child;
}

async function answers(url) {
  for (let tries = 100; tries; tries--) {
    if (await fetch(url).then(() => true, () => false)) return; // prettier-ignore
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${url} does not answer.`);
}

async function nginx(upstream) {
  const [folder, port] = [folderFor('nginx'), await freePort()];
  const config = join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
     events { worker_connections 2048; }
     http { access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder};
       fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
       upstream provider { server ${new URL(upstream).host}; keepalive 512; }
       server { listen 127.0.0.1:${port}; keepalive_requests 100000000;
         location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header connection "";
           proxy_buffering off; } } }`,
  );
  const { pid } = spawned(['nginx', '-c', config, '-e', `${folder}/error.log`]);
  const url = `http://127.0.0.1:${port}`;
  await answers(url);
  const worker = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0];
  return { pid: Number(worker), url, key: 'sk-x' };
}

async function portkey(upstream) {
  const port = await freePort();
  const { host, hostname } = new URL(upstream);
  const { pid } = spawned([process.execPath, PORTKEY, '--headless', `--port=${port}`], {
    TRUSTED_CUSTOM_HOSTS: `${hostname},${host}`,
    NODE_ENV: 'production',
  });
  const url = `http://127.0.0.1:${port}`;
  await answers(url);
  const headers = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream}/v1` };
  return { pid, url, key: 'sk-x', headers };
}

/** Starts the gateway. Its key has every party behind it: three budgets, two rate limits. */
export async function tollgate(upstream, env = {}) {
  const folder = folderFor('gateway');
  const config = join(folder, 'config.yaml');
  const price = { input_cost_per_token: 1e-7, output_cost_per_token: 1e-7 };
  const models = [
    {
      model_name: 'm',
      litellm_params: { model: 'openai/m', api_base: `${upstream}/v1`, api_key: 'sk-x' },
      model_info: { max_output_tokens: 10_000, max_input_tokens: 100_000, ...price },
    },
  ];
  writeFileSync(config, stringify({ model_list: models, litellm_settings: { max_budget: 1_000_000 } }));
  const flags = ['--max-semi-space-size=64', '--use-largepages=silent', '--v8-pool-size=1'];
  const command = [process.execPath, ...flags, resolve(here, '../dist/bundle/tollgate.js')];
  const child = spawned(command, {
    PORT: '0',
    TOLLGATE_DATA: folder,
    TOLLGATE_CONFIG: config,
    TOLLGATE_MASTER_KEY: MASTER,
    ...env,
  });
  const url = await new Promise((done, failed) => {
    let heard = '';
    child.stdout.on('data', (bytes) => {
      heard += bytes;
      const found = /listening on (http:\S+)/.exec(heard);
      if (found) done(found[1]);
    });
    child.once('exit', (code) => failed(new Error(`The gateway exited with ${code}.\n${heard}`)));
  });
  const admin = async (path, fields) => {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${MASTER}` },
      body: JSON.stringify(fields),
    });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return answer.json();
  };
  const limits = { max_budget: 100_000, models: ['m'] };
  await admin('/organization/new', { organization_id: 'o', organization_alias: 'o', models: ['m'] });
  await admin('/team/new', { team_id: 't', organization_id: 'o', rpm_limit: 100_000_000, ...limits });
  await admin('/user/new', { user_id: 'u', auto_create_key: false });
  await admin('/team/member_add', { team_id: 't', member: { role: 'user', user_id: 'u' } });
  await admin('/customer/new', { user_id: 'customer-1', max_budget: 100_000 });
  const fields = { user_id: 'u', team_id: 't', budget_duration: '30d', tpm_limit: 2_000_000_000 };
  await admin('/key/generate', { key: numberedKey(1), ...fields, ...limits });
  return { pid: child.pid, url, folder, admin, master: MASTER, key: numberedKey(1) };
}

/** Copies the first key of a gateway on SQLite until it has `count` keys. (Over HTTP a million keys would take an hour.) */
export function addKeys({ folder }, count) {
  const database = new Libsql(join(folder, 'tollgate.db'), { timeout: 10_000 });
  const [{ there }] = database.prepare('SELECT count(*) AS there FROM virtual_keys').all();
  const others = database
    .prepare('PRAGMA table_info(virtual_keys)')
    .all()
    .map(({ name }) => name)
    .filter((name) => !['id', 'secret_hash', 'key_alias'].includes(name));
  const copy = database.prepare(
    `INSERT INTO virtual_keys (id, secret_hash, ${others}) SELECT ?, ?, ${others} FROM virtual_keys WHERE secret_hash = ?`,
  );
  const hashOf = (n) => hash('sha256', numberedKey(n));
  database.exec('BEGIN');
  for (let n = there + 1; n <= count; n++)
    copy.run([`00000000-0000-7000-8000-${String(n).padStart(12, '0')}`, hashOf(n), hashOf(1)]);
  database.exec('COMMIT');
  database.close();
}

async function postgresAndRedis(upstream) {
  const name = `tollgate_bench_${process.pid}`;
  const database = new URL(POSTGRES);
  database.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: POSTGRES });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const port = await freePort();
  const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
  });
  afterwards(() => redis.kill('SIGKILL'));
  afterwards(() => spawnSync('psql', [POSTGRES, '-qc', `DROP DATABASE ${name} WITH (FORCE)`]));
  return tollgate(upstream, { DATABASE_URL: database.href, REDIS_URL: `redis://127.0.0.1:${port}` });
}

async function postgresAnswers() {
  const client = new pg.Client({ connectionString: POSTGRES, connectionTimeoutMillis: 2_000 });
  return client.connect().then(() => client.end().then(() => true), () => false); // prettier-ignore
}

/** Peers by name; `isThere` says whether this machine has what a peer needs. The first that is always there is the yardstick. */
export const PEERS = {
  'bare Fastify, JSON parse, undici request': {
    isThere: () => true,
    start: (upstream) => forked('0', 'bare-fastify.mjs', upstream),
  },
  'bare node:http, undici dispatch': {
    isThere: () => true,
    start: (upstream) => forked('0', 'bare-undici.mjs', upstream),
  },
  'nginx reverse proxy': { isThere: () => isInstalled('nginx'), start: nginx },
  'Tollgate on SQLite, full guard, durable ledger': { isThere: () => true, start: tollgate },
  'Tollgate on PostgreSQL + Redis, full guard': {
    isThere: async () => isInstalled('redis-server') && (await postgresAnswers()),
    start: postgresAndRedis,
  },
  'Portkey gateway, no budgets': { isThere: () => existsSync(PORTKEY), start: portkey },
};
