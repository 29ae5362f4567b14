import type { Server } from 'node:http';

/** With more connections than this, idle ones are kept only for a short time. */
const MAX_PATIENT_CONNECTIONS = 2_000;
const BUSY_KEEPALIVE_MS = 5_000;

/**
 * Bounds the connections that clients keep open without using them. A long timeout serves the few connections of proxies.
 * Many connections are many clients, or one that attacks.
 */
export function boundIdleConnections(server: Server, keepaliveMs: number): void {
  let open = 0;
  // Node reads the timeout at the end of each response.
  const adjust = () =>
    void (server.keepAliveTimeout =
      open > MAX_PATIENT_CONNECTIONS ? Math.min(keepaliveMs, BUSY_KEEPALIVE_MS) : keepaliveMs);
  server.on('connection', (socket) => {
    open++;
    adjust();
    socket.once('close', () => {
      open--;
      adjust();
    });
  });
}
