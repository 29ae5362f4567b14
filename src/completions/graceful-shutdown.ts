import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import { SpendService } from '../ledger/spend.service.js';
import { LoadShedder } from './load-shedder.js';

const MAX_DRAIN_MS = 30_000;
const IDLE_SWEEP_MS = 100;

/** The end of a process that is asked to stop: calls are finished, and what they cost is committed. */
@Injectable()
export class GracefulShutdown implements BeforeApplicationShutdown {
  isUnderWay = false;

  constructor(
    private readonly load: LoadShedder,
    private readonly spend: SpendService,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** No new connections, no new calls; those under way finish and are settled. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isUnderWay = true;
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    server.close();
    // Whoever asks again on a connection that is open already is told to open another, elsewhere.
    server.prependListener('request', (_, response) => response.setHeader('connection', 'close'));
    // A connection that falls idle only now would keep the server open until its client lets go.
    setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS).unref();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, MAX_DRAIN_MS);
    });
    await Promise.race([Promise.allSettled(this.load.calls), patience]);
    clearTimeout(timer);
    await this.spend.drain(MAX_DRAIN_MS);
  }
}
