import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { eventually } from '../harness/eventually.js';
import type { Gateway } from '../harness/gateway.js';
import { postgresIsThere } from '../harness/postgres.js';
import { Proxy, proxyIsThere, type ProxyName } from '../harness/proxies.js';
import { redisIsThere } from '../harness/redis.js';
import { Replicas } from '../harness/replicas.js';
import { Upstream } from '../harness/upstream.js';

const PROXIES = (['nginx', 'caddy', 'haproxy'] as const).filter(proxyIsThere);
const CALLERS = 8;
const CALLS = 40;
/** Health checks of the proxies come every half second, and two decide. */
const DRAIN_SECONDS = 4;

let upstream: Upstream;
let replicas: Replicas;
let key: string;
const proxies = {} as Record<ProxyName, Proxy>;

const possible = PROXIES.length > 0 && (await postgresIsThere()) && redisIsThere();

/** Clients that call one address over kept connections, until they are stopped. */
class Load {
  complete = 0;
  readonly failures: string[] = [];
  private isOver = false;
  private readonly agent = new Agent({ connections: CALLERS, pipelining: 1 });
  private readonly callers: Promise<unknown>;

  /**
   * `mayBeRefused`: the address is the gateway's own. Once it is closed the callers end. The connection that comes in the last
   * moment before that is reset instead of refused, and no failure either.
   */
  constructor(
    private readonly url: string,
    private readonly mayBeRefused = false,
  ) {
    this.callers = Promise.all(Array.from({ length: CALLERS }, (_, i) => this.run(i)));
  }

  /** Resolves after `count` more complete calls. */
  async advance(count: number): Promise<void> {
    const from = this.complete;
    await eventually(() => expect(this.complete - from).toBeGreaterThanOrEqual(count));
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.callers;
    await this.agent.close();
  }

  private async run(at: number): Promise<void> {
    for (let i = at; !this.isOver; i++) {
      try {
        const failure = await this.call(i % 3);
        if (failure) this.failures.push(failure);
        else this.complete++;
      } catch (error) {
        const { code } = error as { code?: string };
        if (this.mayBeRefused && (await this.isRefused())) return;
        this.failures.push(String(code ?? error));
      }
    }
  }

  private async isRefused(): Promise<boolean> {
    return request(`${this.url}/health/liveliness`).then(
      ({ body }) => body.dump().then(() => false),
      ({ code }: { code?: string }) => code === 'ECONNREFUSED',
    );
  }

  private async call(kind: number): Promise<string | undefined> {
    const body = {
      model: 'm-out',
      max_tokens: 3,
      stream: kind === 2,
      messages: [{ role: 'user', content: 'hi' }],
    };
    const { statusCode, body: answer } = await request(
      `${this.url}${kind === 0 ? '/v1/models' : '/v1/chat/completions'}`,
      {
        method: kind === 0 ? 'GET' : 'POST',
        dispatcher: this.agent,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(kind !== 0 && { body: JSON.stringify(body) }),
      },
    );
    const text = await answer.text();
    const isWhole = kind === 2 ? text.endsWith('data: [DONE]\n\n') : text.endsWith('}');
    return statusCode === 200 && isWhole ? undefined : `${kind}: ${statusCode} ${text.slice(0, 200)}`;
  }
}

describe.skipIf(!possible)('behind proxies', () => {
  beforeAll(async () => {
    upstream = await Upstream.start();
    replicas = await Replicas.start(2, {
      upstream,
      config: { general_settings: { drain_seconds: DRAIN_SECONDS, trusted_proxies: ['127.0.0.1'] } },
    });
    key = await replicas.first.createKey({ max_budget: 1_000 });
    for (const name of PROXIES) proxies[name] = await Proxy.start(name, replicas.gateways);
  });
  afterAll(() => closeAll(...Object.values(proxies), replicas, upstream));

  it('one of two gateways stops under load, and no call fails', async () => {
    upstream.behave = ({ model }) => ({ msBetweenTokens: model === 'up-m-free' ? 1_000 : 20 });
    upstream.delayMs = 20;
    const [stopping, other] = replicas.gateways as [Gateway, Gateway];
    const behind = PROXIES.map((name) => new Load(proxies[name].url));
    const direct = new Load(stopping.url, true);
    await Promise.all([...behind, direct].map((load) => load.advance(CALLS)));
    // It lasts longer than the drain phase.
    const long = stopping.chat(key, { model: 'm-free', max_tokens: DRAIN_SECONDS + 2, stream: true });
    await eventually(() => expect(upstream.calls.some(({ model }) => model === 'up-m-free')).toBe(true));

    const before = direct.complete;
    const ended = stopping.terminate();
    await eventually(async () => expect((await stopping.send('GET', '/health/readiness')).status).toBe(503));
    expect((await other.send('GET', '/health/readiness')).status).toBe(200);
    expect(await ended).toBe(0);
    expect((await long).text).toMatch(/data: \[DONE\]\n\n$/);
    expect(direct.complete).toBeGreaterThan(before + CALLS);

    await Promise.all(behind.map((load) => load.advance(CALLS)));
    await stopping.restart();
    await Promise.all(behind.map((load) => load.advance(CALLS)));
    await Promise.all([...behind, direct].map((load) => load.stop()));
    const names = [...PROXIES, 'direct'];
    expect(Object.fromEntries([...behind, direct].map(({ failures }, i) => [names[i], failures]))).toEqual(
      Object.fromEntries(names.map((name) => [name, []])),
    );
  });

  it.skipIf(!PROXIES.includes('nginx'))('nginx passes on each event at once, also compressed', async () => {
    upstream.delayMs = 0;
    upstream.behave = () => ({ tokensBefore: 1, ending: 'hang' });
    const left = new AbortController();
    const response = await fetch(`${proxies.nginx.url}/v1/chat/completions`, {
      method: 'POST',
      signal: AbortSignal.any([left.signal, AbortSignal.timeout(30_000)]),
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm-out', max_tokens: 5, stream: true, messages: [] }),
    });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    const first = await response.body!.getReader().read();
    expect(new TextDecoder().decode(first.value)).toMatch(/^data: /);
    left.abort();
  });
});
