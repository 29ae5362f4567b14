import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Worker } from 'node:worker_threads';
import type { CountedPrompt } from '../policy/bound.js';
import { CountingQueue, type WaitingPrompt } from './counting-queue.js';
import type { CountingAnswer } from './token-worker.js';

/** Nobody waits longer than this for a count. */
const PATIENCE_MS = 5_000;
/** Larger bodies are bounded by their bytes alone. */
export const MAX_COUNTED_BYTES = 2 * 1024 * 1024;

interface Waiting extends WaitingPrompt {
  readonly tell: (counted: CountedPrompt | undefined) => void;
}

/**
 * Counts a prompt's tokens in a thread of its own. Bounded in size, number and time: what cannot be counted soon is not
 * counted. Who owns a prompt has one place in it, however many prompts they send.
 */
@Injectable()
export class TokenCounter implements OnApplicationShutdown {
  private readonly logger = new Logger(TokenCounter.name);
  private readonly queue = new CountingQueue<Waiting>();
  private readonly counting = new Map<number, Waiting>();
  private worker: Worker | undefined;
  private calls = 0;
  private heardAt = 0;

  /** What is in a body that was scanned already; `undefined` when it could not be counted in time, which may be different later. */
  count(bytes: Buffer, owner: string): Promise<CountedPrompt | undefined> {
    return new Promise((resolve) => {
      const prompt: Waiting = {
        owner,
        bytes,
        tell: (counted) => {
          clearTimeout(timer);
          this.queue.remove(prompt);
          resolve(counted);
          this.start();
        },
      };
      const timer = setTimeout(() => this.giveUp(prompt), PATIENCE_MS);
      if (this.queue.add(prompt)) this.start();
      else prompt.tell(undefined);
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.worker?.terminate();
  }

  private start(): void {
    for (let prompt = this.queue.next(); prompt; prompt = this.queue.next()) {
      const id = this.calls++;
      this.counting.set(id, prompt);
      this.running().postMessage({ id, bytes: prompt.bytes });
    }
  }

  /** The thread itself gives up a prompt that takes too long. Where one is not even told about, the thread is stuck. */
  private giveUp(prompt: Waiting): void {
    this.logger.warn('A prompt took too long to count; it is bounded by its bytes.');
    const [id] = [...this.counting].find(([, waiting]) => waiting === prompt) ?? [];
    if (id === undefined) return prompt.tell(undefined);
    if (performance.now() - this.heardAt > PATIENCE_MS) return this.restart();
    this.counting.delete(id);
    this.worker?.postMessage({ id });
    prompt.tell(undefined);
  }

  private running(): Worker {
    if (this.worker) return this.worker;
    const worker = new Worker(new URL('./token-worker.js', import.meta.url));
    worker.unref();
    this.heardAt = performance.now();
    worker.on('message', ({ id, counted }: CountingAnswer) => {
      this.heardAt = performance.now();
      const prompt = this.counting.get(id);
      this.counting.delete(id);
      prompt?.tell(counted);
    });
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
    const lost = [...this.counting.values()];
    this.counting.clear();
    for (const prompt of lost) prompt.tell(undefined);
  }
}
