import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { CONFIG, type Config } from '../config/config.js';

const RESOLUTION_MS = 10;
const SAMPLE_MS = 500;
const NS_PER_MS = 1_000_000;

/** Measures the delay of the event loop, if the configuration limits it. */
@Injectable()
export class EventLoop implements OnApplicationShutdown {
  /** Average delay of the last half second. */
  delayMs = 0;
  private readonly histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private readonly sampling: NodeJS.Timeout | undefined;

  constructor(@Inject(CONFIG) { general }: Pick<Config, 'general'>) {
    if (!general.maxEventLoopDelayMs) return;
    this.histogram.enable();
    this.sampling = setInterval(() => this.sample(), SAMPLE_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.sampling);
    this.histogram.disable();
  }

  private sample(): void {
    if (this.histogram.count) this.delayMs = Math.max(0, this.histogram.mean / NS_PER_MS - RESOLUTION_MS);
    this.histogram.reset();
  }
}
