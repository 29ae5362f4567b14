import type { FastifyRequest } from 'fastify';
import { type IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
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
