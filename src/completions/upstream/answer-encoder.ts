import type { NativeForm } from '../../call-types/native-routes.js';
import { encodedFrame, exceptionName } from './event-frames.js';
import { dataOf, endOfEvent } from './sse-events.js';

/** Writes server-sent events in another form of streams. */
export interface AnswerEncoder {
  readonly contentType: string;
  /** Returns these complete events in that form. */
  encode(events: Buffer): Buffer;
  /** Returns the end of the stream, with its last events. */
  end(events: Buffer | undefined): Buffer;
}

/** Returns the encoder of a native route's stream. Undefined if its clients read server-sent events. */
export function encoderFor(form: NativeForm, query: string): AnswerEncoder | undefined {
  if (form === 'bedrockInvoke' || form === 'bedrockConverse') return new FrameEncoder(form);
  const isArray = form === 'gemini' && new URLSearchParams(query).get('alt') !== 'sse';
  return isArray ? new JsonArrayEncoder() : undefined;
}

interface NamedEvent {
  readonly name: string;
  readonly data: Buffer;
}

function* eventsIn(events: Buffer): Generator<NamedEvent> {
  for (let start = 0; start < events.length;) {
    const end = endOfEvent(events, start);
    const event = events.subarray(start, end);
    const data = dataOf(event);
    if (data) yield { name: /^event: *(.*)$/m.exec(event.toString('utf8', 0, 256))?.[1]?.trim() ?? '', data };
    start = end;
  }
}

/** Writes AWS's binary frames. */
class FrameEncoder implements AnswerEncoder {
  readonly contentType = 'application/vnd.amazon.eventstream';

  constructor(private readonly form: NativeForm) {}

  encode(events: Buffer): Buffer {
    return Buffer.concat([...eventsIn(events)].map((event) => this.frame(event)));
  }

  end(events: Buffer | undefined): Buffer {
    return events ? this.encode(events) : Buffer.alloc(0);
  }

  private frame({ name, data }: NamedEvent): Buffer {
    const error = name === 'error' || name === 'exception' ? errorIn(data) : undefined;
    if (error)
      return encodedFrame(
        {
          ':exception-type': exceptionName(error),
          ':content-type': 'application/json',
          ':message-type': 'exception',
        },
        Buffer.from(JSON.stringify({ message: error.message })),
      );
    const isChunk = this.form === 'bedrockInvoke';
    return encodedFrame(
      {
        ':event-type': isChunk ? 'chunk' : name,
        ':content-type': 'application/json',
        ':message-type': 'event',
      },
      isChunk ? Buffer.from(JSON.stringify({ bytes: data.toString('base64') })) : data,
    );
  }
}

/** Members of an error inside a stream. */
export interface StreamedError {
  readonly message: string;
  readonly type?: unknown;
  readonly code?: unknown;
}

function errorIn(data: Buffer): StreamedError | undefined {
  try {
    const { error } = JSON.parse(data.toString('utf8')) as { error?: StreamedError };
    return error && typeof error.message === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
}

/** Writes one JSON array whose entries come one after the other. */
class JsonArrayEncoder implements AnswerEncoder {
  readonly contentType = 'application/json; charset=utf-8';
  private isBegun = false;

  encode(events: Buffer): Buffer {
    const pieces = [...eventsIn(events)].flatMap(({ data }) => {
      const before = Buffer.from(this.isBegun ? ',\r\n' : '[');
      this.isBegun = true;
      return [before, data];
    });
    return Buffer.concat(pieces);
  }

  end(events: Buffer | undefined): Buffer {
    const last = events ? this.encode(events) : Buffer.alloc(0);
    return Buffer.concat([last, Buffer.from(this.isBegun ? ']' : '[]')]);
  }
}
