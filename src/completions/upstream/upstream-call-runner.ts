import { HttpException, Inject, Injectable, Logger } from '@nestjs/common';
import { patienceMs } from '../../access/call-headers.js';
import { CallAuthorizer } from '../../access/call-authorizer.js';
import { CredentialError } from '../../clouds/credential-source.js';
import { converse } from '../../call-types/converse.js';
import { BodiesUnderWay } from '../../body/bodies-under-way.js';
import { CONFIG, type Config } from '../../config/config.js';
import { Metrics } from '../../metrics/metrics.js';
import type { ModelFacts } from '../../policy/facts.js';
import { bindToSpan, Traced } from '../../tracing/traced.js';
import type { Attempt } from '../attempt.js';
import type { PendingConnection } from './connection-queue.js';
import { encodingOf, ResponseDecoder } from './response-decoder.js';
import { ResponseBuffer, failResponse, settleResponse, TOO_LARGE_RESPONSE } from './response-buffer.js';
import { anthropicEventText, converseEventText, FrameDecoder, hasEventFrames } from './event-frames.js';
import { looksLikeEvents } from './sse-events.js';
import { respondWithMock } from './mock-upstream.js';
import {
  modelFactory,
  type ReadCall,
  type Translation,
  translationOf,
} from '../../translation/translation.js';
import type { ModelFactory } from '../../translation/translated-call.js';
import { readAttempt, TranslatedExchange } from './translated-exchange.js';
import { SseExchange } from './sse-exchange.js';
import {
  CLIENT_TIMEOUT,
  NO_CREDENTIAL,
  ClientDisconnectedError,
  unusableAnswer,
  UpstreamBusyError,
} from './upstream-error.js';
import { upstreamRequest } from './upstream-request.js';
import {
  type UpstreamCall,
  type UpstreamFailure,
  type UpstreamHeaders,
  type UpstreamRequest,
  Upstreams,
  type UpstreamSink,
} from './upstreams.js';

/** Sends a translated call. `refuse`: ends the attempt with an error of the client. */
type SendTranslated = (sink: UpstreamSink, refuse: (error: HttpException) => void) => UpstreamCall;

/** Longer waits for a connection are counted in a metric. */
const LONG_WAIT_SECONDS = 1;

/** Runs one attempt: waits for a connection, sends the request, and relays the response to the client. */
@Injectable()
export class UpstreamCallRunner {
  /** The memory that large events of all streams share. */
  private readonly largeEvents: BodiesUnderWay;
  private readonly logger = new Logger('completions');

  constructor(
    private readonly upstreams: Upstreams,
    private readonly authorizer: CallAuthorizer,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.largeEvents = new BodiesUnderWay(config.general.maxRequestBytesInFlight);
  }

  /** Runs an attempt to its end. Rejects with an `UpstreamError` whose `isRetryable` tells whether another attempt may follow. */
  run(attempt: Attempt, model: ModelFacts): Promise<void> {
    const fetching = attempt.deployment.credential?.ready();
    return fetching
      ? this.waitForCredential(fetching, attempt, model).then(() => this.prepare(attempt, model))
      : this.prepare(attempt, model);
  }

  private prepare(attempt: Attempt, model: ModelFacts): Promise<void> {
    const { deployment, llm } = attempt;
    const translation =
      deployment.mockResponse === undefined ? translationOf(deployment, llm.kind.path) : undefined;
    return translation ? this.translate(translation, attempt, model) : this.connect(attempt, model);
  }

  /** Runs an attempt whose provider does not speak the call's API. Throws 400 if the body has no translation; nothing was sent then. */
  private async translate(translation: Translation, attempt: Attempt, model: ModelFacts): Promise<void> {
    attempt.translation = translation.name;
    let factory: ModelFactory;
    let read: ReadCall;
    try {
      const loaded = modelFactory(translation.api);
      factory = loaded instanceof Promise ? await loaded : loaded;
      read = readAttempt(attempt, translation, this.config.litellm.dropParams);
    } catch (error) {
      attempt.producedNothing();
      throw error;
    }
    return this.connect(attempt, model, (sink, refuse) => {
      const exchange = new TranslatedExchange(attempt, translation, this.upstreams, sink, refuse);
      exchange.start(read, factory);
      return exchange;
    });
  }

  /**
   * Waits for the credential of the deployment's cloud, then authorizes the call once more. Throws if there is none, if the
   * caller is refused now, or if the client disconnected. Nothing was sent then.
   */
  private async waitForCredential(
    fetching: Promise<void>,
    attempt: Attempt,
    model: ModelFacts,
  ): Promise<void> {
    const { call } = attempt;
    try {
      await fetching;
      if (call.reply.raw.destroyed) throw new ClientDisconnectedError();
      await this.authorizer.recheck(call.access, model);
    } catch (error) {
      attempt.producedNothing();
      throw error instanceof CredentialError ? unusableAnswer(attempt, NO_CREDENTIAL, 503) : error;
    }
  }

  /** `send`: sends a translated call. Absent: bytes pass. */
  private connect(attempt: Attempt, model: ModelFacts, send?: SendTranslated): Promise<void> {
    const { deployment } = attempt;
    const pending = deployment.mockResponse ? undefined : this.upstreams.acquire(deployment);
    return pending
      ? this.waitForConnection(pending, attempt, model).then(() => this.callUpstream(attempt, send))
      : this.callUpstream(attempt, send);
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
  private callUpstream(attempt: Attempt, send?: SendTranslated): Promise<void> {
    const { call, deployment } = attempt;
    const startedAt = performance.now();
    call.sent++;
    return new Promise<void>((resolve, reject) => {
      let buffer: ResponseBuffer | undefined;
      let exchange: SseExchange | undefined;
      let decoder: ResponseDecoder | FrameDecoder | undefined;
      /** Headers of a response whose content type says nothing of the requested events. Its first bytes decide. */
      let undecided: UpstreamHeaders | undefined;
      let isOver = false;
      /** Ends the client's waiting. Undefined if the deployment ends it sooner. */
      let patience: NodeJS.Timeout | undefined;
      /** Ends an attempt that goes on without its client. */
      let endDetached: ((last: Promise<void>) => void) | undefined;
      const endWith = (last: Promise<void>) => {
        isOver = true;
        clearTimeout(patience);
        decoder?.destroy();
        if (endDetached) endDetached(last);
        else last.then(resolve, reject);
      };
      const loseClient = () => {
        patience = undefined;
        if (call.reply.raw.destroyed) return;
        if (exchange?.started) return exchange.loseClient();
        attempt.isDetached = true;
        exchange?.leave();
        call.detached.push(
          new Promise<void>((ended) => (endDetached = (last) => ended(this.closeDetached(attempt, last)))),
        );
        reject(unusableAnswer(attempt, CLIENT_TIMEOUT, 504));
      };
      const relay = (headers: UpstreamHeaders) =>
        new SseExchange(
          attempt,
          headers,
          upstream,
          this.config.general.onDisconnect,
          startedAt,
          this.largeEvents,
        );
      const read = (chunk: Buffer) => {
        if (isOver) return;
        // A stream may go on as long as its parts come in time.
        if (exchange) patience?.refresh();
        if (undecided) {
          if (looksLikeEvents(chunk)) exchange = relay(undecided);
          undecided = undefined;
        }
        if (exchange) exchange.data(chunk);
        else if (!buffer!.data(chunk)) upstream.abort(TOO_LARGE_RESPONSE);
        // An upstream may keep the connection open after the end of its response.
        if (exchange?.isOver) endWith(exchange.end());
      };
      const end = () => {
        if (!isOver) endWith(exchange ? exchange.end() : settleResponse(attempt, buffer!.whole()));
      };
      const fail = (failure: UpstreamFailure) => {
        if (isOver) return;
        const isPart = exchange?.started || (attempt.isDetached && exchange?.hasEvents);
        endWith(isPart ? exchange!.fail(failure) : failResponse(attempt, failure));
      };
      const sink: UpstreamSink = bindToSpan({
        start: (status, headers) => {
          const isSuccess = status >= 200 && status <= 299;
          if (isSuccess && isEventStream(headers['content-type'])) exchange = relay(headers);
          else {
            buffer = new ResponseBuffer(status, headers, startedAt);
            if (isSuccess && call.llm.stream) undecided = headers;
          }
          const encoding = encodingOf(headers);
          if (isSuccess && hasEventFrames(headers)) {
            exchange = relay(headers);
            buffer = undefined;
            undecided = undefined;
            decoder = new FrameDecoder(textOfFrames(attempt), bindToSpan({ data: read, end, fail }));
          } else if (encoding) decoder = new ResponseDecoder(encoding, bindToSpan({ data: read, end, fail }));
        },
        data: (chunk) => (decoder ? decoder.data(chunk) : read(chunk)),
        end: () => (decoder ? decoder.end() : end()),
        fail,
      });
      const upstream: UpstreamCall = deployment.mockResponse
        ? respondWithMock(attempt, sink)
        : send
          ? send(sink, (error) => endWith(Promise.reject(error)))
          : this.upstreams.send(deployment, this.requestFor(attempt), sink);
      const waitMs = clientWaitMs(attempt);
      if (waitMs !== undefined) patience = setTimeout(loseClient, waitMs);
    });
  }

  /** Waits until an attempt without its client is over, then closes it. Its client has its answer already, so errors are logged. */
  private async closeDetached(attempt: Attempt, last: Promise<void>): Promise<void> {
    try {
      await last.catch((error: unknown) => {
        if (!(error instanceof HttpException)) throw error;
      });
      await attempt.close();
    } catch (error) {
      this.logger.error(
        'A call whose client waited no longer failed',
        error instanceof Error ? error.stack : error,
      );
    }
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

const textOfFrames = ({ llm }: Attempt) => (llm.kind === converse ? converseEventText : anthropicEventText);

/** Returns how long the client waits for this attempt, if that is less than its deployment may take. */
function clientWaitMs({ llm, deployment }: Attempt): number | undefined {
  if (!llm.callHeaders) return undefined;
  const waitMs = patienceMs(llm.callHeaders, llm.stream);
  return waitMs !== undefined && waitMs < deployment.timeoutMs ? waitMs : undefined;
}

/** Returns the attributes of an attempt's span. */
function spanAttributes({ deployment }: Attempt) {
  const { modelName, id, provider } = deployment;
  return { 'tollgate.model': modelName, 'tollgate.deployment': id, 'tollgate.provider': provider };
}

const isEventStream = (contentType: string | string[] | undefined) =>
  typeof contentType === 'string' && /^text\/event-stream/i.test(contentType);
