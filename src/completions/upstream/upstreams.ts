import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'undici';
import { CONFIG, type Config } from '../../config/config.js';
import { Metrics } from '../../metrics/metrics.js';
import type { Deployment } from '../../models/deployment.js';
import { ConnectionQueue, type PendingConnection } from './connection-queue.js';

/** A request to an upstream. */
export interface UpstreamRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body. It is in pieces if it is too large to be copied. */
  readonly body: Buffer | readonly Buffer[];
}

/** Receiver of a response. Calls come in this order: `start` once, `data` any number of times, then `end` or `fail`. */
export interface UpstreamSink {
  start(status: number, headers: UpstreamHeaders): void;
  data(chunk: Buffer): void;
  end(): void;
  fail(failure: UpstreamFailure): void;
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** The reason for a missing or incomplete response. */
export interface UpstreamFailure {
  /** True if no connection was made, so that the upstream provably produced nothing. */
  readonly neverSent: boolean;
  readonly timedOut: boolean;
  /** Short text for logs and clients, without addresses and credentials. */
  readonly reason: string;
  /** A sentence for the client. */
  readonly message?: string;
  /** True if another attempt would end in the same way. */
  readonly isFinal?: true;
}

/** A call in flight. */
export interface UpstreamCall {
  /** Ends the call. `message`: the reason, for the client. */
  abort(message?: string): void;
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

/** The connections to one origin, and the queue of calls that wait for them. */
interface Origin {
  readonly pool: Pool;
  readonly queue: ConnectionQueue;
}

/** Manages the connections to upstreams, in one pool of `max_upstream_connections` per origin. */
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

  /** Takes a connection for one call and returns undefined, or returns the pending one. The caller must `send` or `release`. */
  acquire({ origin }: Deployment): PendingConnection | undefined {
    return this.originOf(origin).queue.acquire();
  }

  /** Releases the connection of a call that is not sent. */
  release({ origin }: Deployment): void {
    this.originOf(origin).queue.release();
  }

  /** Sends one call over its acquired connection. Reports the response to `sink`, and ends with `end` or `fail`. */
  send(deployment: Deployment, { path, headers, body }: UpstreamRequest, sink: UpstreamSink): UpstreamCall {
    const { pool, queue } = this.originOf(deployment.origin);
    let controller: { abort(reason: Error): void } | undefined;
    let isOver = false;
    // Upstreams write event by event. All chunks of one turn of the event loop are reported at once, to save work.
    let arrived: Buffer[] = [];
    const flush = () => {
      if (isOver || !arrived.length) return;
      const bytes = arrived.length === 1 ? arrived[0]! : Buffer.concat(arrived);
      arrived = [];
      sink.data(bytes);
    };
    const finish = (report: () => void) => {
      flush();
      if (isOver) return;
      isOver = true;
      clearTimeout(deadline);
      queue.release();
      report();
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
        // undici accepts any iterable of bytes as a body; its types allow only streams.
        body: body as Buffer,
        // The deadline covers the whole call, so chunks need no timers.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart: (upstreamController) => {
          controller = upstreamController;
          if (isOver) upstreamController.abort(ABORTED);
        },
        onResponseStart: (_, status, headers) => {
          if (!isOver) sink.start(status, headers);
        },
        onResponseData: (_, chunk) => {
          if (!isOver && arrived.push(chunk) === 1) process.nextTick(flush);
        },
        onResponseEnd: () => finish(() => sink.end()),
        onResponseError: (_, error) => finish(() => sink.fail(failureOf(error))),
      },
    );
    return {
      abort: (message) =>
        abort({ ...ABORTION, ...(message !== undefined && { message, isFinal: true as const }) }),
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.origins.values()].map(({ pool }) => pool.destroy()));
  }

  private originOf(name: string): Origin {
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
const ABORTION: UpstreamFailure = { neverSent: false, timedOut: false, reason: 'aborted' };
const TIMEOUT: UpstreamFailure = { neverSent: false, timedOut: true, reason: 'timeout' };

function failureOf(error: Error): UpstreamFailure {
  const code = (error as { code?: string }).code ?? '';
  return {
    neverSent: NEVER_SENT.has(code),
    timedOut: TIMED_OUT.has(code),
    reason: TIMED_OUT.has(code) ? 'timeout' : NEVER_SENT.has(code) ? 'no connection' : 'connection lost',
  };
}
