import type { MaybePromise } from '../platform/maybe-promise.js';
import { AsyncResource } from 'node:async_hooks';
import { errorCodes, type FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { OverloadedError } from '../platform/overloaded.error.js';
import type { BodiesUnderWay } from './bodies-under-way.js';
import { LARGE_BODY_BYTES, runInTurn } from './large-body-queue.js';

type Done = (error: Error | null, body?: Buffer) => void;

/** A larger body counts until its request is answered, a smaller one until it is whole. */
export const countsUntilAnswered = (body: unknown): body is Buffer =>
  Buffer.isBuffer(body) && body.length >= LARGE_BODY_BYTES;

/** Is the credential of this request nobody's? Rejects when that cannot be found out. */
export type IsUnauthenticated = (request: FastifyRequest) => MaybePromise<boolean>;

/**
 * Reads bodies whole, as the bytes they came in. 413 where one is larger than its route takes, 400 where it broke off. A large
 * one is put together when its turn comes: many that end at the same time would be one long turn of the event loop. Of a
 * stranger's no more is read than its beginning, and nothing handed on: whoever asks for the credential next refuses it. What
 * has no room beside the other bodies under way is refused with 503.
 */
export const bodyReader =
  (isUnauthenticated: IsUnauthenticated, underWay: BodiesUnderWay) =>
  (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
    const { bodyLimit } = request.routeOptions;
    const told = Number(request.headers['content-length']);
    if (told > bodyLimit) return done(tooLarge());
    const pieces: Buffer[] = [];
    let bytes = 0;
    let counted = 0;
    let sincePause = 0;
    let isOver = false;
    let ask =
      told < LARGE_BODY_BYTES ? undefined : AsyncResource.bind(async () => isUnauthenticated(request));

    const take = (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > bodyLimit) return end(tooLarge());
      if (!underWay.take(piece.length)) return end(new OverloadedError('Too many bodies are under way.'));
      counted += piece.length;
      pieces.push(piece);
      // As long as more is there, node would read on: two megabytes of each in one turn.
      sincePause += piece.length;
      if (sincePause < LARGE_BODY_BYTES) return;
      sincePause = 0;
      payload.pause();
      if (!ask) return goOn();
      ask().then((is) => (is ? end(null, NOTHING) : goOn()), end);
      ask = undefined;
    };
    const goOn = () => void setImmediate(() => payload.resume());
    const whole = () => {
      leave();
      if (bytes < LARGE_BODY_BYTES) underWay.giveBack(counted);
      runInTurn(bytes, () => done(null, pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, bytes)));
    };
    const brokenOff = (error: Error) => end(Object.assign(error, { statusCode: 400 }));
    /** What else comes is read away. It may have broken off while somebody was asked who sends it. */
    const end: Done = (error, body) => {
      if (isOver) return;
      leave();
      underWay.giveBack(counted);
      payload.resume();
      done(error, body);
    };
    const leave = () => {
      isOver = true;
      payload.off('data', take).off('end', whole).off('error', brokenOff);
    };
    payload.on('data', take).on('end', whole).on('error', brokenOff);
  };

const tooLarge = () => new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
const NOTHING = Buffer.alloc(0);
