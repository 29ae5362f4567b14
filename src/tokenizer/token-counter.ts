import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Worker } from 'node:worker_threads';
import type { CountedPrompt } from '../policy/bound.js';
import { CountingQueue, type WaitingPrompt } from './counting-queue.js';
import type { CountingResult } from './token-worker.js';

/** Maximum time to wait for a count. */
const MAX_WAIT_MS = 5_000;
/** Larger bodies are not counted; their bytes bound their tokens. */
export const MAX_COUNTED_BYTES = 2 * 1024 * 1024;

interface PendingPrompt extends WaitingPrompt {
  readonly settle: (counted: CountedPrompt | undefined) => void;
}

/**
 * Counts the tokens of prompts in a worker thread. Size, number and time are bounded: a prompt that cannot be counted soon is
 * not counted. One prompt of each owner is counted at a time.
 */
@Injectable()
export class TokenCounter implements OnApplicationShutdown {
  private readonly logger = new Logger(TokenCounter.name);
  private readonly queue = new CountingQueue<PendingPrompt>();
  private readonly counting = new Map<number, PendingPrompt>();
  private worker: Worker | undefined;
  private calls = 0;
  private lastResultAt = 0;

  /**
   * Counts a body that was scanned before. Resolves to undefined if it could not be counted in time; a later call may succeed.
   */
  count(bytes: Buffer, owner: string): Promise<CountedPrompt | undefined> {
    return new Promise((resolve) => {
      const prompt: PendingPrompt = {
        ownerId: owner,
        bytes,
        settle: (counted) => {
          clearTimeout(timer);
          this.queue.remove(prompt);
          resolve(counted);
          this.start();
        },
      };
      const timer = setTimeout(() => this.giveUp(prompt), MAX_WAIT_MS);
      if (this.queue.add(prompt)) this.start();
      else prompt.settle(undefined);
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.worker?.terminate();
  }

  private start(): void {
    for (let prompt = this.queue.next(); prompt; prompt = this.queue.next()) {
      const id = this.calls++;
      this.counting.set(id, prompt);
      this.startedWorker().postMessage({ id, bytes: prompt.bytes });
    }
  }

  /** Cancels a prompt that waited too long. Restarts the thread if it reported nothing during that time, because it is stuck then. */
  private giveUp(prompt: PendingPrompt): void {
    this.logger.warn('A prompt took too long to count; it is bounded by its bytes.');
    const [id] = [...this.counting].find(([, waiting]) => waiting === prompt) ?? [];
    if (id === undefined) return prompt.settle(undefined);
    if (performance.now() - this.lastResultAt > MAX_WAIT_MS) return this.restart();
    this.counting.delete(id);
    this.worker?.postMessage({ id });
    prompt.settle(undefined);
  }

  private startedWorker(): Worker {
    if (this.worker) return this.worker;
    const worker = new Worker(new URL('./token-worker.js', import.meta.url));
    worker.unref();
    this.lastResultAt = performance.now();
    worker.on('message', ({ id, counted }: CountingResult) => {
      this.lastResultAt = performance.now();
      const prompt = this.counting.get(id);
      this.counting.delete(id);
      prompt?.settle(counted);
    });
    worker.on('error', (error) => {
      this.logger.error(`Counting tokens failed: ${error.message}`);
      this.restart();
    });
    return (this.worker = worker);
  }

  /** Ends the thread and settles all prompts that it was counting. */
  private restart(): void {
    void this.worker?.terminate();
    this.worker = undefined;
    const pending = [...this.counting.values()];
    this.counting.clear();
    for (const prompt of pending) prompt.settle(undefined);
  }
}
