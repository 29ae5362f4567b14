import type { MaybePromise } from '../platform/maybe-promise.js';
import { AsyncResource } from 'node:async_hooks';
import { errorCodes, type FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { OverloadedError } from '../platform/overloaded.error.js';
import type { BodiesUnderWay } from './bodies-under-way.js';
import { LARGE_BODY_BYTES, runInTurn } from './large-body-queue.js';

type Done = (error: Error | null, body?: Buffer) => void;

/** Returns whether a body counts as in use until its response is sent. A smaller one counts only until it is complete. */
export const countsUntilAnswered = (body: unknown): body is Buffer =>
  Buffer.isBuffer(body) && body.length >= LARGE_BODY_BYTES;

/** Returns whether the request has no valid credential. Rejects if that cannot be determined. */
export type IsUnauthenticated = (request: FastifyRequest) => MaybePromise<boolean>;

/**
 * Reads complete bodies as bytes. Refuses a body with 413 if it is larger than its route accepts, with 400 if the client
 * disconnected, and with 503 if it exceeds the bound of all bodies. Large bodies are joined one after the other, so that many
 * of them do not block the event loop. An unauthenticated body is read only in its beginning and replaced by an empty one;
 * the guard refuses the request.
 */
export const bodyReader =
  (isUnauthenticated: IsUnauthenticated, underWay: BodiesUnderWay) =>
  (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
    const { bodyLimit } = request.routeOptions;
    const declaredBytes = Number(request.headers['content-length']);
    if (declaredBytes > bodyLimit) return done(tooLarge());
    const pieces: Buffer[] = [];
    let bytes = 0;
    let countedBytes = 0;
    let sincePause = 0;
    let isOver = false;
    let checkCredential =
      declaredBytes < LARGE_BODY_BYTES
        ? undefined
        : AsyncResource.bind(async () => isUnauthenticated(request));

    const onData = (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > bodyLimit) return finish(tooLarge());
      if (!underWay.reserve(piece.length))
        return finish(new OverloadedError('Too many bodies are under way.'));
      countedBytes += piece.length;
      pieces.push(piece);
      // Node would read all available bytes in one turn, up to two megabytes for each request.
      sincePause += piece.length;
      if (sincePause < LARGE_BODY_BYTES) return;
      sincePause = 0;
      payload.pause();
      if (!checkCredential) return resume();
      checkCredential().then((isUnknown) => (isUnknown ? finish(null, NO_BYTES) : resume()), finish);
      checkCredential = undefined;
    };
    const resume = () => void setImmediate(() => payload.resume());
    const onEnd = () => {
      detach();
      if (bytes < LARGE_BODY_BYTES) underWay.release(countedBytes);
      runInTurn(bytes, () => done(null, pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, bytes)));
    };
    const onError = (error: Error) => finish(Object.assign(error, { statusCode: 400 }));
    /** Ends the reading and discards further bytes. The client may have disconnected during the check of its credential. */
    const finish: Done = (error, body) => {
      if (isOver) return;
      detach();
      underWay.release(countedBytes);
      payload.resume();
      done(error, body);
    };
    const detach = () => {
      isOver = true;
      payload.off('data', onData).off('end', onEnd).off('error', onError);
    };
    payload.on('data', onData).on('end', onEnd).on('error', onError);
  };

const tooLarge = () => new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
const NO_BYTES = Buffer.alloc(0);
