// `npm run bench:soak`: measures whether the memory of the gateway grows under constant use. In the warm-up every key calls once,
// and then keys call at random. It ends when the rate limits' minute is full and the garbage collector is steady. Then random
// keys make a million calls. The resident memory is measured after each part, the live heap before and after all. Bounded in
// count and time; `-- --requests 100000 --keys 1000` makes a short run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { liveHeapMb } from './live-heap.mjs';
import { chatBody, load, residentMb } from './load.mjs';
import { addKeys, forked, tollgate } from './peers.mjs';
import { machine, table, write } from './report.mjs';

const { values: asked } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    keys: { type: 'string', default: '100000' },
    customers: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '30' },
  },
});
const [requests, keys, customers, minutes] = [asked.requests, asked.keys, asked.customers, asked.minutes].map(
  Number,
);
const PART_SECONDS = 5;
const ROWS_TOLD = 20;
/** Mean number of calls per key before the measurement begins. */
const WARM_UP = 4;

const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-heap-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const heapFile = join(folder, 'heap');
const upstream = await forked('1', 'upstream.mjs');
const gateway = await tollgate(upstream.url, {
  NODE_OPTIONS: `--import ${join(import.meta.dirname, 'live-heap.mjs')}`,
  LIVE_HEAP_FILE: heapFile,
});
addKeys(gateway, keys);

const samples = [{ calls: 0, mb: residentMb(gateway.pid) }];
const until = Date.now() + minutes * 60_000;

/** Makes calls until `count` were made since the start. */
async function callUntil(count) {
  for (let { calls } = samples.at(-1); calls < count && Date.now() < until;) {
    const shape = { keys, customers, connections: 32, seconds: PART_SECONDS, body: chatBody() };
    calls += (await load(gateway, { ...shape, ...(calls < keys && { after: calls }) })).requests;
    samples.push({ calls, mb: residentMb(gateway.pid) });
    console.log(`${calls} calls, ${samples.at(-1).mb.toFixed(0)} MB`);
  }
}

await callUntil(WARM_UP * keys);
const warm = samples.at(-1).calls;
const heapBefore = await liveHeapMb(gateway.pid, heapFile);
await callUntil(warm + requests);
const heapAfter = await liveHeapMb(gateway.pid, heapFile);
const measured = samples.filter(({ calls }) => calls > warm);

const [WIDTH, HEIGHT, MARGIN] = [720, 240, 40];

/** Returns a chart of resident memory over calls. */
function plot() {
  const [mostCalls, mostMb] = [samples.at(-1).calls, Math.max(...samples.map(({ mb }) => mb))];
  const x = (calls) => MARGIN + (calls / mostCalls) * (WIDTH - 2 * MARGIN);
  const y = (mb) => HEIGHT - MARGIN - (mb / mostMb) * (HEIGHT - 2 * MARGIN);
  const points = samples.map(({ calls, mb }) => `${x(calls).toFixed(1)},${y(mb).toFixed(1)}`).join(' ');
  const label = (at, up, text) => `<text x="${at}" y="${up}" font-size="12" fill="#666">${text}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">
<rect width="100%" height="100%" fill="#fff"/>
<path d="M${MARGIN} ${MARGIN}V${HEIGHT - MARGIN}H${WIDTH - MARGIN}" fill="none" stroke="#999"/>
<path d="M${x(warm).toFixed(1)} ${MARGIN}V${HEIGHT - MARGIN}" stroke="#999" stroke-dasharray="4"/>
<polyline points="${points}" fill="none" stroke="#06c" stroke-width="2"/>
${label(MARGIN, MARGIN - 8, `${Math.round(mostMb)} MB resident`)}
${label(x(warm) + 4, HEIGHT - MARGIN - 6, 'warm')}
${label(WIDTH - MARGIN - 110, HEIGHT - MARGIN + 20, `${mostCalls.toLocaleString('en')} calls`)}
</svg>
`;
}

const every = Math.ceil(samples.length / ROWS_TOLD);
const rows = samples
  .filter((_, i) => i % every === 0 || i === samples.length - 1)
  .map(({ calls, mb }) => [calls.toLocaleString('en'), mb.toFixed(0), calls > warm ? '' : 'warm-up']);

/** Returns the least and the most memory of some samples, as text. */
const range = (some) => {
  const all = some.map(({ mb }) => mb);
  return `${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)} MB`;
};
const half = measured.length >> 1;
write('soak.svg', plot());
write(
  'soak.md',
  `## Memory under use

${machine}; SQLite, full guard, c = 32, ${keys} keys at random, ${customers === 1 ? 'one end user' : `${customers} end users`}. Before it every key called once, and ${WARM_UP} times on the average.

![resident memory](soak.svg)

Of ${(samples.at(-1).calls - warm).toLocaleString('en')} calls after the warm-up, the first half: ${range(measured.slice(0, half))} resident; the second half: ${range(measured.slice(half))}. In use after a forced collection: ${heapBefore.toFixed(0)} MB before them, ${heapAfter.toFixed(0)} MB after them.

${table(['calls', 'resident MB', ''], rows)}
`,
);
process.exit(0);
