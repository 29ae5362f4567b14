import { afterAll, beforeAll, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Number of old calls. */
const OLD = 10_000;
const DAY_MS = 86_400_000;
const LONG_AGO_MS = 40 * DAY_MS;

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const general_settings = {
    min_output_tokens: 10,
    maximum_spend_logs_retention_period: '30d',
    spend_logs_retention_interval: '1s',
  };
  gateway = await Gateway.start({ upstream, config: { general_settings } });
});
afterAll(() => closeAll(gateway, upstream));

const number = async (expression: string) =>
  Number((await gateway.sql(`SELECT CAST(${expression} AS varchar) AS n`))[0]!.n);
const entries = () => number('(SELECT count(*) FROM ledger_entries)');
const folded = () => number('(SELECT coalesce(sum(entries), 0) FROM ledger_days)');

it('old entries become sums per day, also when the process is killed meanwhile, and every account still adds up', async () => {
  const key = await gateway.createKey({ max_budget: 0.1, user_id: 'u' });
  const call = (max_tokens?: number) => gateway.chat(key, { model: 'm-out', max_tokens });
  expect((await call(10)).status).toBe(200);
  expect(await gateway.terminate()).toBe(0);
  const addOld = async (from: number) => {
    await gateway.sql(
      `INSERT INTO ledger_entries (id, chain_id, state, bound_nano_usd, input_bound_nano_usd, cost_nano_usd, usage,
       request_id, call_type, model, deployment_id, provider, opened_at, closed_at)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${OLD})
     SELECT 'old-' || (i + ${from}), e.chain_id, 'settled', 1, 0, 1, e.usage, 'r', e.call_type, e.model, e.deployment_id, e.provider,
       e.opened_at - ${LONG_AGO_MS} - i * 1000, e.closed_at - ${LONG_AGO_MS} - i * 1000 FROM n CROSS JOIN ledger_entries e`,
    );
    await gateway.sql(`UPDATE accounts SET spent_nano_usd = spent_nano_usd + ${OLD} WHERE id IN (SELECT account_id FROM postings)`); // prettier-ignore
  };

  // On a busy machine all may be folded before the process is killed. Then there is another round.
  let old = 0;
  for (let left = 1; left === 1;) {
    await addOld(old);
    old += OLD;
    const before = await folded();
    await gateway.restart();
    while ((await folded()) === before);
    await gateway.kill9();
    left = await entries();
    expect(left + (await folded())).toBe(old + 1);
  }
  expect(gateway.verifyLedger()).toEqual({ code: 0, printed: expect.stringContaining(', 0 that differ') });

  await gateway.restart();
  while ((await entries()) > 1);
  expect([await folded(), await number('(SELECT sum(output_tokens) FROM ledger_days)')]).toEqual([
    old,
    old * 10,
  ]);
  expect(await number('(SELECT count(*) FROM ledger_days)')).toBe(
    await number(`(SELECT count(DISTINCT day) FROM ledger_days)`),
  );
  expect(await gateway.spendOf(key)).toBe(0.01 + old / 1e9);
  expect((await gateway.admin('GET', '/spend/logs?user_id=u')).body).toHaveLength(1);
  // The rest of the budget is exact to the token, so the budget still counts the folded calls.
  expect((await call()).headers['x-tollgate-clamped']).toBe('89');
  expect(gateway.verifyLedger().code).toBe(0);
});
