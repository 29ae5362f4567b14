import { createRequire } from 'node:module';
import type { EventStreamCodec, MessageHeaders } from '@smithy/core/event-streams';
import { anthropicErrorType } from '../../http/anthropic-error.js';
import { typedEvent } from '../../call-types/typed-stream.js';
import { GatheredBytes } from './gathered-bytes.js';
import type { UpstreamHeaders, UpstreamSink } from './upstreams.js';

const CONTENT_TYPE = /^application\/vnd\.amazon\.eventstream/i;
/** Bytes of a frame without headers and payload: its prelude and two checksums. */
const LEAST_FRAME_BYTES = 16;
const MAX_FRAME_BYTES = 24 * 1024 * 1024;

/** Tells whether a response is a stream of AWS's binary frames. */
export const hasEventFrames = ({ 'content-type': type }: UpstreamHeaders): boolean =>
  typeof type === 'string' && CONTENT_TYPE.test(type);

/** One frame: the type of its event or exception, and its payload. */
export interface EventFrame {
  readonly type: string;
  readonly isException: boolean;
  readonly payload: Buffer;
}

let codec: EventStreamCodec | undefined;

/** Returns the codec. Only installations with such streams load its package. */
function loadedCodec(): EventStreamCodec {
  if (!codec) {
    const library = createRequire(import.meta.url)(
      '@smithy/core/event-streams',
    ) as typeof import('@smithy/core/event-streams');
    codec = new library.EventStreamCodec(
      (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
      (text) => Buffer.from(text, 'utf8'),
    );
  }
  return codec;
}

/**
 * Turns AWS's binary frames into server-sent events, as `textOf` writes each. A frame that is damaged, or too large, ends
 * the response like a lost connection.
 */
export class FrameDecoder {
  private readonly tail = new GatheredBytes();
  /** Bytes that the next frame has at least. */
  private neededBytes = LEAST_FRAME_BYTES;
  private isBroken = false;

  constructor(
    private readonly textOf: (frame: EventFrame) => string,
    private readonly sink: Pick<UpstreamSink, 'data' | 'end' | 'fail'>,
  ) {}

  data(chunk: Buffer): void {
    if (this.isBroken) return;
    this.tail.add(chunk);
    if (this.tail.bytes < this.neededBytes) return;
    const bytes = this.tail.whole();
    this.tail.clear();
    let at = 0;
    let text = '';
    this.neededBytes = LEAST_FRAME_BYTES;
    while (bytes.length - at >= LEAST_FRAME_BYTES) {
      const length = bytes.readUInt32BE(at);
      if (length < LEAST_FRAME_BYTES || length > MAX_FRAME_BYTES) return this.break(text);
      if (bytes.length - at < length) {
        this.neededBytes = length;
        break;
      }
      const frame = frameIn(bytes.subarray(at, at + length));
      if (!frame) return this.break(text);
      text += this.textOf(frame);
      at += length;
    }
    if (at < bytes.length) this.tail.add(bytes.subarray(at));
    if (text) this.sink.data(Buffer.from(text));
  }

  end(): void {
    if (this.isBroken) return;
    if (this.tail.bytes) this.break('');
    else this.sink.end();
  }

  /** Stops reading. */
  destroy(): void {
    this.isBroken = true;
    this.tail.clear();
  }

  private break(before: string): void {
    if (before) this.sink.data(Buffer.from(before));
    this.destroy();
    this.sink.fail({
      neverSent: false,
      timedOut: false,
      reason: 'unreadable answer',
      message: 'The upstream sent a stream whose frames are damaged.',
    });
  }
}

/** Returns a frame whose checksums are right; undefined if it is damaged. */
function frameIn(bytes: Buffer): EventFrame | undefined {
  try {
    const { headers, body } = loadedCodec().decode(bytes);
    const header = (name: string) => {
      const value = headers[name]?.value;
      return typeof value === 'string' ? value : undefined;
    };
    const isException = header(':message-type') !== 'event';
    const type = header(':event-type') ?? header(':exception-type') ?? header(':error-code') ?? 'unknown';
    return { type, isException, payload: Buffer.from(body.buffer, body.byteOffset, body.byteLength) };
  } catch {
    return undefined;
  }
}

/** Statuses of the exceptions that AWS names inside a stream. */
const STATUSES: Readonly<Record<string, number>> = {
  validationException: 400,
  throttlingException: 429,
  modelTimeoutException: 408,
  modelStreamErrorException: 424,
  serviceUnavailableException: 503,
  internalServerException: 500,
};

/** Statuses of the types of Anthropic's errors. */
const STATUS_OF_TYPE: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  timeout_error: 408,
  rate_limit_error: 429,
  overloaded_error: 503,
};

/** Returns AWS's name of an error inside a stream. */
export function exceptionName({ type, code }: { readonly type?: unknown; readonly code?: unknown }): string {
  const status = STATUS_OF_TYPE[String(type)] ?? (Number(code) === 504 ? 408 : Number(code));
  const name = Object.keys(STATUSES).find(
    (exception) => exception === type || STATUSES[exception] === status,
  );
  return name ?? 'internalServerException';
}

/** Returns the bytes of a frame. */
export function encodedFrame(headers: Readonly<Record<string, string>>, payload: Buffer): Buffer {
  const typed = Object.entries(headers).map(([name, value]) => [name, { type: 'string' as const, value }]);
  const message = { headers: Object.fromEntries(typed) as MessageHeaders, body: payload };
  const bytes = loadedCodec().encode(message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Returns the status and the message of an exception. */
export function exceptionIn({ type, payload }: EventFrame): {
  readonly status: number;
  readonly message: string;
} {
  const { message } = objectIn(payload) ?? {};
  return {
    status: STATUSES[type] ?? 502,
    message: typeof message === 'string' ? message : `The upstream reported ${type}.`,
  };
}

/** Returns the event in a frame of Converse. */
export function converseEventText(frame: EventFrame): string {
  if (frame.isException) {
    const { status, message } = exceptionIn(frame);
    const error = { message, type: frame.type, code: String(status) };
    return `event: exception\ndata: ${JSON.stringify({ error })}\n\n`;
  }
  const event = objectIn(frame.payload);
  return event && /^\w+$/.test(frame.type) ? `event: ${frame.type}\ndata: ${JSON.stringify(event)}\n\n` : '';
}

/** Returns Anthropic's event in a frame of InvokeModel. */
export function anthropicEventText(frame: EventFrame): string {
  if (frame.isException) {
    const { status, message } = exceptionIn(frame);
    const type = anthropicErrorType({ status, type: frame.type, isFinal: false });
    return typedEvent({ type: 'error', error: { type, message } });
  }
  const { bytes } = objectIn(frame.payload) ?? {};
  if (typeof bytes !== 'string') return '';
  const text = Buffer.from(bytes, 'base64').toString('utf8');
  const { type } = objectIn(Buffer.from(text)) ?? {};
  return typeof type === 'string' ? `event: ${type}\ndata: ${text}\n\n` : '';
}

function objectIn(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
