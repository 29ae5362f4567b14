import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'undici';
import type { Deployment } from '../models/deployment.js';

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

const CONNECTIONS_PER_ORIGIN = 512;
const CONNECT_TIMEOUT_MS = 10_000;
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const TIMED_OUT = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** The connections to upstreams: one pool per origin. */
@Injectable()
export class Upstreams implements OnApplicationShutdown {
  private readonly pools = new Map<string, Pool>();

  /** Sends one call. Everything that happens after is told to `sink`, whose last word is `end` or `fail`. */
  send(deployment: Deployment, { path, headers, body }: UpstreamRequest, sink: UpstreamSink): UpstreamCall {
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
      tell();
    };
    const abort = (failure: UpstreamFailure) => {
      finish(() => sink.fail(failure));
      controller?.abort(ABORTED);
    };
    const deadline = setTimeout(() => abort(TIMEOUT), deployment.timeoutMs);
    this.poolOf(deployment.origin).dispatch(
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
    await Promise.all([...this.pools.values()].map((pool) => pool.destroy()));
  }

  private poolOf(origin: string): Pool {
    let pool = this.pools.get(origin);
    if (!pool) {
      pool = new Pool(origin, {
        connections: CONNECTIONS_PER_ORIGIN,
        pipelining: 1,
        connect: { timeout: CONNECT_TIMEOUT_MS },
      });
      this.pools.set(origin, pool);
    }
    return pool;
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
