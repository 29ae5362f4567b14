// Generates load with `wrk` (a Debian package that needs little CPU itself). Measures what the load cost the loaded process.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TICKS_PER_SECOND = 100;

/** Returns the n-th key of a measured gateway, from 1. */
export const numberedKey = (n) => `sk-bench-${String(n).padStart(10, '0')}`;

export const isInstalled = (command) => !spawnSync('which', [command]).status;

/** Returns a chat request of about a kilobyte, by an end user. `events`: events of the response's stream; 0 asks for JSON. */
export const chatBody = (events = 0) =>
  JSON.stringify({
    model: 'm',
    max_tokens: events || 16,
    user: 'customer-1',
    ...(events && { stream: true }),
    messages: Array.from({ length: 10 }, (_, i) => ({
      role: i % 2 ? 'assistant' : 'user',
      content: 'x'.repeat(60),
    })),
  });

/** Returns the CPU time of a process and its threads, in microseconds. */
export function cpuUs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
}

export const residentMb = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

/**
 * Posts `body` to one address for some seconds. `keys`: how many numbered keys call, equally often and at random. With
 * `isZipf`, the n-th calls a tenth as often as the (n / 10)-th. With `after`, they call in order, beginning after the first
 * `after` keys. With one key, all calls have the key of `peer`. `customers`: how many end users call.
 */
export async function load(
  { url, key, headers = {} },
  { keys = 1, isZipf = false, after, customers, connections, seconds, body },
) {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-wrk-'));
  const script = join(folder, 'post.lua');
  const lua = JSON.stringify;
  writeFileSync(
    script,
    [
      'wrk.method = "POST"',
      `wrk.body = ${lua(body)}`,
      'wrk.headers["content-type"] = "application/json"',
      ...Object.entries(headers).map(([name, value]) => `wrk.headers[${lua(name)}] = ${lua(value)}`),
      `wrk.headers["authorization"] = "Bearer ${key}"`,
      ...(keys > 1
        ? [
            // wrk starts its random generator with the same seed each time.
            `math.randomseed(${Date.now() % 1e9})`,
            `local sent = ${after ?? 0}`,
            'request = function()',
            '  sent = sent + 1',
            `  local n = ${after !== undefined ? `(sent - 1) % ${keys} + 1` : isZipf ? `math.floor(${keys} ^ math.random())` : `math.random(${keys})`}`,
            `  wrk.headers["authorization"] = string.format("Bearer ${numberedKey(0).slice(0, -10)}%010d", n)`,
            ...(customers
              ? [`  wrk.headers["x-litellm-customer-id"] = "customer-" .. math.random(${customers})`]
              : []),
            '  return wrk.format()',
            'end',
          ]
        : []),
      'done = function(s, l) io.write(string.format("RESULT %d %d %.3f %.3f %.3f\\n", s.requests, s.errors.status + s.errors.connect + s.errors.read + s.errors.timeout, s.duration / 1e6, l:percentile(50) / 1000, l:percentile(99) / 1000)) end',
    ].join('\n'),
  );
  const target = `${url}/v1/chat/completions`;
  const shape = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s'];
  const wrk = spawn('taskset', ['-c', '1', 'wrk', ...shape, '-s', script, target]);
  let output = '';
  wrk.stdout.on('data', (bytes) => (output += bytes));
  await new Promise((done) => wrk.on('exit', done));
  rmSync(folder, { recursive: true });
  const [, requests, errors, took, p50, p99] = /RESULT (\d+) (\d+) (\S+) (\S+) (\S+)/.exec(output) ?? [];
  if (Number(errors) !== 0) throw new Error(`${errors} of ${requests} calls to ${url} failed:\n${output}`);
  return {
    requests: Number(requests),
    perSecond: Number(requests) / Number(took),
    p50: Number(p50),
    p99: Number(p99),
  };
}

/** Does the same as `load` and adds the CPU time of `pid` per request. */
export async function measured(peer, asked) {
  const before = cpuUs(peer.pid);
  const told = await load(peer, asked);
  return { ...told, cpuUs: (cpuUs(peer.pid) - before) / told.requests };
}

export const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
