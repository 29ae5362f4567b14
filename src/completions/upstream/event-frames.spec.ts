import { EventStreamCodec } from '@smithy/core/event-streams';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodedFrame, exceptionName, FrameDecoder } from './event-frames.js';

const frameOf = (type: string, payload: string) =>
  encodedFrame(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    Buffer.from(payload),
  );

/** Decodes these pieces. Returns what arrived, and how it ended. */
function decoded(pieces: readonly Buffer[]) {
  const frames: string[] = [];
  let ending = 'open';
  const decoder = new FrameDecoder(({ type, payload }) => `${type} ${payload.toString()}\n`, {
    data: (text) => frames.push(...text.toString().split('\n').filter(Boolean)),
    end: () => (ending = 'end'),
    fail: ({ message }) => (ending = message!),
  });
  for (const piece of pieces) decoder.data(piece);
  decoder.end();
  return { frames, ending };
}

const cut = (bytes: Buffer, borders: readonly number[]) => {
  const at = [
    ...new Set([0, ...borders.map((border) => border % (bytes.length + 1)), bytes.length]),
  ].toSorted((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
};

const TEXTS = fc.array(fc.string({ unit: 'binary', maxLength: 60 }), { minLength: 1, maxLength: 6 });

it('10,000 streams give the same frames wherever their bytes are cut', () => {
  fc.assert(
    fc.property(TEXTS, fc.array(fc.nat(4_000), { maxLength: 12 }), (texts, borders) => {
      const payloads = texts.map((text) => JSON.stringify(text));
      const bytes = Buffer.concat(payloads.map((payload, i) => frameOf(`type${i}`, payload)));
      expect(decoded(cut(bytes, borders))).toEqual({
        frames: payloads.map((payload, i) => `type${i} ${payload}`),
        ending: 'end',
      });
    }),
    { numRuns: 10_000 },
  );
});

it('a stream with one changed byte gives no wrong frame, and ends as damaged', () => {
  const payloads = ['{"a":1}', '{"b":2}', '{"c":3}'];
  const bytes = Buffer.concat(payloads.map((payload, i) => frameOf(`type${i}`, payload)));
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 0xff;
    const { frames, ending } = decoded([changed]);
    expect(frames).toEqual(payloads.map((payload, i) => `type${i} ${payload}`).slice(0, frames.length));
    expect([at, ending]).toEqual([at, 'The upstream sent a stream whose frames are damaged.']);
  }
});

it('a stream that ends inside a frame is damaged', () => {
  const bytes = frameOf('a', '{}');
  for (let length = 1; length < bytes.length; length++)
    expect(decoded([bytes.subarray(0, length)])).toEqual({
      frames: [],
      ending: 'The upstream sent a stream whose frames are damaged.',
    });
});

it('frames are AWS’s', () => {
  const codec = new EventStreamCodec(
    (text) => Buffer.from(text as Uint8Array).toString('utf8'),
    (text) => Buffer.from(text),
  );
  const { headers, body } = codec.decode(frameOf('chunk', '{"a":"ü"}'));
  expect([headers[':event-type'], Buffer.from(body).toString()]).toEqual([
    { type: 'string', value: 'chunk' },
    '{"a":"ü"}',
  ]);
});

it.each([
  [{ type: 'rate_limit_error' }, 'throttlingException'],
  [{ type: 'overloaded_error' }, 'serviceUnavailableException'],
  [{ type: 'invalid_request_error' }, 'validationException'],
  [{ type: 'throttlingException', code: '429' }, 'throttlingException'],
  [{ code: '504' }, 'modelTimeoutException'],
  [{ code: '502' }, 'internalServerException'],
  [{ type: 'constructor' }, 'internalServerException'],
])('%j is told as %s', (error, name) => expect(exceptionName(error)).toBe(name));
