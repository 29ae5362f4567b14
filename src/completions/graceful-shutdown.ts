import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import { Drain } from '../health/drain.js';
import { SpendService } from '../ledger/spend.service.js';
import { LoadShedder } from './load-shedder.js';

/** The most time from the signal until calls in flight are abandoned; `drain_seconds` may be longer. */
const MAX_SHUTDOWN_MS = 30_000;
/** The least time that calls in flight have after the drain phase. */
const MIN_CALLS_MS = 25_000;
/** The most time until the costs of aborted calls are known. */
const ABORTED_CALLS_MS = 5_000;
const MAX_LEDGER_MS = 30_000;
/** A turn of the event loop without work takes less. */
const QUIET_TURN_MS = 0.2;
const MAX_QUIET_WAIT_MS = 3_000;
const IDLE_SWEEP_MS = 100;

/** Ends the process: calls in flight finish, and their costs are committed. */
@Injectable()
export class GracefulShutdown implements BeforeApplicationShutdown {
  /** The ledger is being closed: no further call can be billed. */
  isUnderWay = false;

  constructor(
    private readonly loadShedder: LoadShedder,
    private readonly spend: SpendService,
    private readonly adapterHost: HttpAdapterHost,
    private readonly drain: Drain,
  ) {}

  /** Stops accepting connections, then waits until the calls in flight are settled. */
  async beforeApplicationShutdown(): Promise<void> {
    this.drain.announce();
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    server.closeIdleConnections();
    await quietTurn();
    server.close();
    // A connection that becomes idle later would keep the server open until its client closes it.
    setInterval(() => {
      server.closeIdleConnections();
      this.drain.closeUnused();
    }, IDLE_SWEEP_MS).unref();
    const { calls } = this.loadShedder;
    const deadlineMs = Math.max(MAX_SHUTDOWN_MS - this.drain.elapsedMs, MIN_CALLS_MS) + performance.now();
    // A request that never becomes complete must not keep the process.
    setTimeout(() => server.closeAllConnections(), deadlineMs - performance.now()).unref();
    // A call may still arrive on a connection that was in use.
    while (calls.size && performance.now() < deadlineMs)
      await settledWithin(calls, deadlineMs - performance.now());
    // What outlasts the deadline ends like a call whose client disconnected, and is billed so.
    if (calls.size) {
      server.closeAllConnections();
      await settledWithin(calls, ABORTED_CALLS_MS);
    }
    this.isUnderWay = true;
    await this.spend.drain(MAX_LEDGER_MS);
  }
}

/**
 * Waits for a turn of the event loop in which nothing happened. Connections that wait to be accepted when the listener closes
 * are reset, and right after such a turn there are none.
 */
async function quietTurn(): Promise<void> {
  const latestMs = performance.now() + MAX_QUIET_WAIT_MS;
  for (let beganMs = 0, nowMs = performance.now(); nowMs < latestMs && nowMs - beganMs > QUIET_TURN_MS;) {
    beganMs = nowMs;
    await new Promise(setImmediate);
    nowMs = performance.now();
  }
}

/** Waits until the calls have ended, at most this long. */
async function settledWithin(calls: Iterable<Promise<void>>, mostMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, mostMs);
  });
  await Promise.race([Promise.allSettled(calls), timeout]);
  clearTimeout(timer);
}
