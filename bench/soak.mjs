// `npm run bench:soak`: does the gateway grow while it is only used? Two million calls of many keys and end users, its
// resident memory after each part: when all keys have called, the garbage collector has seen what it leaves alone, and the
// minute of the rate limits is over, it should stay. Bounded in count and time; `-- --requests 100000 --keys 1000` for a short look.
import { parseArgs } from 'node:util';
import { chatBody, load, residentMb } from './load.mjs';
import { addKeys, forked, tollgate } from './peers.mjs';
import { machine, table, write } from './report.mjs';

const { values: asked } = parseArgs({
  options: {
    requests: { type: 'string', default: '2000000' },
    keys: { type: 'string', default: '100000' },
    customers: { type: 'string', default: '10000' },
    minutes: { type: 'string', default: '30' },
  },
});
const [requests, keys, customers, minutes] = [asked.requests, asked.keys, asked.customers, asked.minutes].map(
  Number,
);
const PART_SECONDS = 5;
const ROWS_TOLD = 20;

const upstream = await forked('1', 'upstream.mjs');
const gateway = await tollgate(upstream.url);
addKeys(gateway, keys);

const samples = [{ calls: 0, mb: residentMb(gateway.pid) }];
const until = Date.now() + minutes * 60_000;
for (let calls = 0; calls < requests && Date.now() < until;) {
  const shape = { keys, customers, connections: 32, seconds: PART_SECONDS, body: chatBody() };
  calls += (await load(gateway, shape)).requests;
  samples.push({ calls, mb: residentMb(gateway.pid) });
}

const [WIDTH, HEIGHT, MARGIN] = [720, 240, 40];

/** Resident memory over calls. */
function plot() {
  const [mostCalls, mostMb] = [samples.at(-1).calls, Math.max(...samples.map(({ mb }) => mb))];
  const x = (calls) => MARGIN + (calls / mostCalls) * (WIDTH - 2 * MARGIN);
  const y = (mb) => HEIGHT - MARGIN - (mb / mostMb) * (HEIGHT - 2 * MARGIN);
  const points = samples.map(({ calls, mb }) => `${x(calls).toFixed(1)},${y(mb).toFixed(1)}`).join(' ');
  const label = (at, up, text) => `<text x="${at}" y="${up}" font-size="12" fill="#666">${text}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">
<rect width="100%" height="100%" fill="#fff"/>
<path d="M${MARGIN} ${MARGIN}V${HEIGHT - MARGIN}H${WIDTH - MARGIN}" fill="none" stroke="#999"/>
<polyline points="${points}" fill="none" stroke="#06c" stroke-width="2"/>
${label(MARGIN, MARGIN - 8, `${Math.round(mostMb)} MB resident`)}
${label(WIDTH - MARGIN - 110, HEIGHT - MARGIN + 20, `${mostCalls.toLocaleString('en')} calls`)}
</svg>
`;
}

const every = Math.ceil(samples.length / ROWS_TOLD);
const rows = samples
  .filter((_, i) => i % every === 0 || i === samples.length - 1)
  .map(({ calls, mb }) => [calls.toLocaleString('en'), mb.toFixed(0)]);
write('soak.svg', plot());
write(
  'soak.md',
  `## Memory under use\n\n${machine}; embedded, full guard, c = 32, ${keys} keys and ${customers} end users at random.\n\n![resident memory](soak.svg)\n\n${table(['calls', 'resident MB'], rows)}\n`,
);
process.exit(0);
