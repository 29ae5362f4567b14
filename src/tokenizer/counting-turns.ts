import { namesIn } from '../body/json-scanner.js';
import { otherBytes, promptPieces } from './prompt-tokens.js';
import type { CountingResult, CountingJob } from './token-worker.js';

/** Duration of one turn. Then the next prompt is counted. */
const TURN_MS = 10;
/** Maximum time to count one prompt. */
const MAX_JOB_MS = 2_000;

function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner: readonly unknown[] = Object.values(value);
  return inner.reduce((sum: number, entry) => sum + keysIn(entry), Array.isArray(value) ? 0 : inner.length);
}

interface RunningJob extends CountingJob {
  readonly pieces: Iterator<number>;
  tokens: number;
  countingMs: number;
}

/** Counts prompts in turns, so that a small one never waits until a large one ends. Gives up only a prompt that takes too long itself. */
export class CountingTurns {
  private readonly jobs: RunningJob[] = [];

  constructor(
    private readonly report: (result: CountingResult) => void,
    private readonly now: () => number,
  ) {}

  add({ id, bytes }: CountingJob): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const body = JSON.parse(buffer.toString('utf8')) as Record<string, unknown>;
    // `JSON.parse` keeps one value of a duplicate name, but the provider may read the other. So the bytes are counted.
    if (keysIn(body) !== namesIn(buffer))
      return this.report({ id, counted: { tokens: bytes.length, otherBytes: otherBytes(bytes) } });
    this.jobs.push({ id, bytes, pieces: promptPieces(body), tokens: 0, countingMs: 0 });
  }

  cancel(id: number): void {
    const at = this.jobs.findIndex((job) => job.id === id);
    if (at >= 0) this.jobs.splice(at, 1);
  }

  /** Counts the first prompt for one turn, then moves it to the end. Returns false if no prompt is left. */
  next(): boolean {
    const job = this.jobs.shift();
    if (!job) return false;
    const startedAt = this.now();
    let isWhole = false;
    let ms = 0;
    while (!isWhole && ms < TURN_MS) {
      const piece = job.pieces.next();
      if (piece.done) isWhole = true;
      else job.tokens += piece.value;
      ms = this.now() - startedAt;
    }
    job.countingMs += ms;
    if (isWhole)
      this.report({ id: job.id, counted: { tokens: job.tokens, otherBytes: otherBytes(job.bytes) } });
    else if (job.countingMs > MAX_JOB_MS) this.report({ id: job.id });
    else this.jobs.push(job);
    return this.jobs.length > 0;
  }
}
