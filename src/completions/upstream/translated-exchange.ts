import { BadRequestException, type HttpException } from '@nestjs/common';
import type { LanguageModelV3, LanguageModelV3StreamPart } from '@ai-sdk/provider';
import { MalformedBodyError } from '../../body/json-scanner.js';
import { estimatedTokens } from '../../call-types/reported-usage.js';
import { namedLimit } from '../../policy/bound.js';
import { readCall, type ReadCall, type Translation } from '../../translation/translation.js';
import type { AnswerFacts, ModelFactory, TranslatedCall } from '../../translation/translated-call.js';
import type { Attempt } from '../attempt.js';
import { GatheredBytes } from './gathered-bytes.js';
import { isErrorObject } from './reported-error.js';
import { encodingOf, ResponseDecoder } from './response-decoder.js';
import { translatedRequest } from './upstream-request.js';
import type { UpstreamCall, UpstreamFailure, UpstreamHeaders, Upstreams, UpstreamSink } from './upstreams.js';
import { UsageTap } from './usage-tap.js';

/** Returns what a deployment's settings say about the translation of this attempt, and reads the body. */
export function readAttempt(attempt: Attempt, translation: Translation, dropsAlways: boolean): ReadCall {
  const { llm, deployment, output } = attempt;
  const { drops, operatorNames, size, bytes } = llm;
  try {
    return readCall(translation, JSON.parse(bytes.toString('utf8')) as Record<string, unknown>, deployment, {
      drops: drops?.unsupported ?? (dropsAlways || deployment.callEdits?.dropsUnsupported === true),
      maxOutputTokens: output.limit?.tokens ?? namedLimit(size, deployment),
      operatorNames,
    });
  } catch (error) {
    if (!(error instanceof MalformedBodyError)) throw error;
    throw new BadRequestException({ message: error.message, param: error.param });
  }
}

/** Ends the package's wait for a response that is not translated. It reaches nobody. */
class NotTranslatedError extends Error {}
const NOT_TRANSLATED = new NotTranslatedError();

const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const UNREADABLE = 'The upstream’s answer is not what its API promises, so it cannot be translated.';

/**
 * Sends one attempt through the package of its provider, and reports the answer to `sink` in the form of the client's API, as if the
 * upstream spoke it. Errors of the provider reach `sink` as they are. `refuse`: ends the attempt with an error of the client.
 */
export class TranslatedExchange implements UpstreamCall {
  private upstream: UpstreamCall | undefined;
  private isOver = false;
  private headers: UpstreamHeaders = {};
  private readonly tap: UsageTap;
  private body: ReadableStreamDefaultController<Uint8Array> | undefined;
  private decoder: ResponseDecoder | undefined;
  private readonly facts: { id: string; created: number; model: string };
  private text = '';
  private isFlushPlanned = false;

  constructor(
    private readonly attempt: Attempt,
    private readonly translation: Translation,
    private readonly upstreams: Upstreams,
    private readonly sink: UpstreamSink,
    private readonly refuse: (error: HttpException) => void,
  ) {
    this.tap = new UsageTap(translation.api.wire.stream);
    this.facts = {
      id: attempt.hold.id,
      created: Math.floor(Date.now() / 1_000),
      model: attempt.deployment.upstreamName,
    };
  }

  /** Starts the call. The connection is released if nothing is sent. */
  start({ call, target }: ReadCall, factory: ModelFactory): void {
    void this.run(factory(target, call, this.fetch), call).catch((error: unknown) => this.failWith(error));
  }

  private async run(model: LanguageModelV3, { stream, options }: TranslatedCall): Promise<void> {
    if (stream) return this.relay((await model.doStream(options)).stream.getReader());
    const { response, content, finishReason, providerMetadata } = await model.doGenerate(options);
    this.takeFacts(response ?? {});
    const usage = this.usageOf(response?.body);
    this.attempt.reported = { usage, usageIsPartial: false };
    const stopSequence = providerMetadata?.anthropic?.stopSequence;
    const answer = this.translation.clientApi.whole({
      ...this.facts,
      content,
      finish: finishReason,
      usage,
      ...(typeof stopSequence === 'string' && { stopSequence }),
    });
    this.answer(Buffer.from(JSON.stringify(answer)));
  }

  abort(message?: string): void {
    if (this.upstream) return this.upstream.abort(message);
    if (this.isOver) return;
    this.isOver = true;
    this.upstreams.release(this.attempt.deployment);
    this.sink.fail({
      neverSent: true,
      timedOut: false,
      reason: 'aborted',
      ...(message !== undefined && { message }),
    });
  }

  /** Sends the request of the package over the gateway's own connections. */
  private readonly fetch = (_: unknown, init?: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      if (this.isOver) return reject(NOT_TRANSLATED);
      const { attempt, translation } = this;
      const request = translatedRequest(
        attempt,
        translation.api.wire,
        init?.body as string,
        (init?.headers ?? {}) as Readonly<Record<string, string | undefined>>,
      );
      this.upstream = this.upstreams.send(attempt.deployment, request, {
        start: (status, headers) => this.begin(status, headers, resolve, reject),
        data: (chunk) => (this.decoder ? this.decoder.data(chunk) : this.data(chunk)),
        end: () => (this.decoder ? this.decoder.end() : this.end()),
        fail: (failure) => {
          this.fail(failure);
          reject(NOT_TRANSLATED);
        },
      });
    });

  private whole: GatheredBytes | undefined;
  private settleWhole: ((bytes: Buffer) => void) | undefined;
  private isPassed = false;

  private begin(
    status: number,
    headers: UpstreamHeaders,
    resolve: (response: Response) => void,
    reject: (error: unknown) => void,
  ): void {
    this.headers = headers;
    if (status < 200 || status > 299) {
      this.isPassed = true;
      this.sink.start(status, headers);
      return reject(NOT_TRANSLATED);
    }
    const encoding = encodingOf(headers);
    if (encoding)
      this.decoder = new ResponseDecoder(encoding, {
        data: (chunk) => this.data(chunk),
        end: () => this.end(),
        fail: (failure) => this.fail(failure),
      });
    const { stream } = this.attempt.llm;
    const isJson = String(headers['content-type']).startsWith('application/json');
    if (stream && !isJson) {
      const body = new ReadableStream<Uint8Array>(
        { start: (controller) => void (this.body = controller) },
        UNBOUNDED,
      );
      return resolve(responseOf(body));
    }
    this.whole = new GatheredBytes();
    this.settleWhole = (bytes) => {
      // In the place of a stream only an error is an answer.
      if (stream || reportsError(bytes)) {
        reject(NOT_TRANSLATED);
        if (stream && !reportsError(bytes)) return this.fail(unreadable());
        this.isPassed = true;
        this.isOver = true;
        this.sink.start(200, withType(this.headers, 'application/json'));
        this.sink.data(bytes);
        return this.sink.end();
      }
      resolve(responseOf(new Blob([bytes]).stream()));
    };
  }

  private data(chunk: Buffer): void {
    if (this.isOver) return;
    if (this.isPassed) return this.sink.data(chunk);
    if (this.whole) {
      this.whole.add(chunk);
      if (this.whole.bytes > MAX_ANSWER_BYTES)
        this.upstream!.abort('The upstream’s answer has more than 256 MiB, which is not translated.');
      return;
    }
    if (!this.tap.push(chunk))
      return this.upstream!.abort('The upstream sent an event of more than 64 MiB, which is not translated.');
    this.attempt.reported = this.tap;
    this.body!.enqueue(chunk);
  }

  private end(): void {
    if (this.isOver) return;
    if (this.isPassed) {
      this.isOver = true;
      return this.sink.end();
    }
    if (this.whole) return this.settleWhole!(this.whole.whole());
    this.tap.end();
    this.body!.close();
  }

  private fail(failure: UpstreamFailure): void {
    if (this.isOver) return;
    this.flush();
    this.isOver = true;
    this.body?.error(NOT_TRANSLATED);
    this.sink.fail(failure);
  }

  /** Ends the attempt after an error of the package. */
  private failWith(error: unknown): void {
    if (this.isOver || error instanceof NotTranslatedError) return;
    if (!this.upstream) {
      this.isOver = true;
      this.upstreams.release(this.attempt.deployment);
      this.attempt.producedNothing();
      return this.refuse(
        new BadRequestException({
          message: 'This call cannot be translated to the API of the model’s provider.',
        }),
      );
    }
    // The provider answered, so its answer is billed, although the client gets none of it.
    const usage = this.whole && this.usageOf(parsed(this.whole.whole()));
    if (!usage) return this.fail(unreadable());
    this.attempt.reported = { usage, usageIsPartial: false };
    this.answer(Buffer.from(JSON.stringify({ error: { message: UNREADABLE, code: '502' } })));
  }

  private answer(body: Buffer): void {
    if (this.isOver) return;
    this.isOver = true;
    this.sink.start(200, withType(this.headers, 'application/json'));
    this.sink.data(body);
    this.sink.end();
  }

  private usageOf(body: unknown) {
    const { llm, deployment } = this.attempt;
    const { wire } = this.translation.api;
    return wire.usage(body as Record<string, unknown> | undefined, {
      size: llm.size,
      price: deployment.price,
    });
  }

  private takeFacts({ id, modelId }: { readonly id?: string; readonly modelId?: string }): void {
    if (id) this.facts.id = id;
    if (modelId) this.facts.model = modelId;
  }

  /** Writes the parts of a stream in the form of the client's API. */
  private async relay(reader: ReadableStreamDefaultReader<LanguageModelV3StreamPart>): Promise<void> {
    const { llm } = this.attempt;
    const { clientApi } = this.translation;
    const writer = clientApi.stream({
      facts: (): AnswerFacts => this.facts,
      usage: () => this.tap.usage,
      includeUsage: llm.includeUsage,
      estimatedInputTokens: estimatedTokens(llm.size.inputBytes),
    });
    this.sink.start(200, withType(this.headers, 'text/event-stream; charset=utf-8'));
    for (;;) {
      const { done, value: part } = await reader.read();
      if (this.isOver) return;
      if (done) return this.breakOff();
      if (part.type === 'response-metadata') this.takeFacts(part);
      else if (part.type === 'error') return this.endWithError(part.error);
      else if (part.type === 'finish') {
        // A package may end a stream that its provider did not.
        if (part.finishReason.raw === undefined) return this.breakOff();
        return this.finish(writer.write(part) + writer.end(this.tap.usage));
      } else {
        const text = writer.write(part);
        if (text) this.send(text);
      }
    }
  }

  /** Sends all events of one turn of the event loop at once, to save work. */
  private send(text: string): void {
    this.text += text;
    if (this.isFlushPlanned) return;
    this.isFlushPlanned = true;
    setImmediate(() => {
      this.isFlushPlanned = false;
      if (!this.isOver) this.flush();
    });
  }

  private flush(): void {
    if (!this.text) return;
    const events = Buffer.from(this.text);
    this.text = '';
    this.sink.data(events);
  }

  private finish(last: string): void {
    this.text += last;
    this.flush();
    if (this.isOver) return;
    this.isOver = true;
    this.sink.end();
  }

  private breakOff(): void {
    this.fail({ neverSent: false, timedOut: false, reason: 'no end' });
  }

  /** Ends a stream with the error that the provider sent inside it. A part that is no error of the provider cannot be read. */
  private endWithError(error: unknown): void {
    const value = { error: typeof error === 'string' ? { message: error } : error };
    if (error instanceof Error || !isErrorObject(value)) {
      this.fail(unreadable());
      return this.upstream!.abort();
    }
    const { message, type, code } = value.error as Record<string, unknown>;
    this.finish(
      this.attempt.llm.kind.stream.failure({
        message: typeof message === 'string' ? message : 'The upstream failed.',
        type: typeof type === 'string' ? type : 'upstream_error',
        param: null,
        code: typeof code === 'string' || typeof code === 'number' ? String(code) : codeOf(type),
      }),
    );
  }
}

/** Codes of errors that a provider sends without one. */
const codeOf = (type: unknown): string =>
  type === 'overloaded_error' ? '529' : type === 'rate_limit_error' ? '429' : '502';

const UNBOUNDED: QueuingStrategy<Uint8Array> = { highWaterMark: Infinity };

/** Returns the response that a package reads. Its members are those of `Response` that packages use. */
const responseOf = (body: ReadableStream<Uint8Array>): Response =>
  ({ ok: true, status: 200, statusText: '', headers: NO_HEADERS, body }) as unknown as Response;

const NO_HEADERS = new Headers();

const withType = (headers: UpstreamHeaders, type: string): UpstreamHeaders => ({
  ...headers,
  'content-type': type,
  'content-encoding': undefined,
});

const unreadable = (): UpstreamFailure => ({
  neverSent: false,
  timedOut: false,
  reason: 'unreadable answer',
  message: UNREADABLE,
});

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

const ERROR = Buffer.from('"error"');

const reportsError = (bytes: Buffer): boolean => bytes.includes(ERROR) && isErrorObject(parsed(bytes));
