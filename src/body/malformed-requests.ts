import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Server, STATUS_CODES } from 'node:http';
import { renderError } from '../http/error-response.js';

const RESPONSES: Record<string, readonly [status: number, message: string]> = {
  HPE_HEADER_OVERFLOW: [431, 'The request headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
};

/** Refuses a connection without a readable request (broken HTTP, large headers, too slow) in the usual error envelope. */
export function rejectMalformedConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  reject(socket, ...(RESPONSES[error.code ?? ''] ?? [400, 'This is not a readable HTTP request.']));
}

/** Refuses CONNECT, for which Node closes the connection without a response. */
export function rejectConnect(server: Server): void {
  server.on('connect', (_, socket) => {
    socket.on('error', () => {});
    reject(socket, 405, 'The gateway is no forward proxy: CONNECT is not served.');
  });
}

function reject(socket: Duplex, status: number, message: string): void {
  const error = renderError({ status, message, type: 'bad_request_error' }, undefined);
  const headers = Object.entries(error.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  const body = JSON.stringify(error.body);
  const allow = status === 405 ? 'allow: GET, HEAD, POST, PUT, PATCH, DELETE\r\n' : '';
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\naccess-control-allow-origin: *\r\n${allow}${headers.join('')}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** Refuses a path that the router cannot decode. */
export function rejectMalformedPath(_: Error, request: FastifyRequest, reply: FastifyReply): void {
  const { id, raw } = request;
  const { headers, body } = renderError(
    { status: 400, message: 'The path of the request is not readable.' },
    { id, url: raw.url ?? '', headers: raw.headers },
  );
  void reply
    .status(400)
    .headers({ ...headers, 'content-type': 'application/json', 'access-control-allow-origin': '*' })
    .send(JSON.stringify(body));
}
