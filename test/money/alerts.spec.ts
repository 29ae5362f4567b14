import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

const SECRET = 'the-webhook-secret';

interface Post {
  readonly body: Record<string, unknown>;
  readonly isSigned: boolean;
}

describe('alerts', () => {
  let upstream: Upstream;
  let gateway: Gateway;
  let receiver: Server;
  let posts: Post[];
  let status: number;
  /** Soft budgets of keys whose alerts only show that alerts of earlier calls were stored. */
  const markersUsd = new Set<unknown>();
  beforeEach(() => {
    posts = [];
    status = 200;
  });
  beforeAll(async () => {
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const [, at, signature] =
          /^t=(\d+),v1=(\w+)$/.exec(String(request.headers['x-tollgate-signature'])) ?? [];
        const right = createHmac('sha256', SECRET).update(`${at}.${text}`).digest('hex');
        const body = JSON.parse(text) as Post['body'];
        if (markersUsd.has(body.soft_budget)) return void response.end();
        posts.push({ body, isSigned: right === signature });
        response.writeHead(status, { location: '/elsewhere' }).end();
      });
    });
    await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
    upstream = await Upstream.start();
    const { port } = receiver.address() as AddressInfo;
    gateway = await Gateway.start({
      upstream,
      config: {
        general_settings: {
          budget_wait_ms: 0,
          budget_clamp: false,
          alert_webhook_url: `http://127.0.0.1:${port}/hook`,
          alert_webhook_secret: SECRET,
        },
      },
    });
  });
  afterAll(async () => {
    await closeAll(gateway, upstream);
    receiver.close();
    receiver.closeAllConnections();
  });

  const spend = async (key: string, tokens: number) =>
    (await gateway.chat(key, { model: 'm-out', max_tokens: tokens })).status;
  const alerts = () => posts.map(({ body }) => [body.event, body.threshold_percent]);
  const arrived = (count: number) => eventually(() => expect(posts.length).toBeGreaterThanOrEqual(count));
  /** Waits until all alerts of earlier calls were stored and posted. A run stores the alerts of all calls before it. */
  const quiet = async () => {
    const soft_budget = (markersUsd.size + 1) / 1_000_000;
    markersUsd.add(soft_budget);
    expect(await spend(await gateway.createKey({ soft_budget }), 1)).toBe(200);
    await eventually(async () => {
      const rows = await gateway.sql('SELECT body, due_at FROM alerts');
      const isStored = rows.some(({ body }) => JSON.parse(body as string).soft_budget === soft_budget);
      expect([isStored, rows.filter(({ due_at }) => due_at !== null)]).toEqual([true, []]);
    });
  };
  /** Makes every alert due that was not taken, as time would. */
  const pass = () => gateway.sql('UPDATE alerts SET due_at = 0 WHERE due_at IS NOT NULL');

  it('are posted once for each share of a budget that is crossed, signed', async () => {
    await gateway.create('/team/new', { team_id: 't', max_budget: 0.1, budget_duration: '30d' });
    const key = await gateway.createKey({ team_id: 't' });
    expect(await spend(key, 49)).toBe(200);
    await quiet();
    expect(posts).toEqual([]);
    expect(await spend(key, 1)).toBe(200);
    await arrived(1);
    expect(alerts()).toEqual([['threshold_crossed', 50]]);
    expect(await spend(key, 46)).toBe(200);
    await arrived(3);
    expect(alerts().toSorted()).toEqual([['threshold_crossed', 50], ['threshold_crossed', 80], ['threshold_crossed', 95]]); // prettier-ignore
    expect(await spend(key, 4)).toBe(200);
    expect(await spend(key, 4)).toBe(429);
    await arrived(4);
    expect(posts.at(-1)!.body).toMatchObject({
      event: 'budget_crossed',
      event_group: 'team',
      scope: { kind: 'team', id: 't' },
      spend: 0.1,
      max_budget: 0.1,
      window: { duration: '30d' },
    });
    await quiet();
    expect(posts).toHaveLength(4);
    expect(posts.every(({ isSigned }) => isSigned)).toBe(true);
  });

  it('are posted again where a correction undid the crossing, and only there', async () => {
    const key = await gateway.createKey({ max_budget: 0.1, budget_duration: '30d', soft_budget: 0.03 });
    expect(await spend(key, 80)).toBe(200);
    await arrived(3);
    await gateway.create(`/key/${key}/reset_spend`, { reset_to: 0.06 });
    expect(await spend(key, 20)).toBe(200);
    await arrived(4);
    expect(alerts().toSorted()).toEqual([['soft_budget_crossed', null], ['threshold_crossed', 50], ['threshold_crossed', 80], ['threshold_crossed', 80]]); // prettier-ignore
    await gateway.create(`/key/${key}/reset_spend`, { reset_to: 0 });
    expect(await spend(key, 50)).toBe(200);
    await arrived(6);
    await quiet();
    expect(alerts().slice(4).toSorted()).toEqual([
      ['soft_budget_crossed', null],
      ['threshold_crossed', 50],
    ]);
    expect(new Set(posts.map(({ body }) => body.id)).size).toBe(6);
  });

  it('tell of a soft budget, which refuses nobody', async () => {
    const key = await gateway.createKey({ soft_budget: 0.01 });
    expect([await spend(key, 10), await spend(key, 10)]).toEqual([200, 200]);
    await arrived(1);
    await quiet();
    expect(posts.map(({ body }) => [body.event, body.soft_budget, body.max_budget])).toEqual([['soft_budget_crossed', 0.01, null]]); // prettier-ignore
  });

  it('are posted again until they are taken, also after a restart; a redirect is no yes', async () => {
    const attempts = async () => {
      const rows = await gateway.sql('SELECT attempts FROM alerts WHERE due_at IS NOT NULL');
      expect(rows).toHaveLength(1);
      return Number(rows[0]!.attempts);
    };
    const refused = (times: number) => eventually(async () => expect(await attempts()).toBe(times));
    status = 302;
    const key = await gateway.createKey({ max_budget: 0.01 });
    expect(await spend(key, 5)).toBe(200);
    await refused(1);
    await pass();
    await refused(2);
    status = 500;
    await pass();
    await arrived(3);
    await gateway.kill9();
    // If the process died before it wrote the outcome, the others wait half a minute.
    const before = await attempts();
    await pass();
    await gateway.restart();
    await refused(before + 1);
    expect(posts).toHaveLength(4);
    status = 204;
    await pass();
    await arrived(5);
    await quiet();
    expect(posts).toHaveLength(5);
    expect(new Set(posts.map(({ body }) => body.id)).size).toBe(1);
  });
});

it('an empty signing secret is refused at the start', async () => {
  await expect(
    Gateway.start({
      config: {
        general_settings: { alert_webhook_url: 'https://hooks.example/x', alert_webhook_secret: '' },
      },
    }),
  ).rejects.toThrow('alert_webhook_secret: must not be empty');
});
