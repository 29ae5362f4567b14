import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dialectOf, fieldsOf } from './dialects.js';

/** One call as the upstream received it. */
export interface UpstreamCall {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawBody: Buffer;
  readonly body: Record<string, unknown>;
  /** The text fields if the body is a form. */
  readonly fields: Record<string, string>;
  readonly model: string;
  /** The usage it reported, once it did. */
  produced?: { promptTokens: number; completionTokens: number };
  tokensSent: number;
  /** When the gateway hung up before the end, in epoch milliseconds. */
  hungUpAt?: number;
}

/** Behaviour of the upstream instead of a normal response. */
export interface Behaviour {
  readonly status?: number;
  /** Body of an error. A text is sent unchanged. */
  readonly errorBody?: unknown;
  /** Body sent unchanged instead of the JSON response. */
  readonly rawBody?: string | Buffer;
  /** Pieces of an event stream, sent unchanged in one write each. */
  readonly rawStream?: readonly (string | Buffer)[];
  /** Content type instead of the right one, of an error, a `rawBody` or a `rawStream`. */
  readonly contentType?: string;
  readonly contentLength?: number;
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  /** Object sent as `usage`; null: none. */
  readonly usage?: Record<string, unknown> | null;
  /** Hang up without a response. */
  readonly reset?: boolean;
  /** Never respond. */
  readonly hang?: boolean;
  /** Keep the connection open after the end of a stream. */
  readonly staysOpen?: boolean;
  /** Number of tokens of a stream before … */
  readonly tokensBefore?: number;
  /** … this happens. */
  readonly ending?: 'reset' | 'hang' | 'end';
  /** Send tokens without end. */
  readonly endless?: boolean;
  readonly msBetweenTokens?: number;
  readonly headers?: Record<string, string>;
}

/** A scripted OpenAI-compatible server that records every call. By default it produces exactly `max_tokens` tokens. */
export class Upstream {
  readonly calls: UpstreamCall[] = [];
  /** Databases of the gateways that call it. */
  readonly usedBy = new Set<string>();
  behave: (call: UpstreamCall) => Behaviour = () => ({});
  /** Delay before each response. */
  delayMs = 0;
  private gate: Promise<void> | undefined;
  private open: () => void = () => {};
  private arrivals: { count: number; resolve: () => void }[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Upstream> {
    const server = createServer();
    const upstream = new Upstream(server);
    server.on('request', (request, response) => void upstream.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** Holds responses back: calls arrive, but get none until `release`. */
  hold(): void {
    this.gate = new Promise((resolve) => (this.open = resolve));
  }

  release(): void {
    this.gate = undefined;
    this.open();
  }

  /** Resolves when `count` calls have arrived since the start. */
  async arrived(count: number): Promise<void> {
    if (this.calls.length >= count) return;
    await new Promise<void>((resolve) => this.arrivals.push({ count, resolve }));
  }

  async close(): Promise<void> {
    this.release();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const rawBody = Buffer.concat(chunks);
    const body = parsed(rawBody);
    const fields = fieldsOf(request.headers['content-type'] ?? '', rawBody);
    const call: UpstreamCall = {
      path: request.url!,
      headers: request.headers,
      rawBody,
      body,
      fields,
      model: String(body.model ?? fields.model),
      tokensSent: 0,
    };
    this.calls.push(call);
    response.on('close', () => {
      if (!response.writableFinished) call.hungUpAt = Date.now();
    });
    for (const waiting of this.arrivals) if (this.calls.length >= waiting.count) waiting.resolve();
    await this.gate;
    await this.respond(call, response, this.behave(call));
  }

  private async respond(call: UpstreamCall, response: ServerResponse, behaviour: Behaviour): Promise<void> {
    if (this.delayMs) await new Promise((done) => setTimeout(done, this.delayMs));
    if (behaviour.hang) return;
    if (behaviour.reset) return void response.socket?.destroy();
    for (const [name, value] of Object.entries(behaviour.headers ?? {})) response.setHeader(name, value);
    const { errorBody = { error: { message: 'scripted failure', type: 'server_error' } }, contentType } = behaviour; // prettier-ignore
    if (behaviour.status !== undefined && behaviour.status >= 300) {
      response.writeHead(behaviour.status, { 'content-type': contentType ?? 'application/json' });
      return void response.end(typeof errorBody === 'string' ? errorBody : JSON.stringify(errorBody));
    }
    if (behaviour.rawStream) {
      response.writeHead(behaviour.status ?? 200, { 'content-type': contentType ?? 'Text/Event-Stream' });
      for (const text of behaviour.rawStream) {
        response.write(text);
        if (behaviour.msBetweenTokens)
          await new Promise((resolve) => setTimeout(resolve, behaviour.msBetweenTokens));
      }
      return behaviour.ending === 'hang' ? undefined : void response.end();
    }
    const dialect = dialectOf(call.path);
    const copies = Number(call.body.n ?? 1);
    const { max_completion_tokens, max_tokens, max_output_tokens } = call.body;
    const asked = Number(max_completion_tokens ?? max_tokens ?? max_output_tokens ?? 16);
    const completionTokens = call.path.endsWith('/embeddings')
      ? 0
      : (behaviour.completionTokens ?? asked * copies);
    const promptTokens = behaviour.promptTokens ?? 0;
    const usage =
      behaviour.usage === undefined ? dialect.usage(promptTokens, completionTokens) : behaviour.usage;
    if (call.body.stream)
      return this.stream(call, response, behaviour, completionTokens, promptTokens, usage);
    call.produced = { promptTokens, completionTokens };
    const answer = behaviour.rawBody ?? dialect.whole(call, usage);
    const isJson = behaviour.rawBody !== undefined || !Buffer.isBuffer(answer);
    response.writeHead(200, {
      'content-type': contentType ?? (isJson ? 'application/json' : 'audio/mpeg'),
      ...(behaviour.contentLength !== undefined && { 'content-length': behaviour.contentLength }),
    });
    response.end(typeof answer === 'string' || Buffer.isBuffer(answer) ? answer : JSON.stringify(answer));
  }

  private async stream(
    call: UpstreamCall,
    response: ServerResponse,
    behaviour: Behaviour,
    completionTokens: number,
    promptTokens: number,
    usage: Record<string, unknown> | null,
  ): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const dialect = dialectOf(call.path);
    const write = (texts: string[]) => texts.map((text) => response.write(text)).every(Boolean);
    const saysUsage = usage && Object.keys(usage).length > 0 ? usage : null;
    write(dialect.first(call, saysUsage));
    const limit = behaviour.endless ? Infinity : (behaviour.tokensBefore ?? completionTokens);
    for (let i = 0; i < limit && !response.destroyed; i++) {
      const flowing = write([dialect.token(call, i)]);
      call.tokensSent++;
      if (behaviour.msBetweenTokens)
        await new Promise((resolve) => setTimeout(resolve, behaviour.msBetweenTokens));
      else if (!flowing || i % 64 === 63) await new Promise((resolve) => setImmediate(resolve));
    }
    if (response.destroyed) return;
    if (behaviour.ending === 'reset') return void response.socket?.end();
    if (behaviour.ending === 'hang') return;
    if (behaviour.ending === 'end') return void response.end();
    if (usage) call.produced = { promptTokens, completionTokens };
    write(dialect.last(call, saysUsage));
    if (!behaviour.staysOpen) response.end();
  }
}

function parsed(bytes: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
