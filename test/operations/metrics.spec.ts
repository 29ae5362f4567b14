import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream, config: { general_settings: { budget_wait_ms: 0 } } });
});
afterAll(() => closeAll(gateway, upstream));

/** Returns every sample by its name and labels. */
async function figures(): Promise<Map<string, number>> {
  const { text } = await gateway.admin('GET', '/metrics');
  const samples = text.split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('/metrics', () => {
  it('counts what happened to money and calls', async () => {
    const key = await gateway.createKey({ max_budget: 1, models: ['m-out'], rpm_limit: 4 });
    const chat = (body: object) => gateway.chat(key, { model: 'm-out', ...body });
    const before = await figures();
    await chat({ max_tokens: 300 });
    await chat({ max_tokens: 5_000 });
    await chat({ max_tokens: 1 });
    await gateway.chat(key, { model: 'm-deny' });
    const after = await eventually(async () => {
      const now = await figures();
      expect(now.get('tollgate_calls_in_flight')).toBe(0);
      return now;
    });
    expect(before.get('tollgate_ledger_entries_total{kind="abandoned"}')).toBe(0);
    const added = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(added('tollgate_ledger_entries_total{kind="settled"}')).toBe(2);
    expect(added('tollgate_settled_usd_total')).toBeCloseTo(1, 9);
    expect(added('tollgate_clamped_total')).toBe(1);
    expect(added('tollgate_refused_total{check="budgetsHaveRoom"}')).toBe(1);
    expect(added('tollgate_refused_total{check="modelIsAllowed"}')).toBe(1);
    expect(added('tollgate_hold_seconds_count')).toBe(2);
    expect(after.get('tollgate_held_usd')).toBe(0);
    expect([...after.keys()].some((name) => name.startsWith('tollgate_nodejs_eventloop_lag'))).toBe(true);
    expect(after.get('tollgate_cache_reads_total{result="miss"}')).toBeGreaterThan(0);
  });

  it('has every figure the dashboard asks for', async () => {
    const file = resolve(import.meta.dirname, '../../deploy/grafana-dashboard.json');
    const { panels } = JSON.parse(readFileSync(file, 'utf8')) as {
      panels: { targets: { expr: string }[] }[];
    };
    const asked = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => expr.match(/\btollgate_\w+/g) ?? []),
    );
    const { text } = await gateway.admin('GET', '/metrics');
    const names = new Set(text.match(/^tollgate_\w+/gm));
    expect(asked.length).toBeGreaterThan(12);
    expect(asked.filter((name) => !names.has(name))).toEqual([]);
  });

  it('shows what is held while calls are under way', async () => {
    const key = await gateway.createKey({ max_budget: 1 });
    const before = upstream.calls.length;
    upstream.hold();
    const call = gateway.chat(key, { model: 'm-out', max_tokens: 100 });
    await upstream.arrived(before + 1);
    const now = await figures();
    expect([now.get('tollgate_held_usd'), now.get('tollgate_calls_in_flight')]).toEqual([0.1, 1]);
    upstream.release();
    await call;
  });

  it('tells no stranger and no virtual key anything, and nobody who is who', async () => {
    const key = await gateway.createKey({ key_alias: 'canary-alias' });
    await gateway.chat(key, { model: 'm-free', user: 'canary-user' });
    expect((await gateway.send('GET', '/metrics')).status).toBe(401);
    expect((await gateway.as(key, 'GET', '/metrics')).status).toBe(403);
    const { text, headers } = await gateway.admin('GET', '/metrics');
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    for (const secret of [key, 'canary-alias', 'canary-user', key.slice(-4)])
      expect(text).not.toContain(secret);
  });

  it('is open where it is configured to be', async () => {
    const open = await Gateway.start({
      upstream,
      config: { litellm_settings: { require_auth_for_metrics_endpoint: false } },
    });
    expect((await open.send('GET', '/metrics')).status).toBe(200);
    await open.close();
  });
});
