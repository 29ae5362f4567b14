import { parentPort } from 'node:worker_threads';
import type { CountedPrompt } from '../policy/bound.js';
import { CountingTurns } from './counting-turns.js';

/** A body to count. */
export interface CountingJob {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** A cancelled job. */
export interface CancelledJob {
  readonly id: number;
}

/** The tokens of a body. `counted` is absent if the count took too long. */
export interface CountingResult {
  readonly id: number;
  readonly counted?: CountedPrompt;
}

/** Counts all jobs in turns, outside the gateway's event loop. */
const turns = new CountingTurns(
  (result: CountingResult) => parentPort!.postMessage(result),
  () => performance.now(),
);

let isRunning = false;
function run(): void {
  isRunning = turns.next();
  if (isRunning) setImmediate(run);
}

parentPort!.on('message', (job: CountingJob | CancelledJob) => {
  if (!('bytes' in job)) return turns.cancel(job.id);
  turns.add(job);
  if (isRunning) return;
  isRunning = true;
  setImmediate(run);
});
