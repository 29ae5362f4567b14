import type { FastifyRequest } from 'fastify';
import { type IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import * as zlib from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { BodiesUnderWay } from './bodies-under-way.js';
import { bodyReader, type IsUnauthenticated } from './read-body.js';

const MEBIBYTE = 1024 * 1024;

/** Sends a body in these pieces. Resolves to its bytes, or to the status of the refusal. */
function bodyOf(
  pieces: readonly Buffer[],
  { bodyLimit = 10 * MEBIBYTE, headers = {} } = {},
  isUnauthenticated: IsUnauthenticated = () => false,
  underWay = new BodiesUnderWay(Infinity),
) {
  const payload = new PassThrough({ highWaterMark: 100 * MEBIBYTE });
  const request = { headers, routeOptions: { bodyLimit } } as unknown as FastifyRequest;
  const done = vi.fn<(error: Error | null, bytes?: Buffer) => void>();
  const body = new Promise<Buffer | number | string | undefined>((resolve) => {
    done.mockImplementation((error, bytes) =>
      resolve(error ? ((error as { statusCode?: number }).statusCode ?? error.message) : bytes),
    );
  });
  bodyReader(isUnauthenticated, underWay)(request, payload as unknown as IncomingMessage, done);
  for (const piece of pieces) payload.write(piece);
  return { payload, body, done };
}

const whole = async (pieces: readonly Buffer[], options = {}) => {
  const { payload, body } = bodyOf(pieces, options);
  payload.end();
  return body;
};
const inPieces = (bytes: number, size: number) =>
  Array.from({ length: bytes / size }, (_, i) => Buffer.alloc(size, i));

describe('a body is read', () => {
  it.each([
    ['in no piece', []],
    ['in one', inPieces(1_000, 1_000)],
    ['in many small ones', inPieces(1_000, 10)],
    ['in many large ones', inPieces(4 * MEBIBYTE, MEBIBYTE / 16)],
  ])('whole: %s', async (_, pieces) => {
    expect(Buffer.concat(pieces).equals((await whole(pieces)) as Buffer)).toBe(true);
  });

  it.each([
    ['by its content-length', [], { bodyLimit: 10, headers: { 'content-length': '11' } }],
    ['by its bytes', inPieces(20, 5), { bodyLimit: 10 }],
  ])('not if it is too large: %s', async (_, pieces, options) => {
    expect(await whole(pieces, options)).toBe(413);
  });

  it('up to the limit', async () => {
    expect(await whole(inPieces(10, 5), { bodyLimit: 10, headers: { 'content-length': '10' } })).toHaveLength(
      10,
    );
  });

  it('not if the client disconnected', async () => {
    const { payload, body } = bodyOf(inPieces(10, 5));
    payload.destroy(new Error('aborted'));
    expect(await body).toBe(400);
  });

  it('only in its beginning if it is unauthenticated, and is replaced by an empty one', async () => {
    const isUnauthenticated = vi.fn<IsUnauthenticated>(() => Promise.resolve(true));
    const { payload, body } = bodyOf(inPieces(MEBIBYTE / 8, 1_024), {}, isUnauthenticated);
    // The body has not ended yet.
    expect(await body).toHaveLength(0);
    expect(isUnauthenticated).toHaveBeenCalledTimes(1);
    payload.end(Buffer.alloc(MEBIBYTE));
    await new Promise((over) => payload.on('end', over));
  });

  it('and reported once, if the client disconnected during the check of its credential', async () => {
    let finishCheck: (isUnauthenticated: boolean) => void = () => {};
    const check = new Promise<boolean>((resolve) => (finishCheck = resolve));
    const { payload, body, done } = bodyOf(inPieces(MEBIBYTE / 8, 1_024), {}, () => check);
    await new Promise((turn) => setImmediate(turn));
    payload.destroy(new Error('aborted'));
    expect(await body).toBe(400);
    finishCheck(true);
    await new Promise((turn) => setImmediate(turn));
    expect(done).toHaveBeenCalledTimes(1);
  });

  it('from any client, if it is small', async () => {
    const headers = { 'content-length': '1000' };
    const { payload, body } = bodyOf(inPieces(1_000, 10), { headers }, () => true);
    payload.end();
    expect(await body).toHaveLength(1_000);
  });

  it('not if its credential cannot be checked', async () => {
    const { body } = bodyOf(inPieces(MEBIBYTE, 1_024), {}, () => Promise.reject(new Error('no database')));
    expect(await body).toBe('no database');
  });

  it('not if it exceeds the bound together with the others, which release their bytes', async () => {
    const underWay = new BodiesUnderWay(MEBIBYTE);
    const first = bodyOf(inPieces(MEBIBYTE / 2, MEBIBYTE / 2), {}, () => false, underWay);
    for (let turn = 0; turn < 5; turn++) await new Promise((over) => setImmediate(over));
    const second = bodyOf(inPieces(MEBIBYTE, 1_024), {}, () => false, underWay);
    expect(await second.body).toBe('Too many bodies are under way.');
    first.payload.destroy(new Error('aborted'));
    expect(await first.body).toBe(400);
    expect(underWay.reserve(MEBIBYTE)).toBe(true);
  });

  it('and does not count any more when it is complete, if it is small', async () => {
    const underWay = new BodiesUnderWay(1_000);
    const { payload, body } = bodyOf(inPieces(1_000, 10), {}, () => false, underWay);
    payload.end();
    expect(await body).toHaveLength(1_000);
    expect(underWay.reserve(1_000)).toBe(true);
  });

  it.each([16, MEBIBYTE / 16])(
    'with turns for other requests, for any size of its pieces: %d bytes',
    async (size) => {
      const { payload, body } = bodyOf(inPieces(MEBIBYTE, size));
      payload.end();
      let [turns, isOver] = [0, false];
      void body.then(() => (isOver = true));
      for (; !isOver; turns++) await new Promise((turn) => setImmediate(turn));
      expect(turns).toBeGreaterThanOrEqual(16);
      expect(turns).toBeLessThan(40);
    },
  );
});

const { zstdCompressSync } = zlib as { readonly zstdCompressSync?: (bytes: Buffer) => Buffer };

describe('a compressed body', () => {
  const text = Buffer.from(JSON.stringify({ messages: 'a long prompt '.repeat(100_000) }));
  const encoded = (coding: string, bytes: Buffer, options = {}) => ({
    pieces: [bytes],
    options: { headers: { 'content-encoding': coding, 'content-length': `${bytes.length}` }, ...options },
  });

  it.each<[string, Buffer]>([
    ['gzip', zlib.gzipSync(text)],
    ['X-GZIP', zlib.gzipSync(text)],
    ['deflate', zlib.deflateSync(text)],
    ['br', zlib.brotliCompressSync(text)],
    ['identity, gzip', zlib.gzipSync(text)],
    ['identity', text],
    ['', text],
    ...(zstdCompressSync ? [['zstd', zstdCompressSync(text)] as [string, Buffer]] : []),
  ])('of coding "%s" is read decoded', async (coding, bytes) => {
    const { pieces, options } = encoded(coding, bytes);
    expect(text.equals((await whole(pieces, options)) as Buffer)).toBe(true);
  });

  it.each(['compress', 'gzip, br', 'gzip, gzip', 'aws-chunked', ...(zstdCompressSync ? [] : ['zstd'])])(
    'of coding "%s" is refused',
    (coding) => {
      const { pieces, options } = encoded(coding, zlib.gzipSync(text));
      expect(() => bodyOf(pieces, options)).toThrow(/The content-encoding '.*' is not supported/);
    },
  );

  it.each([
    ['is another format', 'br', zlib.gzipSync(text)],
    ['ends too early', 'gzip', zlib.gzipSync(text).subarray(0, -20)],
    ['is not compressed', 'gzip', text],
  ])('that %s is refused', async (_, coding, bytes) => {
    const { pieces, options } = encoded(coding, bytes);
    expect(await whole(pieces, options)).toBe(400);
  });

  it('is decoded up to the limit and no further', async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(32 * MEBIBYTE));
    const underWay = new BodiesUnderWay(2 * MEBIBYTE);
    const reserve = vi.spyOn(underWay, 'reserve');
    const { pieces, options } = encoded('gzip', bomb, { bodyLimit: MEBIBYTE });
    const { body, payload } = bodyOf(pieces, options, () => false, underWay);
    payload.end();
    expect(await body).toBe(413);
    expect(reserve.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0)).toBeLessThanOrEqual(MEBIBYTE);
    expect(underWay.reserve(2 * MEBIBYTE)).toBe(true);
  });

  it('counts with its decoded bytes among the bodies under way', async () => {
    const { pieces, options } = encoded('gzip', zlib.gzipSync(Buffer.alloc(4 * MEBIBYTE)));
    const { body, payload } = bodyOf(pieces, options, () => false, new BodiesUnderWay(MEBIBYTE));
    payload.end();
    expect(await body).toBe('Too many bodies are under way.');
  });

  it('that decodes to nothing is bounded, too', async () => {
    const empty = zlib.gzipSync(Buffer.alloc(0));
    const pieces = Array.from({ length: 200 }, () => empty);
    expect(await whole(pieces, { bodyLimit: 1_000, headers: { 'content-encoding': 'gzip' } })).toBe(413);
  });

  it('of an unauthenticated client is not decoded, however small', async () => {
    const { pieces, options } = encoded('gzip', zlib.gzipSync(Buffer.from('{}')));
    const { body, payload } = bodyOf(pieces, options, () => true);
    payload.end();
    expect(await body).toHaveLength(0);
  });

  it('is refused once, if the client disconnects', async () => {
    const { pieces, options } = encoded('gzip', zlib.gzipSync(text).subarray(0, 100));
    const { body, payload, done } = bodyOf(pieces, options);
    await new Promise((turn) => setImmediate(turn));
    payload.destroy(new Error('aborted'));
    expect(await body).toBe(400);
    await new Promise((turn) => setImmediate(turn));
    expect(done).toHaveBeenCalledTimes(1);
  });
});
