// `npm run bench`: measures what a guarded call costs the gateway's process, beside alternatives that a user could choose. All
// run in turn. CPU time per request is the steady figure; throughput on a shared machine is not. Everything is on loopback,
// bounded in count and time, and stops by itself. `-- --seconds 2 --rounds 1 --only SQLite` makes a short run. Peers that are
// not installed are left out: nginx and wrk are Debian packages; Portkey comes with `npm install --no-save @portkey-ai/gateway`.
import { parseArgs } from 'node:util';
import { chatBody, isInstalled, measured, median } from './load.mjs';
import { forked, PEERS } from './peers.mjs';
import { machine, table, write } from './report.mjs';

const { values: asked } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
  },
});
const [seconds, rounds] = [Number(asked.seconds), Number(asked.rounds)];
const WARM_UP = { connections: 32, seconds: 3, body: chatBody() };
const LOADS = [
  ...[1, 32, 128].map((connections) => ({ name: `JSON, c = ${connections}`, connections, events: 0 })),
  // The cost of a long stream is mostly that of its events.
  ...[
    [200, 64],
    [2_000, 8],
  ].map(([events, connections]) => ({
    name: `stream of ${events} events, c = ${connections}`,
    connections,
    events,
  })),
];

if (!isInstalled('wrk')) throw new Error('The bench needs wrk (a Debian package).');
const upstream = await forked('1', 'upstream.mjs');
const peers = [];
for (const [name, { isThere, start }] of Object.entries(PEERS)) {
  if (peers.length && !name.includes(asked.only)) continue;
  if (await isThere()) peers.push({ name, ...(await start(upstream.url)) });
  else console.log(`Left out: ${name}`);
}

const tables = [];
for (const { name, connections, events } of LOADS) {
  const load = { connections, seconds, body: chatBody(events) };
  const runs = new Map(peers.map((peer) => [peer, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [peer, several] of runs) {
      try {
        await measured(peer, { ...WARM_UP, ...(events && { body: load.body, connections }) });
        several.push(await measured(peer, load));
      } catch (error) {
        if (peer === peers[0]) throw error;
        runs.delete(peer);
        console.log(`Left out of ${name}, it fails: ${peer.name}\n${error.message}`);
      }
    }
  }
  tables.push(costs(name, runs, events));
  tell();
  console.log(`${name}: measured`);
}
process.exit(0);

function costs(name, runs, events) {
  const rows = Array.from(runs, ([peer, several]) => {
    const of = (field) => median(several.map((run) => run[field]));
    return {
      name: peer.name,
      cpuUs: of('cpuUs'),
      perSecond: of('perSecond'),
      p50: of('p50'),
      p99: of('p99'),
    };
  });
  const cost = ({ cpuUs }) => (events ? cpuUs / events : cpuUs);
  const columns = [
    '',
    `CPU µs / ${events ? 'event' : 'request'}`,
    '× bare Fastify',
    'requests / s',
    'p50 ms',
    'p99 ms',
    'p99 × bare Fastify',
  ];
  const cells = rows.map((row) => [
    row.name,
    cost(row).toFixed(1),
    (row.cpuUs / rows[0].cpuUs).toFixed(2),
    Math.round(row.perSecond),
    row.p50.toFixed(2),
    row.p99.toFixed(2),
    (row.p99 / rows[0].p99).toFixed(2),
  ]);
  return `### ${name}\n\n${table(columns, cells)}`;
}

/** Writes the report. Runs after every load, so an interrupted run keeps its measurements. */
function tell() {
  write(
    'http.md',
    `## What a call costs\n\n${machine}; the process measured has core 0, load and upstream core 1; ${seconds} s × ${rounds} rounds interleaved, medians.\n\n${tables.join('\n\n')}\n`,
  );
}
