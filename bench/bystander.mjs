// `npm run bench:bystander`: measures how an attack by one caller affects the calls of another. It also checks whether response
// times reveal what the responses hide. The gateway has core 0; both callers and the upstream have core 1. Bounded, on loopback,
// stops by itself; `-- --seconds 2 --rounds 1 --pairs 100` makes a short run, `--only '5 MB'` selects attacks.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, setPriority, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { ATTACK_NAMES } from './attacks.mjs';
import { chatBody, residentMb } from './load.mjs';
import { forked, tollgate } from './peers.mjs';
import { machine, table, write } from './report.mjs';
import { timesTold } from './told-by-time.mjs';
import { longestTurn } from './turns.mjs';

const { values: asked } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '2' },
    pairs: { type: 'string', default: '1000' },
    only: { type: 'string', default: '' },
  },
});
const [seconds, rounds, pairs] = [asked.seconds, asked.rounds, asked.pairs].map(Number);
const [CALLS_PER_SECOND, LOOKS_PER_SECOND] = [100, 10];
const NOTHING = 'nothing';
const LAST = 19;

spawnSync('taskset', ['-cp', '1', String(process.pid)]);
const upstream = await forked('1', 'upstream.mjs');
const turns = join(mkdtempSync(join(tmpdir(), 'tollgate-bench-turns-')), 'longest');
process.on('exit', () => rmSync(dirname(turns), { recursive: true }));
const gateway = await tollgate(upstream.url, {
  NODE_OPTIONS: `--import ${join(import.meta.dirname, 'turns.mjs')}`,
  TURNS_FILE: turns,
});
const turned = () => longestTurn(gateway.pid, () => readFileSync(turns, 'utf8'));
/** The upstream of the attacks. It has a lower priority than the other processes on its core. */
const attacked = await forked('1', 'upstream.mjs');
setPriority(attacked.pid, LAST);
await gateway.admin('/model/new', {
  model_name: 'attacked',
  litellm_params: { model: 'openai/attacked', api_base: `${attacked.url}/v1`, api_key: 'sk-x' },
  model_info: { max_output_tokens: 1000, input_cost_per_token: 1e-7, output_cost_per_token: 1e-7 },
});
const attacker = (await gateway.admin('/key/generate', { models: ['attacked'], max_budget: 100_000 })).key;
const agent = new Agent({ connections: 1_000 });

/** Sends one request. Returns the milliseconds since it was due, and its status. */
async function timed(due, path, options) {
  const { statusCode, body } = await request(gateway.url + path, { dispatcher: agent, ...options });
  await body.text();
  return { ms: performance.now() - due, status: statusCode };
}

const smallCall = (due) =>
  timed(due, '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: chatBody(false),
  });
const look = (due) => timed(due, '/health/liveliness', {});

/** Starts requests at a fixed rate, even if earlier ones have not ended. The time a request waits counts. */
async function paced(perSecond, act) {
  const [begun, all] = [performance.now(), []];
  for (let i = 0; i < perSecond * seconds; i++) {
    const due = begun + (i * 1_000) / perSecond;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    // A delay of this process is not counted as the gateway's.
    all.push(act(Math.max(due, performance.now())));
  }
  return Promise.all(all);
}

async function beside(name) {
  await turned();
  const before = residentMb(gateway.pid);
  const attack = name === NOTHING ? undefined : await forked('1', 'attacks.mjs', name, gateway.url, attacker);
  if (attack) setPriority(attack.pid, LAST);
  let most = before;
  const sampling = setInterval(() => (most = Math.max(most, residentMb(gateway.pid))), 100);
  const [calls, looks, did] = await Promise.all([
    paced(CALLS_PER_SECOND, smallCall),
    paced(LOOKS_PER_SECOND, look),
    attack && ended(attack.child),
  ]);
  clearInterval(sampling);
  const turn = await turned();
  await new Promise((done) => setTimeout(done, 500));
  return { calls, looks, did, turn, before, most, after: residentMb(gateway.pid) };
}

/** Ends an attack after the seconds in which requests are due, even if requests still wait. Returns its report. */
async function ended(child) {
  await new Promise((done) => setTimeout(done, seconds * 1_000));
  const did = await new Promise((done) => {
    child.once('message', done);
    child.send('tell');
  });
  child.kill('SIGKILL');
  return did;
}

const at = (share, several) => {
  const sorted = several.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1);
};
const quantiles = (several) => [at(0.5, several), at(0.99, several), at(1, several)];
const refused = (several) => several.filter(({ status }) => status !== 200).length;

const names = [NOTHING, ...ATTACK_NAMES].filter((name) => name.includes(asked.only) || name === NOTHING);
// Flushes the disk, so that writes of an earlier benchmark are not measured. The first calls only fill the caches.
spawnSync('sync');
await paced(CALLS_PER_SECOND, smallCall);
const rows = [];
for (let round = 1; round <= rounds; round++) {
  for (const name of names) {
    const { calls, looks, did, turn, before, most, after } = await beside(name);
    rows.push([
      name,
      round,
      did ?? '',
      turn.toFixed(0),
      ...quantiles(calls),
      ...quantiles(looks),
      refused([...calls, ...looks]),
      ...[before, most, after].map((mb) => mb.toFixed(0)),
    ]);
    console.log(rows.at(-1).join(' | '));
  }
}
const columns = ['beside it', 'time', 'answered', 'longest turn, CPU ms', 'call p50 ms', 'p99', 'max', 'liveness p50 ms', 'p99', 'max', 'not 200', 'MB before', 'at most', 'a second after']; // prettier-ignore

const told = pairs ? await timesTold(gateway, pairs) : '';
write(
  'bystander.md',
  `## Beside somebody who does the worst

${machine}; SQLite, full guard; ${CALLS_PER_SECOND} small calls and ${LOOKS_PER_SECOND} looks at \`/health/liveliness\` a second for ${seconds} s beside each, on schedule however long the ones before take; all of it ${rounds} times over, one process. Goal: liveness under 100 ms, memory that is the same the second time. The longest turn of the event loop is what a look at the health waits for on a core of its own; milliseconds on the clock say as much of who else was on the machine (load ${loadavg()[0].toFixed(0)} at the end).

${table(columns, rows)}

${told}
`,
);
process.exit(0);
