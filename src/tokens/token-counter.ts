import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Worker } from 'node:worker_threads';
import type { CountedPrompt } from '../policy/bound.js';

const TIMEOUT_MS = 1_000;
const MAX_WAITING = 64;
/** Larger bodies are bounded by their bytes alone. */
const MAX_BYTES = 2 * 1024 * 1024;

/**
 * Counts a prompt's tokens in a thread of its own. Bounded in size, number and time: what cannot be counted soon is not
 * counted, and the bound by bytes stands.
 */
@Injectable()
export class TokenCounter implements OnApplicationShutdown {
  private readonly logger = new Logger(TokenCounter.name);
  private readonly waiting = new Map<number, (counted: CountedPrompt | undefined) => void>();
  private worker: Worker | undefined;
  private calls = 0;

  /** What is in a body that was scanned already; `undefined` when it cannot be counted in time. */
  count(bytes: Buffer): Promise<CountedPrompt | undefined> {
    if (bytes.length > MAX_BYTES || this.waiting.size >= MAX_WAITING) return Promise.resolve(undefined);
    const id = this.calls++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.logger.warn('A prompt took too long to count; it is bounded by its bytes.');
        this.restart();
      }, TIMEOUT_MS);
      this.waiting.set(id, (counted) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        resolve(counted);
      });
      this.running().postMessage({ id, bytes });
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.worker?.terminate();
  }

  private running(): Worker {
    if (this.worker) return this.worker;
    const worker = new Worker(new URL('./token-worker.js', import.meta.url));
    worker.unref();
    worker.on('message', ({ id, counted }: { id: number; counted: CountedPrompt }) =>
      this.waiting.get(id)?.(counted),
    );
    worker.on('error', (error) => {
      this.logger.error(`Counting tokens failed: ${error.message}`);
      this.restart();
    });
    return (this.worker = worker);
  }

  /** Nobody waits for a thread that is stuck. */
  private restart(): void {
    void this.worker?.terminate();
    this.worker = undefined;
    for (const tell of this.waiting.values()) tell(undefined);
  }
}
