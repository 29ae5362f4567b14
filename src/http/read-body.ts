import { errorCodes, type FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { BIG_BYTES, whenItsTurnComes } from './big-bodies.js';

/**
 * Reads a body whole, as the bytes it came in. 413 where it is larger than its route takes, 400 where it broke off. A large
 * one is put together when its turn comes: many that end at the same time would be one long turn of the event loop.
 */
export function readBody(
  { headers, routeOptions: { bodyLimit } }: FastifyRequest,
  payload: IncomingMessage,
  done: (error: Error | null, body?: Buffer) => void,
): void {
  const tooLarge = () => new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
  if (Number(headers['content-length']) > bodyLimit) return done(tooLarge());
  const pieces: Buffer[] = [];
  let bytes = 0;
  let sincePause = 0;
  const take = (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > bodyLimit) return stop(tooLarge());
    pieces.push(piece);
    // As long as more is there, node would read on: two megabytes of each in one turn.
    sincePause += piece.length;
    if (sincePause < BIG_BYTES) return;
    sincePause = 0;
    payload.pause();
    setImmediate(() => payload.resume());
  };
  const stop = (error: Error) => {
    leave();
    done(Object.assign(error, { statusCode: (error as { statusCode?: number }).statusCode ?? 400 }));
  };
  const end = () => {
    leave();
    whenItsTurnComes(bytes, () => done(null, pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, bytes)));
  };
  const leave = () => payload.off('data', take).off('end', end).off('error', stop);
  payload.on('data', take).on('end', end).on('error', stop);
}
