import type { MaybePromise } from '../platform/maybe-promise.js';
import { AsyncResource } from 'node:async_hooks';
import { errorCodes, type FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { OverloadedError } from '../platform/overloaded.error.js';
import type { BodiesUnderWay } from './bodies-under-way.js';
import { decoderOf } from './content-coding.js';
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
 * the guard refuses the request. A compressed body is decoded, of authenticated callers only; its limits count decoded bytes.
 */
export const bodyReader =
  (isUnauthenticated: IsUnauthenticated, underWay: BodiesUnderWay) =>
  (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
    const { bodyLimit } = request.routeOptions;
    const declaredBytes = Number(request.headers['content-length']);
    if (declaredBytes > bodyLimit) return done(tooLarge(bodyLimit));
    const decoder = decoderOf(request.headers['content-encoding']);
    const decoded = decoder ?? payload;
    const pieces: Buffer[] = [];
    let bytes = 0;
    let countedBytes = 0;
    let encodedBytes = 0;
    let sincePause = 0;
    let isOver = false;
    let checkCredential =
      declaredBytes < LARGE_BODY_BYTES && !decoder
        ? undefined
        : AsyncResource.bind(async () => isUnauthenticated(request));

    const onData = (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > bodyLimit) return finish(tooLarge(bodyLimit));
      if (!underWay.reserve(piece.length))
        return finish(new OverloadedError('Too many bodies are under way.'));
      countedBytes += piece.length;
      pieces.push(piece);
      // Node would read all available bytes in one turn, up to two megabytes for each request.
      sincePause += piece.length;
      if (sincePause < LARGE_BODY_BYTES) return;
      sincePause = 0;
      decoded.pause();
      if (!checkCredential) return resume();
      afterCheck(checkCredential, resume);
      checkCredential = undefined;
    };
    const resume = () => void setImmediate(() => decoded.resume());
    const afterCheck = (check: () => Promise<boolean>, next: () => void) =>
      void check().then((isUnknown) => (isUnknown ? finish(null, NO_BYTES) : isOver || next()), finish);
    const onEnd = () => {
      detach();
      if (bytes < LARGE_BODY_BYTES) underWay.release(countedBytes);
      runInTurn(bytes, () => done(null, pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, bytes)));
    };
    const onError = (error: Error) => finish(Object.assign(error, { statusCode: 400 }));
    const onUndecodable = () =>
      onError(new Error('The request body cannot be decoded as its content-encoding says.'));
    /** A body may decode to nothing, however long it is. */
    const onEncoded = (piece: Buffer) => {
      encodedBytes += piece.length;
      if (encodedBytes > bodyLimit) finish(tooLarge(bodyLimit));
    };
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
      decoded.off('data', onData).off('end', onEnd);
      payload.off('error', onError);
      if (!decoder) return;
      payload.off('data', onEncoded).unpipe(decoder);
      decoder.destroy();
      // Bytes after the end of the compressed data have no meaning.
      payload.resume();
    };
    const read = () => decoded.on('data', onData).on('end', onEnd);
    payload.on('error', onError);
    if (!decoder) return void read();
    decoder.on('error', onUndecodable);
    afterCheck(checkCredential!, () => {
      read();
      payload.on('data', onEncoded).pipe(decoder);
    });
    checkCredential = undefined;
  };

const MEBIBYTE = 1024 * 1024;

function tooLarge(bodyLimit: number): Error {
  const limit = Number((bodyLimit / MEBIBYTE).toFixed(3));
  return Object.assign(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE(), {
    message: `Request body is too large: general_settings.max_request_size_mb allows ${limit} MB.`,
  });
}

const NO_BYTES = Buffer.alloc(0);
