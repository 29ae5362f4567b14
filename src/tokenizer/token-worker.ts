import { parentPort } from 'node:worker_threads';
import type { CountedPrompt } from '../policy/bound.js';
import { CountingTurns } from './counting-turns.js';

/** A body whose tokens are to be counted. */
export interface CountingJob {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** A job nobody waits for any more. */
export interface CancelledJob {
  readonly id: number;
}

/** The tokens of a body; `counted` is absent when counting them took too long. */
export interface CountingAnswer {
  readonly id: number;
  readonly counted?: CountedPrompt;
}

/** Counts off the event loop of the gateway, all jobs in turn. */
const turns = new CountingTurns(
  (answer: CountingAnswer) => parentPort!.postMessage(answer),
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
