import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import { SpendService } from '../ledger/spend.service.js';
import { LoadShedder } from './load-shedder.js';

const MAX_DRAIN_MS = 30_000;
const IDLE_SWEEP_MS = 100;

/** Ends the process: calls in flight finish, and their costs are committed. */
@Injectable()
export class GracefulShutdown implements BeforeApplicationShutdown {
  isUnderWay = false;

  constructor(
    private readonly loadShedder: LoadShedder,
    private readonly spend: SpendService,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Stops accepting connections and calls, then waits until the calls in flight are settled. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isUnderWay = true;
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    server.close();
    // A client that sends a request on an open connection is told to close it, so that it connects to another replica.
    server.prependListener('request', (_, response) => response.setHeader('connection', 'close'));
    // A connection that becomes idle later would keep the server open until its client closes it.
    setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS).unref();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, MAX_DRAIN_MS);
    });
    await Promise.race([Promise.allSettled(this.loadShedder.calls), timeout]);
    clearTimeout(timer);
    await this.spend.drain(MAX_DRAIN_MS);
  }
}
