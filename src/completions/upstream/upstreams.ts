import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'undici';
import { CONFIG, type Config } from '../../config/config.js';
import { Metrics } from '../../metrics/metrics.js';
import type { Deployment } from '../../models/deployment.js';
import { ConnectionQueue, type Waiting } from './connection-queue.js';

/** What goes upstream. */
export interface UpstreamRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** In pieces, where it is too large to be copied. */
  readonly body: Buffer | readonly Buffer[];
}

/** What happens to one call, in this order: `start` once, `data` any number of times, then `end` or `fail`. */
export interface UpstreamSink {
  start(status: number, headers: UpstreamHeaders): void;
  data(chunk: Buffer): void;
  end(): void;
  fail(failure: UpstreamFailure): void;
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Why there is no (whole) answer. */
export interface UpstreamFailure {
  /** The connection was never made: provably nothing was produced. */
  readonly neverSent: boolean;
  readonly timedOut: boolean;
  /** A word for logs and clients, never an address or a credential. */
  readonly reason: string;
}

/** A call under way. */
export interface UpstreamCall {
  abort(): void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  // The process has no file descriptor left for a socket.
  'EMFILE',
  'ENFILE',
]);
const TIMED_OUT = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** The connections to one origin, and who waits for them. */
interface Origin {
  readonly pool: Pool;
  readonly queue: ConnectionQueue;
}

/** The connections to upstreams: one pool per origin, of `max_upstream_connections`. */
@Injectable()
export class Upstreams implements OnApplicationShutdown {
  private readonly origins = new Map<string, Origin>();

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'general'>,
    metrics: Metrics,
  ) {
    metrics.gauge(
      'tollgate_upstream_queue_calls',
      'Calls that wait for a connection to their upstream',
      () => {
        let waiting = 0;
        for (const { queue } of this.origins.values()) waiting += queue.length;
        return waiting;
      },
    );
  }

  /** Takes a connection for one call, and returns undefined; or waits for one. Who has it sends, or gives it back. */
  take({ origin }: Deployment): Waiting | undefined {
    return this.of(origin).queue.take();
  }

  /** The call that took a connection is not made. */
  giveBack({ origin }: Deployment): void {
    this.of(origin).queue.giveBack();
  }

  /** Sends one call that took a connection. Everything that happens after is told to `sink`, whose last word is `end` or `fail`. */
  send(deployment: Deployment, { path, headers, body }: UpstreamRequest, sink: UpstreamSink): UpstreamCall {
    const { pool, queue } = this.of(deployment.origin);
    let controller: { abort(reason: Error): void } | undefined;
    let over = false;
    // An upstream writes event by event. What one turn of the event loop brings is told at once: it costs little more than one.
    let arrived: Buffer[] = [];
    const tellArrived = () => {
      if (over || !arrived.length) return;
      const bytes = arrived.length === 1 ? arrived[0]! : Buffer.concat(arrived);
      arrived = [];
      sink.data(bytes);
    };
    const finish = (tell: () => void) => {
      tellArrived();
      if (over) return;
      over = true;
      clearTimeout(deadline);
      queue.giveBack();
      tell();
    };
    const abort = (failure: UpstreamFailure) => {
      finish(() => sink.fail(failure));
      controller?.abort(ABORTED);
    };
    const deadline = setTimeout(() => abort(TIMEOUT), deployment.timeoutMs);
    pool.dispatch(
      {
        path,
        method: 'POST',
        headers,
        // Any iterable of bytes is a body to undici; its types know streams only.
        body: body as Buffer,
        // The deadline is for the whole call: no timer of its own for every chunk.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart: (started) => {
          controller = started;
          if (over) started.abort(ABORTED);
        },
        onResponseStart: (_, status, headers) => {
          if (!over) sink.start(status, headers);
        },
        onResponseData: (_, chunk) => {
          if (!over && arrived.push(chunk) === 1) process.nextTick(tellArrived);
        },
        onResponseEnd: () => finish(() => sink.end()),
        onResponseError: (_, error) => finish(() => sink.fail(failureOf(error))),
      },
    );
    return { abort: () => abort({ neverSent: false, timedOut: false, reason: 'aborted' }) };
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.origins.values()].map(({ pool }) => pool.destroy()));
  }

  private of(name: string): Origin {
    let origin = this.origins.get(name);
    if (!origin) {
      const { maxUpstreamConnections, upstreamQueueMs } = this.config.general;
      origin = {
        pool: new Pool(name, {
          connections: maxUpstreamConnections,
          pipelining: 1,
          connect: { timeout: CONNECT_TIMEOUT_MS },
        }),
        queue: new ConnectionQueue(maxUpstreamConnections, upstreamQueueMs),
      };
      this.origins.set(name, origin);
    }
    return origin;
  }
}

const ABORTED = new Error('The gateway ended this call.');
const TIMEOUT: UpstreamFailure = { neverSent: false, timedOut: true, reason: 'timeout' };

function failureOf(error: Error): UpstreamFailure {
  const code = (error as { code?: string }).code ?? '';
  return {
    neverSent: NEVER_SENT.has(code),
    timedOut: TIMED_OUT.has(code),
    reason: TIMED_OUT.has(code) ? 'timeout' : NEVER_SENT.has(code) ? 'no connection' : 'connection lost',
  };
}
