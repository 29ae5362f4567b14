import { HttpException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

const UPGRADE_REQUIRED = 426;
const CLOSE = /(?:^|,)\s*close\s*(?:,|$)/i;
const WEB_SOCKET = /(?:^|,)\s*websocket\s*(?:,|$)/i;

/**
 * Refuses a WebSocket with 426 on every route. Clients that try one first, such as Codex, then call by HTTP at once; after
 * another status they would try again.
 */
export function rejectWebSockets(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ method, headers: { upgrade, connection } }, _, done) => {
    const isProbe = upgrade !== undefined && method === 'GET' && WEB_SOCKET.test(upgrade);
    done(isProbe ? refusal(CLOSE.test(connection ?? '')) : undefined);
  });
}

/** `isLast`: the client sends nothing more on this connection. */
function refusal(isLast: boolean): HttpException {
  const message =
    'The gateway serves no WebSockets. Call this route by HTTP; answers stream as server-sent events.';
  return Object.assign(new HttpException({ message }, UPGRADE_REQUIRED), {
    // Names the protocol to use instead, which 426 must.
    headers: { upgrade: 'HTTP/1.1', connection: isLast ? 'upgrade, close' : 'upgrade' },
  });
}
