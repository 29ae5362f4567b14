import { Inject, Injectable } from '@nestjs/common';
import { CallAuthorizer } from '../../access/call-authorizer.js';
import { CONFIG, type Config } from '../../config/config.js';
import { Metrics } from '../../metrics/metrics.js';
import type { ModelFacts } from '../../policy/facts.js';
import { bindToSpan, Traced } from '../../tracing/traced.js';
import type { Attempt } from '../attempt.js';
import type { PendingConnection } from './connection-queue.js';
import { ResponseBuffer, failResponse, settleResponse } from './response-buffer.js';
import { respondWithMock } from './mock-upstream.js';
import { SseExchange } from './sse-exchange.js';
import { ClientDisconnectedError, UpstreamBusyError } from './upstream-error.js';
import { upstreamRequest } from './upstream-request.js';
import { type UpstreamCall, type UpstreamRequest, Upstreams, type UpstreamSink } from './upstreams.js';

/** Longer waits for a connection are counted in a metric. */
const LONG_WAIT_SECONDS = 1;

/** Runs one attempt: waits for a connection, sends the request, and relays the response to the client. */
@Injectable()
export class UpstreamCallRunner {
  constructor(
    private readonly upstreams: Upstreams,
    private readonly authorizer: CallAuthorizer,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Runs an attempt to its end. Rejects with an `UpstreamError` whose `isRetryable` tells whether another attempt may follow. */
  run(attempt: Attempt, model: ModelFacts): Promise<void> {
    const { deployment } = attempt;
    const pending = deployment.mockResponse ? undefined : this.upstreams.acquire(deployment);
    return pending
      ? this.waitForConnection(pending, attempt, model).then(() => this.callUpstream(attempt))
      : this.callUpstream(attempt);
  }

  /**
   * Waits for a connection, then authorizes the call once more, because time passed since the hold. Throws if no connection
   * is free in time, if the caller is refused now, or if the client disconnected. Nothing was sent then.
   */
  private async waitForConnection(
    pending: PendingConnection,
    attempt: Attempt,
    model: ModelFacts,
  ): Promise<void> {
    const { call, deployment } = attempt;
    const { raw } = call.reply;
    const since = performance.now();
    raw.once('close', pending.cancel);
    const isGranted = await pending.granted;
    raw.off('close', pending.cancel);
    const seconds = (performance.now() - since) / 1_000;
    this.metrics.queueSeconds.observe(seconds);
    if (seconds > LONG_WAIT_SECONDS) this.metrics.queuedLong.inc();
    try {
      if (raw.destroyed) throw new ClientDisconnectedError();
      if (!isGranted) {
        this.metrics.shed.inc({ reason: 'upstream_queue' });
        throw new UpstreamBusyError();
      }
      await this.authorizer.recheck(call.access, model);
      if (raw.destroyed) throw new ClientDisconnectedError();
    } catch (error) {
      attempt.producedNothing();
      if (isGranted) this.upstreams.release(deployment);
      throw error;
    }
  }

  @Traced('upstream', { argumentAttributes: spanAttributes })
  private callUpstream(attempt: Attempt): Promise<void> {
    const { call, deployment } = attempt;
    const startedAt = performance.now();
    call.sent++;
    return new Promise<void>((resolve, reject) => {
      let buffer: ResponseBuffer | undefined;
      let exchange: SseExchange | undefined;
      let isOver = false;
      const endWith = (last: Promise<void>) => {
        isOver = true;
        last.then(resolve, reject);
      };
      const sink: UpstreamSink = bindToSpan({
        start: (status, headers) => {
          const streams = status >= 200 && status <= 299 && isEventStream(headers['content-type']);
          if (streams)
            exchange = new SseExchange(
              attempt,
              headers,
              upstream,
              this.config.general.onDisconnect,
              startedAt,
            );
          else buffer = new ResponseBuffer(status, headers, startedAt);
        },
        data: (chunk) => {
          if (isOver) return;
          if (exchange) exchange.data(chunk);
          else if (!buffer!.data(chunk)) upstream.abort();
          // An upstream may keep the connection open after the end of its response.
          if (exchange?.isWhole) endWith(exchange.end());
        },
        end: () => {
          if (!isOver) endWith(exchange ? exchange.end() : settleResponse(attempt, buffer!.whole()));
        },
        fail: (failure) => {
          if (!isOver) endWith(exchange?.started ? exchange.fail(failure) : failResponse(attempt, failure));
        },
      });
      const upstream: UpstreamCall = deployment.mockResponse
        ? respondWithMock(call, deployment, sink)
        : this.upstreams.send(deployment, this.requestFor(attempt), sink);
    });
  }

  /** Builds the request. Releases the connection if that throws. */
  private requestFor(attempt: Attempt): UpstreamRequest {
    try {
      return upstreamRequest(attempt);
    } catch (error) {
      this.upstreams.release(attempt.deployment);
      throw error;
    }
  }
}

/** Returns the attributes of an attempt's span. */
function spanAttributes({ deployment }: Attempt) {
  const { modelName, id, provider } = deployment;
  return { 'tollgate.model': modelName, 'tollgate.deployment': id, 'tollgate.provider': provider };
}

const isEventStream = (contentType: string | string[] | undefined) =>
  typeof contentType === 'string' && /^text\/event-stream/i.test(contentType);
