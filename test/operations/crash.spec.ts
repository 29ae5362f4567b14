import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { costOfUpstream, expectBalancedLedger, total } from '../harness/ledger-reader.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { MAIN } from '../harness/fresh-build.js';
import { eventually } from '../harness/eventually.js';

let upstream: Upstream;
let gateway: Gateway;
beforeEach(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterEach(() => closeAll(gateway, upstream));

/** Keeps 30 callers busy, with and without streams, until the gateway cuts them off. Counts the complete responses. */
function load(key: string): { whole: () => number; over: Promise<unknown> } {
  let whole = 0;
  const caller = async (stream: boolean) => {
    for (;;) {
      try {
        const { status, text } = await gateway.chat(key, { model: 'm-out', max_tokens: 5, stream });
        if (status === 200 && (stream ? text.endsWith('data: [DONE]\n\n') : text.endsWith('}'))) whole++;
        if (status === 503) return;
      } catch {
        return;
      }
    }
  };
  return { whole: () => whole, over: Promise.all(Array.from({ length: 30 }, (_, i) => caller(i % 2 === 0))) };
}

describe('SIGKILL under load', () => {
  it('loses no answer that was delivered and no call that was made', async () => {
    const key = await gateway.createKey({ max_budget: 1_000 });
    const { whole, over } = load(key);
    await upstream.arrived(400);
    upstream.hold();
    await upstream.arrived(upstream.calls.length + 10);
    await gateway.kill9();
    await over;
    const delivered = whole();
    const reached = upstream.calls.length;
    const produced = costOfUpstream(upstream);
    upstream.release();

    await gateway.restart();
    const books = await gateway.books();
    expectBalancedLedger(books);
    const settled = books.entries.filter(({ mark }) => mark === null);
    const abandoned = books.entries.filter(({ mark }) => mark === 'abandoned');
    expect(settled.length + abandoned.length).toBe(books.entries.length);
    expect(delivered).toBeGreaterThan(0);
    // responses ≤ ledger ≤ upstream + abandoned bounds, in calls and in money
    expect(settled.length).toBeGreaterThanOrEqual(delivered);
    expect(books.entries.length).toBeGreaterThanOrEqual(reached);
    for (const { cost, bound } of abandoned) expect(cost).toBe(bound);
    expect(total(books, ({ mark }) => mark === null) <= produced).toBe(true);
    expect(await gateway.spendOf(key)).toBe(Number(total(books)) / 1e9);
    expect(gateway.logs).toContain('abandoned');
    expect(gateway.verifyLedger()).toEqual({ code: 0, printed: expect.stringContaining(', 0 that differ') });

    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 5 })).status).toBe(200);
  });
});

describe('SIGTERM under load', () => {
  it('finishes what is under way, writes it down and exits 0', async () => {
    const key = await gateway.createKey({ max_budget: 1_000 });
    const { whole, over } = load(key);
    await upstream.arrived(200);
    expect(await gateway.terminate()).toBe(0);
    await over;

    await gateway.restart();
    const books = await gateway.books();
    expectBalancedLedger(books);
    expect(books.entries.filter(({ mark }) => mark !== null)).toEqual([]);
    expect(books.entries.length).toBe(upstream.calls.length);
    expect(books.entries.length).toBeGreaterThanOrEqual(whole());
    expect(total(books)).toBe(costOfUpstream(upstream));
  });
});

describe('the data folder', () => {
  it('serves one process: a second one refuses to start and says why', () => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN], {
      env: { PATH: process.env.PATH, TOLLGATE_DATA: gateway.dataFolder, PORT: '0' },
      cwd: gateway.dataFolder,
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('in use by another process');
  });
});

describe('verify-ledger', () => {
  it('names every account that is not the sum of its entries, and fails', async () => {
    const key = await gateway.createKey({ max_budget: 1 });
    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 5 })).status).toBe(200);
    expect(gateway.verifyLedger().code).toBe(0);
    await gateway.terminate();
    const file = new Libsql(join(gateway.dataFolder, 'tollgate.db'));
    file.exec("UPDATE accounts SET spent_nano_usd = spent_nano_usd + 1 WHERE scope_kind = 'key'");
    file.close();
    const { code, printed } = gateway.verifyLedger();
    expect(code).toBe(1);
    expect(printed).toMatch(
      /^key\/\S+: the balance says spent 5000001, its entries add up to 5000000 nano-dollars$/m,
    );
    expect(printed).toContain('1 that differ');
  });
});

describe('another process that writes to the SQLite file', () => {
  it('is waited for, and the event loop turns meanwhile', async () => {
    const key = await gateway.createKey({ max_budget: 1_000 });
    const other = new Libsql(join(gateway.dataFolder, 'tollgate.db'), { timeout: 10_000 });
    // The gateway waits for one second. On a busy machine the other process may need longer, so there are several tries.
    await eventually(async () => {
      other.exec('BEGIN IMMEDIATE');
      const before = upstream.calls.length;
      const writes = [
        gateway.chat(key, { model: 'm-out', max_tokens: 5 }),
        gateway.admin('POST', '/team/new', {}),
      ];
      for (let i = 0; i < 5; i++) expect((await gateway.send('GET', '/health/liveliness')).status).toBe(200);
      const during = upstream.calls.length;
      other.exec('COMMIT');
      expect((await Promise.all(writes)).map(({ status }) => status)).toEqual([200, 200]);
      expect(during).toBe(before);
    });
    other.close();
  });

  it('is an error for as long as it does, and not longer', async () => {
    const key = await gateway.createKey({ max_budget: 1_000 });
    const call = async () => (await gateway.chat(key, { model: 'm-out', max_tokens: 5 })).status;
    expect(await call()).toBe(200);

    upstream.hold();
    const underWay = call();
    await upstream.arrived(2);
    const other = new Libsql(join(gateway.dataFolder, 'tollgate.db'), { timeout: 10_000 });
    const written = () => other.exec('UPDATE budgets SET budget_id = budget_id');
    other.exec('BEGIN IMMEDIATE');
    written();
    upstream.release();
    expect(await call()).toBe(503);
    expect((await gateway.admin('POST', '/team/new', { team_alias: 'late' })).status).toBe(503);
    other.exec('COMMIT');

    expect(await underWay).toBe(200);
    written();
    await eventually(async () => expect(await call()).toBe(200));
    expect((await gateway.admin('POST', '/team/new', { team_alias: 'late' })).status).toBe(200);
    written();
    expect(await call()).toBe(200);
    other.close();
  });
});
