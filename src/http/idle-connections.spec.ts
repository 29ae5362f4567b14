import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { expect, it } from 'vitest';
import { boundIdleConnections } from './idle-connections.js';

it('keeps idle connections long while there are few, and short while there are many', () => {
  const server = Object.assign(new EventEmitter(), { keepAliveTimeout: 0 }) as unknown as Server;
  boundIdleConnections(server, 620_000);
  const sockets = Array.from({ length: 2_001 }, () => new EventEmitter());
  for (const socket of sockets.slice(0, 2_000)) server.emit('connection', socket);
  expect(server.keepAliveTimeout).toBe(620_000);
  server.emit('connection', sockets[2_000]);
  expect(server.keepAliveTimeout).toBe(5_000);
  sockets[0]!.emit('close');
  expect(server.keepAliveTimeout).toBe(620_000);
});
