import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { CONFIG, type Config } from '../config/config.js';

/** A process that no client connected to for this long is not behind a load balancer. */
const FORGOTTEN_AFTER_MS = 60_000;
/** The time that a client needs from its connection to its first byte. */
const FIRST_BYTE_MS = 2_000;

/**
 * The first phase of a stop. Readiness answers 503 and everything else is served, so that load balancers send new calls
 * elsewhere. Every response closes its connection, so that no client sends a request on a connection that is about to end.
 */
@Injectable()
export class Drain implements OnApplicationBootstrap {
  isUnderWay = false;
  /** Open connections, and when each began. */
  private readonly sockets = new Map<Socket, number>();
  private lastConnectionMs = -Infinity;
  private beganAtMs = 0;
  private end: (() => void) | undefined;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    this.server.on('connection', (socket) => {
      this.lastConnectionMs = performance.now();
      this.sockets.set(socket, this.lastConnectionMs);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  /** Begins the phase and resolves at its end. */
  async run(): Promise<void> {
    this.announce();
    if (!this.sockets.size && performance.now() - this.lastConnectionMs >= FORGOTTEN_AFTER_MS) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.config.general.drainMs);
      this.end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Time since the phase began. */
  get elapsedMs(): number {
    return performance.now() - this.beganAtMs;
  }

  /** Ends the phase now. */
  skip(): void {
    this.end?.();
  }

  /** Begins the phase: from now on the process is not ready, and connections end with their next response. */
  announce(): void {
    if (this.isUnderWay) return;
    this.isUnderWay = true;
    this.beganAtMs = performance.now();
    this.server.prependListener('request', (_, response) => response.setHeader('connection', 'close'));
  }

  /** Closes connections on which the client has sent nothing for a while. Node counts them as in use. */
  closeUnused(): void {
    const latestMs = performance.now() - FIRST_BYTE_MS;
    for (const [socket, beganMs] of this.sockets)
      if (!socket.bytesRead && beganMs <= latestMs) socket.destroy();
  }

  private get server(): Server {
    return this.adapterHost.httpAdapter.getHttpServer() as Server;
  }
}
