// `npm run bench:growth`: measures whether a call costs more with more keys, or with more rows in the ledger. SQLite, c = 32,
// each step beside bare Fastify in the same minute. `-- --keys 1000 --rows 10000 --seconds 2` makes a short run.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Libsql from 'libsql';
import { chatBody, load, measured, median, residentMb } from './load.mjs';
import { addKeys, forked, tollgate } from './peers.mjs';
import { machine, table, write } from './report.mjs';

const { values: asked } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    rows: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
  },
});
const [mostKeys, mostRows, seconds, rounds] = [asked.keys, asked.rows, asked.seconds, asked.rounds].map(
  Number,
);
const MAX_WARM_UPS = 60;
const WARM_UP_CALLS = 20_000;
/** Up to this number of keys, all keys call equally often. Beyond it, few keys make most calls. */
const MOST_ALIKE = 100_000;

const upstream = await forked('1', 'upstream.mjs');
const fastify = await forked('0', 'bare-fastify.mjs', upstream.url);
const gateway = await tollgate(upstream.url);
const shape = { connections: 32, body: chatBody() };

/** Measures the cost of a call with these keys after a warm-up. With many keys, the warm-up covers those that call most. */
async function cost(keys, isZipf) {
  let calls = 0;
  for (
    let runs = 0;
    runs < MAX_WARM_UPS && calls < Math.max(WARM_UP_CALLS, isZipf ? 2 * MOST_ALIKE : keys);
    runs++
  )
    calls += (
      await load(gateway, { ...shape, keys, ...(isZipf ? { isZipf } : { after: calls }), seconds: 5 })
    ).requests;
  await measured(fastify, { ...shape, seconds: 2 });
  const runs = [];
  for (let round = 0; round < rounds; round++) {
    const bare = await measured(fastify, { ...shape, seconds });
    const ours = await measured(gateway, { ...shape, keys, isZipf, seconds });
    runs.push({ ours: ours.cpuUs, times: ours.cpuUs / bare.cpuUs });
  }
  const of = (field) => median(runs.map((run) => run[field]));
  return [of('ours').toFixed(1), of('times').toFixed(2)];
}

const steps = (from, to) => [from, ...(from * 10 <= to ? steps(from * 10, to) : [])];
const told = (count) => count.toLocaleString('en');

/**
 * Adds settled entries until the ledger has `count`. They copy an entry of an earlier call, are older, and cost nothing.
 */
function addRows(count) {
  const database = new Libsql(join(gateway.folder, 'tollgate.db'), { timeout: 10_000 });
  database.exec('PRAGMA cache_size = -262144');
  const [{ rows }] = database.prepare('SELECT count(*) AS rows FROM ledger_entries').all();
  database
    .prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO ledger_entries (id, chain_id, state, bound_nano_usd, input_bound_nano_usd, cost_nano_usd, request_id,
         call_type, model, deployment_id, provider, usage, opened_at, closed_at)
       SELECT '00000000-' || printf('%08d', ${rows} + i) || '-' || lower(hex(randomblob(8))), chain_id, 'settled', 0, 0, 0,
         'r-' || lower(hex(randomblob(12))), call_type, model, deployment_id, provider, usage, opened_at - i * 60000, closed_at - i * 60000
       FROM n, (SELECT * FROM ledger_entries WHERE state = 'settled' LIMIT 1)`,
    )
    .run([Math.max(count - rows, 1)]);
  const [{ now }] = database.prepare('SELECT count(*) AS now FROM ledger_entries').all();
  database.close();
  return now;
}

// `addRows` copies a settled entry, so the ledger needs one.
await load(gateway, { ...shape, seconds: 2 });
const byRows = [];
for (const rows of steps(1_000, mostRows)) byRows.push([told(addRows(rows)), ...(await cost(1))]);

const byKeys = [];
for (const keys of steps(100, mostKeys)) {
  addKeys(gateway, keys);
  const isZipf = keys > MOST_ALIKE;
  byKeys.push([told(keys) + (isZipf ? ', Zipf' : ''), ...(await cost(keys, isZipf)), residentMb(gateway.pid).toFixed(0)]); // prettier-ignore
}

const columns = ['CPU µs / request', '× bare Fastify'];
write(
  'growth.md',
  `## Does a call cost more when there is more?\n\n${machine}; SQLite, full guard, c = 32; ${seconds} s × ${rounds} rounds beside bare Fastify, medians.\n\n${table(['keys', ...columns, 'resident MB'], byKeys)}\n\n${table(['rows in the ledger before', ...columns], byRows)}\n`,
);
process.exit(0);
