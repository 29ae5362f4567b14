import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

/** A server that accepts JSON at `/v1/traces`, as an OpenTelemetry collector does. */
class Collector {
  readonly spans: Span[] = [];
  services: unknown[] = [];

  private constructor(private readonly server: Server) {
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as {
        resourceSpans: { resource: Pick<Span, 'attributes'>; scopeSpans: { spans: Span[] }[] }[];
      };
      for (const { resource, scopeSpans } of resourceSpans) {
        this.services.push(attributesOf(resource)['service.name']);
        this.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }

  static async start(): Promise<Collector> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Collector(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

const attributesOf = ({ attributes }: Pick<Span, 'attributes'>) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

const CALLERS_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const LOADED = 'loaded: ';

let folder: string;
let upstream: Upstream;
/**
 * Environment that makes the gateway report at its end how many OpenTelemetry files it loaded. The API comes with prom-client.
 */
let watched: Record<string, string>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-traces-'));
  const watch = join(folder, 'watch.mjs');
  writeFileSync(
    watch,
    `import { createRequire } from 'node:module';
     const { cache } = createRequire(import.meta.url);
     process.on('exit', () => {
       const files = Object.keys(cache).filter((file) => /@opentelemetry.(?!api.)/.test(file));
       process.stdout.write('${LOADED}' + files.length + '\\n');
     });`,
  );
  watched = { NODE_OPTIONS: `--import ${watch}` };
  upstream = await Upstream.start();
});
afterAll(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true });
});

const filesLoadedBy = ({ logs }: Gateway) => Number(new RegExp(`^${LOADED}(\\d+)$`, 'm').exec(logs)![1]);

describe('traces', () => {
  it('show what an allowed and a refused call were made of, inside the caller’s own trace', async () => {
    const collector = await Collector.start();
    const gateway = await Gateway.start({
      upstream,
      env: {
        ...watched,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_RESOURCE_ATTRIBUTES: 'service.name=gate-of-the-tests',
      },
    });
    await gateway.create('/organization/new', { organization_id: 'o', organization_alias: 'o' });
    await gateway.create('/team/new', { team_id: 't', organization_id: 'o' });
    await gateway.create('/user/new', { user_id: 'u', auto_create_key: false });
    await gateway.create('/customer/new', { user_id: 'canary-end-user' });
    const key = await gateway.createKey({ team_id: 't', user_id: 'u', models: ['m-out'], max_budget: 1 });
    const from = { traceparent: `00-${CALLERS_TRACE}-00f067aa0ba902b7-01` };
    const messages = [{ role: 'user', content: 'canary-of-the-prompt' }];
    const seen = upstream.calls.length;
    const answers = [
      await gateway.chat(key, { model: 'm-out', max_tokens: 5, user: 'canary-end-user', messages }, from),
      await gateway.chat(key, { model: 'm-out', max_tokens: 5, stream: true, messages }, from),
      await gateway.chat(key, { model: 'm-deny', max_tokens: 5, messages }, from),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 403]);
    expect(await gateway.terminate()).toBe(0);
    collector.close();

    const byId = new Map(collector.spans.map((span) => [span.spanId, span]));
    const pathOf = (span: Span): string[] => {
      const parent = byId.get(span.parentSpanId ?? '');
      return [...(parent ? pathOf(parent) : []), span.name];
    };
    const rootOf = (span: Span): Span => {
      const parent = byId.get(span.parentSpanId ?? '');
      return parent ? rootOf(parent) : span;
    };
    const ofAnswer = (i: number) =>
      collector.spans.filter(
        (span) => attributesOf(rootOf(span))['tollgate.request_id'] === answers[i]!.headers['x-request-id'],
      );
    const ROOT = 'POST /v1/chat/completions';
    const paths = (i: number) =>
      ofAnswer(i)
        .map((span) => pathOf(span).join(' > '))
        .toSorted();
    const call = [
      ROOT,
      `${ROOT} > decide`,
      `${ROOT} > hold`,
      `${ROOT} > upstream`,
      `${ROOT} > upstream > settle`,
    ];
    const getters = ['end_user', 'key', 'org', 'team', 'user'].map((kind) => `${ROOT} > get_${kind}_object`);
    expect(paths(0)).toEqual([...call, ...getters, `${ROOT} > get_team_membership`].toSorted());
    expect(paths(1)).toEqual(call);
    expect(paths(2)).toEqual([ROOT, `${ROOT} > decide`]);

    for (const i of [0, 1, 2]) {
      for (const { traceId } of ofAnswer(i)) expect(traceId).toBe(CALLERS_TRACE);
      expect(rootOf(ofAnswer(i)[0]!).parentSpanId).toBe('00f067aa0ba902b7');
    }
    const one = (i: number, name: string) => ofAnswer(i).find((span) => span.name === name)!;
    expect(attributesOf(one(0, ROOT))).toMatchObject({ 'http.route': '/v1/chat/completions', 'http.response.status_code': 200 }); // prettier-ignore
    expect(attributesOf(one(0, 'upstream'))).toMatchObject({ 'tollgate.model': 'm-out' });
    expect(attributesOf(one(2, 'decide'))).toEqual({
      'tollgate.allowed': false,
      'tollgate.check': 'modelIsAllowed',
    });
    expect(new Set(collector.services)).toEqual(new Set(['gate-of-the-tests']));
    // The caller's trace context must not reach the provider.
    for (const { headers } of upstream.calls.slice(seen)) expect(headers.traceparent).toBeUndefined();
    const spans = JSON.stringify(collector.spans);
    for (const secret of [key, key.slice(-4), gateway.masterKey, 'canary'])
      expect(spans).not.toContain(secret);
    expect(filesLoadedBy(gateway)).toBeGreaterThan(10);
    await gateway.close();
  });

  it('cost nothing where nobody asked for them: OpenTelemetry’s SDK is not even loaded', async () => {
    const gateway = await Gateway.start({ upstream, env: watched });
    expect((await gateway.chat(await gateway.createKey(), { model: 'm-free' })).status).toBe(200);
    expect(await gateway.terminate()).toBe(0);
    expect(filesLoadedBy(gateway)).toBe(0);
    await gateway.close();
  });
});
