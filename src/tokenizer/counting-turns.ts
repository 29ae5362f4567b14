import { namesIn } from '../body/json-scanner.js';
import { otherBytes, promptPieces } from './prompt-tokens.js';
import type { CountingAnswer, CountingJob } from './token-worker.js';

/** One prompt is counted for so long, then the next has its turn. */
const TURN_MS = 10;
/** Counting one prompt may take so long in all. */
const MAX_OWN_MS = 2_000;

function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner: readonly unknown[] = Object.values(value);
  return inner.reduce((sum: number, one) => sum + keysIn(one), Array.isArray(value) ? 0 : inner.length);
}

interface RunningJob extends CountingJob {
  readonly pieces: Iterator<number>;
  tokens: number;
  ownMs: number;
}

/** Prompts that are counted side by side: a small one never waits for a large one to end, and only one that takes too long itself is given up. */
export class CountingTurns {
  private readonly jobs: RunningJob[] = [];

  constructor(
    private readonly answer: (answer: CountingAnswer) => void,
    private readonly now: () => number,
  ) {}

  add({ id, bytes }: CountingJob): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const body = JSON.parse(buffer.toString('utf8')) as Record<string, unknown>;
    // Of a name that is given twice only one value would be counted; the provider may read the other.
    if (keysIn(body) !== namesIn(buffer))
      return this.answer({ id, counted: { tokens: bytes.length, otherBytes: otherBytes(bytes) } });
    this.jobs.push({ id, bytes, pieces: promptPieces(body), tokens: 0, ownMs: 0 });
  }

  cancel(id: number): void {
    const at = this.jobs.findIndex((job) => job.id === id);
    if (at >= 0) this.jobs.splice(at, 1);
  }

  /** Gives the first prompt its turn and puts it last. False when nothing is left to count. */
  next(): boolean {
    const job = this.jobs.shift();
    if (!job) return false;
    const begun = this.now();
    let isWhole = false;
    let ms = 0;
    while (!isWhole && ms < TURN_MS) {
      const piece = job.pieces.next();
      if (piece.done) isWhole = true;
      else job.tokens += piece.value;
      ms = this.now() - begun;
    }
    job.ownMs += ms;
    if (isWhole)
      this.answer({ id: job.id, counted: { tokens: job.tokens, otherBytes: otherBytes(job.bytes) } });
    else if (job.ownMs > MAX_OWN_MS) this.answer({ id: job.id });
    else this.jobs.push(job);
    return this.jobs.length > 0;
  }
}
