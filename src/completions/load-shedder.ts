import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Metrics, type ShedReason } from '../metrics/metrics.js';
import { OverloadedError } from '../platform/overloaded.error.js';
import { EventLoop } from './event-loop.js';

/** Refuses calls while this process is overloaded, so that the calls in flight stay fast. */
@Injectable()
export class LoadShedder {
  /** Calls in flight. */
  readonly calls = new Set<Promise<void>>();

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'general'>,
    private readonly eventLoop: EventLoop,
    private readonly metrics: Metrics,
  ) {
    metrics.gauge('tollgate_calls_in_flight', 'Calls under way', () => this.calls.size);
  }

  /** Returns the error for a further call. Undefined if the process can take it. */
  overload(): OverloadedError | undefined {
    const { maxParallelCalls, maxEventLoopDelayMs } = this.config.general;
    if (this.calls.size >= maxParallelCalls) return this.shed('parallel_requests');
    if (maxEventLoopDelayMs && this.eventLoop.delayMs > maxEventLoopDelayMs)
      return this.shed('event_loop_delay');
    return undefined;
  }

  private shed(reason: ShedReason): OverloadedError {
    this.metrics.shed.inc({ reason });
    return new OverloadedError();
  }
}
