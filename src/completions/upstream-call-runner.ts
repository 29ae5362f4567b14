import { Inject, Injectable } from '@nestjs/common';
import { CallAuthorizer } from '../access/call-authorizer.js';
import { CONFIG, type Config } from '../config/config.js';
import { Metrics } from '../metrics/metrics.js';
import type { ModelFacts } from '../policy/facts.js';
import { carried, Traced } from '../tracing/traced.js';
import type { Attempt } from './call.js';
import type { Waiting } from './upstream/connection-queue.js';
import { ResponseBuffer, failResponse, settleResponse } from './upstream/response-buffer.js';
import { answerMock } from './upstream/mock-upstream.js';
import { SseExchange } from './upstream/sse-exchange.js';
import { ClientDisconnectedError, UpstreamBusyError } from './upstream/upstream-error.js';
import { upstreamRequest } from './upstream/upstream-request.js';
import {
  type UpstreamCall,
  type UpstreamRequest,
  Upstreams,
  type UpstreamSink,
} from './upstream/upstreams.js';

/** Longer waits for a connection are counted. */
const LONG_WAIT_SECONDS = 1;

/** Runs one attempt: waits for a connection, sends the request, and relays the answer to the client. */
@Injectable()
export class UpstreamCallRunner {
  constructor(
    private readonly upstreams: Upstreams,
    private readonly authorizer: CallAuthorizer,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Runs an attempt to its end. Rejects with an `UpstreamError` that says whether another attempt may follow. */
  run(attempt: Attempt, model: ModelFacts): Promise<void> {
    const { deployment } = attempt;
    const waiting = deployment.mockResponse ? undefined : this.upstreams.take(deployment);
    return waiting
      ? this.waitFor(waiting, attempt, model).then(() => this.callUpstream(attempt))
      : this.callUpstream(attempt);
  }

  /**
   * Waits for a connection, then authorizes the call once more, because time passed since the hold. Throws when no connection is
   * free in time, when the caller is refused by now, or when the client disconnected. Nothing was sent then.
   */
  private async waitFor(waiting: Waiting, attempt: Attempt, model: ModelFacts): Promise<void> {
    const { call, deployment } = attempt;
    const { raw } = call.reply;
    const since = performance.now();
    raw.once('close', waiting.leave);
    const isGiven = await waiting.given;
    raw.off('close', waiting.leave);
    const seconds = (performance.now() - since) / 1_000;
    this.metrics.queueSeconds.observe(seconds);
    if (seconds > LONG_WAIT_SECONDS) this.metrics.queuedLong.inc();
    try {
      if (raw.destroyed) throw new ClientDisconnectedError();
      if (!isGiven) {
        this.metrics.shed.inc({ reason: 'upstream_queue' });
        throw new UpstreamBusyError();
      }
      await this.authorizer.recheck(call.access, model);
      if (raw.destroyed) throw new ClientDisconnectedError();
    } catch (error) {
      attempt.producedNothing();
      if (isGiven) this.upstreams.giveBack(deployment);
      throw error;
    }
  }

  @Traced('upstream', { asked: spanAttributes })
  private callUpstream(attempt: Attempt): Promise<void> {
    const { call, deployment } = attempt;
    const startedAt = performance.now();
    call.sent++;
    return new Promise<void>((resolve, reject) => {
      let gatherer: ResponseBuffer | undefined;
      let exchange: SseExchange | undefined;
      let isOver = false;
      const endWith = (last: Promise<void>) => {
        isOver = true;
        last.then(resolve, reject);
      };
      const sink: UpstreamSink = carried({
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
          else gatherer = new ResponseBuffer(status, headers, startedAt);
        },
        data: (chunk) => {
          if (isOver) return;
          if (exchange) exchange.data(chunk);
          else if (!gatherer!.data(chunk)) upstream.abort();
          // An upstream may say its last word and stay on the line.
          if (exchange?.isWhole) endWith(exchange.end());
        },
        end: () => {
          if (!isOver) endWith(exchange ? exchange.end() : settleResponse(attempt, gatherer!.whole()));
        },
        fail: (failure) => {
          if (!isOver) endWith(exchange?.started ? exchange.fail(failure) : failResponse(attempt, failure));
        },
      });
      const upstream: UpstreamCall = deployment.mockResponse
        ? answerMock(call, deployment, sink)
        : this.upstreams.send(deployment, this.requestFor(attempt), sink);
    });
  }

  /** Builds the request. The connection is returned when the request cannot be built. */
  private requestFor(attempt: Attempt): UpstreamRequest {
    try {
      return upstreamRequest(attempt);
    } catch (error) {
      this.upstreams.giveBack(attempt.deployment);
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
