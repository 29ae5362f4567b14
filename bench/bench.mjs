// `npm run bench`: what a guarded call costs this process, beside a bare Fastify proxy, in the same run.
// CPU time of the measured process per request is the steady figure; throughput on a shared machine is not.
// Everything is on loopback, bounded in count and time, and stops by itself.
import { fork, spawn } from 'node:child_process';
import { cpus, tmpdir } from 'node:os';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';

const here = import.meta.dirname;
const ROUNDS = 3;
const SECONDS = 6;
const WARM_UP_SECONDS = 3;
const CONNECTIONS = 32;
const MASTER = 'sk-bench-master-key';
const TICKS_PER_SECOND = 100;

const body = JSON.stringify({
  model: 'm',
  max_tokens: 16,
  user: 'customer-1',
  messages: Array.from({ length: 10 }, (_, i) => ({
    role: i % 2 ? 'assistant' : 'user',
    content: 'x'.repeat(60),
  })),
});

const children = [];
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

/** Starts a process on one core: what is measured has core 0, everything else core 1. */
function forked(core, file, ...args) {
  return new Promise((done) => {
    const child = fork(join(here, file), args, {
      execPath: 'taskset',
      execArgv: ['-c', core, process.execPath],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.push(child);
    child.once('message', (url) => done({ child, url }));
  });
}

async function gateway(upstreamUrl) {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    stringify({
      model_list: [
        {
          model_name: 'm',
          litellm_params: { model: 'openai/m', api_base: `${upstreamUrl}/v1`, api_key: 'sk-x' },
          model_info: {
            max_output_tokens: 1000,
            max_input_tokens: 100000,
            input_cost_per_token: 1e-7,
            output_cost_per_token: 1e-7,
          },
        },
      ],
      litellm_settings: { max_budget: 1_000_000 },
    }),
  );
  const child = spawn(
    'taskset',
    ['-c', '0', process.execPath, '--max-semi-space-size=64', resolve(here, '../dist/src/main.js')],
    {
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        TOLLGATE_DATA: folder,
        TOLLGATE_CONFIG: config,
        TOLLGATE_MASTER_KEY: MASTER,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.push(child);
  const url = await new Promise((done) => {
    let heard = '';
    child.stdout.on('data', (bytes) => {
      heard += bytes;
      const found = /listening on (http:\S+)/.exec(heard);
      if (found) done(found[1]);
    });
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
  // Everyone a call can have behind it, three budgets with room.
  await admin('/organization/new', { organization_id: 'o', organization_alias: 'o', models: ['m'] });
  await admin('/team/new', { team_id: 't', organization_id: 'o', max_budget: 100_000, models: ['m'] });
  await admin('/user/new', { user_id: 'u', auto_create_key: false });
  await admin('/team/member_add', { team_id: 't', member: { role: 'user', user_id: 'u' } });
  await admin('/customer/new', { user_id: 'customer-1', max_budget: 100_000 });
  const { key } = await admin('/key/generate', {
    user_id: 'u',
    team_id: 't',
    max_budget: 100_000,
    budget_duration: '30d',
    models: ['m'],
  });
  return { child, url, key, stop: () => rmSync(folder, { recursive: true, force: true }) };
}

const cpuMs = (pid) => {
  const [, , ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '0 0 ')
    .split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
};

/** Load from `wrk` (a Debian package): it costs little itself. */
async function load(url, key, seconds) {
  const script = join(mkdtempSync(join(tmpdir(), 'tollgate-wrk-')), 'post.lua');
  const quoted = JSON.stringify(body).replaceAll('\\/', '/');
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.body = ${quoted}\nwrk.headers["content-type"] = "application/json"\nwrk.headers["authorization"] = "Bearer ${key}"\n` +
      'done = function(s, l) io.write(string.format("RESULT %d %d %.3f %.3f %.3f\\n", s.requests, s.errors.status + s.errors.connect + s.errors.read + s.errors.timeout, s.duration / 1e6, l:percentile(50) / 1000, l:percentile(99) / 1000)) end\n',
  );
  const wrk = spawn('taskset', [
    '-c',
    '1',
    'wrk',
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${seconds}s`,
    '-s',
    script,
    `${url}/v1/chat/completions`,
  ]);
  let output = '';
  wrk.stdout.on('data', (bytes) => (output += bytes));
  await new Promise((done) => wrk.on('exit', done));
  const [, requests, errors, took, p50, p99] = /RESULT (\d+) (\d+) (\S+) (\S+) (\S+)/.exec(output) ?? [];
  if (Number(errors) !== 0) throw new Error(`${errors} of ${requests} calls failed:\n${output}`);
  return {
    requests: Number(requests),
    perSecond: Number(requests) / Number(took),
    p50: Number(p50),
    p99: Number(p99),
  };
}

async function measure({ child, url, key }) {
  await load(url, key, WARM_UP_SECONDS);
  const before = cpuMs(child.pid);
  const { requests, ...told } = await load(url, key, SECONDS);
  return { cpuUs: ((cpuMs(child.pid) - before) * 1000) / requests, ...told };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

const upstream = await forked('1', 'upstream.mjs');
const fastify = { ...(await forked('0', 'bare-fastify.mjs', upstream.url)), key: 'sk-x' };
const tollgate = await gateway(upstream.url);
const runs = {
  'bare Fastify, JSON parse, undici request': [],
  'Tollgate, embedded, full guard, durable ledger': [],
};
for (let round = 0; round < ROUNDS; round++) {
  runs['bare Fastify, JSON parse, undici request'].push(await measure(fastify));
  runs['Tollgate, embedded, full guard, durable ledger'].push(await measure(tollgate));
}
tollgate.stop();

const [base] = Object.values(runs).map((several) => median(several.map(({ cpuUs }) => cpuUs)));
const rows = Object.entries(runs).map(([name, several]) => {
  const of = (field) => median(several.map((run) => run[field]));
  return {
    name,
    cpuUs: of('cpuUs'),
    ratio: of('cpuUs') / base,
    perSecond: of('perSecond'),
    p50: of('p50'),
    p99: of('p99'),
  };
});
const table = [
  `c = ${CONNECTIONS}, ${SECONDS} s × ${ROUNDS} rounds interleaved, medians; ${cpus().length} × ${cpus()[0].model}, Node ${process.version}`,
  '',
  '| | CPU µs / request | × bare Fastify | requests / s | p50 ms | p99 ms |',
  '|---|---|---|---|---|---|',
  ...rows.map(
    ({ name, cpuUs, ratio, perSecond, p50, p99 }) =>
      `| ${name} | ${cpuUs.toFixed(1)} | ${ratio.toFixed(2)} | ${Math.round(perSecond)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} |`,
  ),
].join('\n');
console.log(table);
mkdirSync(join(here, 'results'), { recursive: true });
writeFileSync(join(here, 'results', 'json-c32.md'), `${table}\n`);
process.exit(0);
