// Runs every coding agent of the PATH against a gateway and a scripted model, with keys that pass and keys that are refused.
// npm run coding-agents [-- --agent Codex --case "money gone" --logs FOLDER]
// On Linux it runs in namespaces of its own: no agent can call anything but loopback, and what one leaves running ends with the walk.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AGENTS } from './agents.mjs';
import { CONTENT, LISTING, PRICES, WRITTEN, startScriptedModel, taskIn } from './scripted-model.mjs';

const { values: options } = parseArgs({
  options: {
    agent: { type: 'string', multiple: true },
    case: { type: 'string', multiple: true },
    logs: { type: 'string' },
  },
});
const GATEWAY = resolve(import.meta.dirname, '../../dist/bundle/tollgate.js');
const MASTER_KEY = 'sk-master-of-the-walk';

/** Keys of the cases. `oneStep`: the budget admits one call; `limitSeconds`: how long an agent may take. */
const CASES = {
  'five dollars': { key: { max_budget: 5 } },
  'money gone': { key: { max_budget: 5 }, spend: 5, limitSeconds: 60 },
  'key deleted': { key: { max_budget: 5 }, isDeleted: true, limitSeconds: 60 },
  'other model only': { key: { max_budget: 5, models: ['another'] }, limitSeconds: 60 },
  'money ends in the middle': { key: {}, oneStep: true, limitSeconds: 60, model: { toolTokens: 3000 } },
  '$0.40 left': { key: { max_budget: 5 }, spend: 4.6 },
  'one call a minute': { key: { max_budget: 5, rpm_limit: 1 }, limitSeconds: 300 },
  'four sessions on $2': {
    key: { max_budget: 2 },
    sessions: 4,
    model: { toolTokens: 5000, delayMs: 2000 },
  },
};

/** Starts the walk again in namespaces of its own; returns where that is not possible. */
function isolate() {
  if (process.env.TOLLGATE_WALK_ISOLATED || process.platform !== 'linux') return;
  const script = 'ip link set lo up && exec "$0" "$@"';
  const command = [process.execPath, ...process.argv.slice(1)];
  const own = ['--net', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const namespace = process.getuid() === 0 ? own : [...own, '--map-root-user'];
  if (spawnSync('unshare', [...namespace, 'sh', '-c', 'ip link set lo up']).status !== 0) return;
  const { status } = spawnSync('unshare', [...namespace, 'sh', '-c', script, ...command], {
    stdio: 'inherit',
    env: { ...process.env, TOLLGATE_WALK_ISOLATED: '1' },
  });
  process.exit(status ?? 1);
}

/** Starts a gateway before the scripted model, in a folder of its own. */
async function startGateway(scriptedUrl, folder) {
  const perToken = (nanoUsd) => Number(nanoUsd) / 1e9;
  const gpt = PRICES['gpt-5'];
  const claude = PRICES['claude-sonnet-4-5'];
  const config = {
    model_list: [
      {
        model_name: 'gpt-5',
        litellm_params: { model: 'openai/gpt-5', api_base: `${scriptedUrl}/v1`, api_key: 'sk-provider' },
        model_info: {
          max_input_tokens: 272_000,
          max_output_tokens: 32_000,
          input_cost_per_token: perToken(gpt.input),
          cache_read_input_token_cost: perToken(gpt.cacheRead),
          output_cost_per_token: perToken(gpt.output),
        },
      },
      {
        model_name: 'claude-sonnet-4-5',
        litellm_params: { model: 'anthropic/claude-sonnet-4-5', api_base: scriptedUrl, api_key: 'sk-provider' }, // prettier-ignore
        model_info: {
          max_input_tokens: 200_000,
          max_output_tokens: 64_000,
          input_cost_per_token: perToken(claude.input),
          cache_read_input_token_cost: perToken(claude.cacheRead),
          cache_creation_input_token_cost: perToken(claude.cacheWrite),
          cache_creation_input_token_cost_above_1hr: perToken(claude.cacheWriteHour),
          output_cost_per_token: perToken(claude.output),
        },
      },
    ],
    general_settings: { max_event_loop_delay_ms: 0, drain_seconds: 0 },
  };
  const file = join(folder, 'config.yaml');
  writeFileSync(file, JSON.stringify(config));
  const env = { PATH: process.env.PATH, PORT: '0', TOLLGATE_CONFIG: file, TOLLGATE_DATA: folder, TOLLGATE_MASTER_KEY: MASTER_KEY }; // prettier-ignore
  const child = spawn(process.execPath, [GATEWAY], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let log = '';
  const url = await new Promise((done, failed) => {
    child.on('exit', () => failed(new Error(`The gateway did not start:\n${log}`)));
    child.stdout.on('data', (bytes) => {
      log += bytes;
      const [, found] = /listening on (http:[^\s"]+)/.exec(log) ?? [];
      if (found) done(found);
    });
  });
  const call = async (path, body) => {
    const response = await fetch(url + path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${MASTER_KEY}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const stop = () => new Promise((done) => child.removeAllListeners('exit').on('exit', done) && child.kill());
  return { url, call, stop };
}

/** Passes every request on to the gateway and records its path, status and time. */
async function startRecorder(gatewayUrl) {
  const requests = [];
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const passed = request(gatewayUrl + url, { method, headers }, (answer) => {
      const entry = { method, url, headers, status: answer.statusCode, answer: answer.headers, at: Date.now(), error: '' };
      requests.push(entry);
      if (entry.status >= 400) answer.on('data', (bytes) => (entry.error += bytes));
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    }); // prettier-ignore
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { requests, url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** Runs a program to its end or its limit; returns what its user sees. */
function run(program, args, { cwd, home, env, limitSeconds }) {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd,
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', TERM: 'dumb', HOME: home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let seen = '';
    let isStopped = false;
    const end = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The agent left no process behind.
      }
    };
    const timer = setTimeout(() => {
      isStopped = true;
      end();
    }, limitSeconds * 1000);
    for (const output of [child.stdout, child.stderr]) output.on('data', (bytes) => (seen += bytes));
    child.on('exit', (code) => {
      clearTimeout(timer);
      end();
      done({ code, seen, isStopped });
    });
  });
}

const nanoUsd = (usd) => BigInt(Math.round(usd * 1e9));

/** Tells what the user sees of a refusal: its sentence, or the agent's last line instead. */
function sightOf(seen, { error }) {
  // oxlint-disable-next-line eslint/no-control-regex -- Terminals are coloured by control characters.
  const plain = (text) => text.replaceAll(/\u001b\[[\d;]*m/g, '');
  const { message } = JSON.parse(error).error;
  const packed = (text) => plain(text).replaceAll(/\s+/g, '');
  const shows = packed(seen).includes(packed(message).slice(0, 60));
  return shows ? message : `NOT THE REASON: ${plain(seen).trim().split('\n').at(-1)}`;
}

/** Runs one agent with the key of one case and returns a row of the table. */
async function walk(agent, name, { gateway, scripted, folder, logs }) {
  const {
    key: fields,
    spend,
    isDeleted,
    oneStep,
    limitSeconds = 120,
    sessions = 1,
    model = {},
  } = CASES[name];
  const { program, model: modelName, keyFields, oneStepUsd, isEditor, command } = AGENTS[agent];
  const { key } = await gateway.call('/key/generate', {
    ...fields,
    ...keyFields,
    ...(oneStep && { max_budget: oneStepUsd }),
  });
  if (spend) await gateway.call('/key/update', { key, spend });
  if (isDeleted) await gateway.call('/key/delete', { keys: [key] });
  Object.assign(scripted, { toolTokens: 300, delayMs: 0 }, model);
  const recorder = await startRecorder(gateway.url);
  scripted.calls.length = 0;
  const place = join(folder, `${program} ${name}`.replaceAll(/\W+/g, '-'));

  const session = async (nth) => {
    const home = join(place, `home${nth}`);
    const cwd = join(place, `work${nth}`);
    for (const one of [home, cwd]) mkdirSync(one, { recursive: true });
    const { before, args, env } = command({ url: recorder.url, key, model: modelName, task: taskIn(cwd), home });
    if (before) await run(program, before, { cwd, home, env, limitSeconds });
    const { code, seen, isStopped } = await run(program, args, { cwd, home, env, limitSeconds });
    const wrote = (file) => existsSync(join(cwd, file)) && readFileSync(join(cwd, file), 'utf8');
    const hasFinished = code === 0 && wrote(WRITTEN) === `${CONTENT}\n` && (isEditor || wrote(LISTING));
    return { hasFinished, seen, isStopped };
  }; // prettier-ignore
  const results = await Promise.all(Array.from({ length: sessions }, (_, nth) => session(nth)));
  const endedAt = Date.now();
  recorder.close();

  const calls = recorder.requests.filter(({ method }) => method === 'POST');
  const refusals = calls.filter(({ status }) => status >= 400);
  const upstreamCost = scripted.calls.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n);
  const info = isDeleted ? undefined : (await gateway.call(`/key/info?key=${key}`)).info;
  const spent = info && nanoUsd(info.spend) - nanoUsd(spend ?? 0);
  const rows = await gateway.call(`/spend/logs?api_key=${key}`);
  const seen = results.map((result) => result.seen).join('\n');
  const hasFinished = results.every((result) => result.hasFinished);
  if (logs) {
    const upstream = scripted.calls.map(({ path, limit, cut, costNanoUsd }) => ({ path, limit, cut, costNanoUsd: Number(costNanoUsd) })); // prettier-ignore
    const log = JSON.stringify({ seen, requests: recorder.requests, rows, upstream }, null, 1);
    writeFileSync(join(logs, `${program} ${name}.json`.replaceAll(/[^\w.]+/g, '-')), log);
  }
  return {
    agent,
    case: name,
    finished: hasFinished ? 'yes' : 'no',
    requests: calls.length,
    refused: [...new Set(refusals.map(({ status }) => status))].join(', '),
    'seconds from the refusal to the end': hasFinished || !refusals.length
      ? ''
      : ((endedAt - refusals[0].at) / 1000).toFixed(1) + (results.some(({ isStopped }) => isStopped) ? ' (ended by the walk)' : ''),
    clamped: calls.filter(({ answer }) => answer['x-tollgate-clamped']).length,
    cut: scripted.calls.filter(({ cut }) => cut).length,
    'spent = provider': info ? `${spent === upstreamCost ? 'yes' : 'NO'} ${Number(spent) / 1e9}` : '',
    'session, user agent': [...new Set(rows.map(({ session_id, metadata }) => `${session_id ?? '-'} ${metadata.user_agent}`))].join('; '),
    'its user sees': hasFinished || !refusals.length ? '' : sightOf(seen, refusals.at(-1)),
  }; // prettier-ignore
}

/** Tells whether the PATH has a program. */
const isInstalled = (program) =>
  process.env.PATH.split(delimiter).some((place) => existsSync(join(place, program)));

isolate();
const folder = mkdtempSync(join(tmpdir(), 'tollgate-agents-'));
const logs = options.logs && resolve(options.logs);
if (logs) mkdirSync(logs, { recursive: true });
const scripted = await startScriptedModel();
const gateway = await startGateway(scripted.url, folder);
const table = [];
for (const [agent, { program, oneStepUsd }] of Object.entries(AGENTS)) {
  if (options.agent && !options.agent.includes(agent)) continue;
  if (!isInstalled(program)) {
    console.log(`${agent}: there is no ${program} in the PATH`);
    continue;
  }
  for (const [name, { oneStep }] of Object.entries(CASES)) {
    if ((options.case && !options.case.includes(name)) || (oneStep && !oneStepUsd)) continue;
    const row = await walk(agent, name, { gateway, scripted, folder, logs });
    table.push(row);
    console.log(`${agent}, ${name}:`, row);
  }
}
await gateway.stop();
scripted.close();
const { status } = spawnSync(process.execPath, [GATEWAY, 'verify-ledger'], {
  env: { ...process.env, TOLLGATE_DATA: folder, TOLLGATE_CONFIG: join(folder, 'config.yaml') },
  stdio: 'inherit',
});
rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
const columns = Object.keys(table[0] ?? {});
const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
console.log(
  [line(columns), line(columns.map(() => '-')), ...table.map((row) => line(Object.values(row)))].join('\n'),
);
process.exit(status ?? 1);
