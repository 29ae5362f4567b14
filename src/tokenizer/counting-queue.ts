/** A prompt that waits to be counted. */
export interface WaitingPrompt {
  /** Whose it is. */
  readonly owner: string;
  readonly bytes: Buffer;
}

/** So many prompts are counted side by side. */
const MAX_RUNNING = 16;
/** So many prompts of one owner wait, beside the one that is counted. */
const MAX_WAITING_EACH = 8;
const MAX_WAITING = 256;

/**
 * Prompts that wait to be counted. Of each owner one is counted at a time, the smallest first, so nobody's prompts cost
 * another's count.
 */
export class CountingQueue<T extends WaitingPrompt> {
  private readonly waiting: T[] = [];
  private readonly running = new Map<string, T>();

  /** False when there is no room for it. */
  add(prompt: T): boolean {
    const own = this.waiting.filter(({ owner }) => owner === prompt.owner).length;
    if (own >= MAX_WAITING_EACH || this.waiting.length >= MAX_WAITING) return false;
    this.waiting.push(prompt);
    return true;
  }

  /** The prompt to count next; undefined when there is none, or enough are under way. */
  next(): T | undefined {
    if (this.running.size >= MAX_RUNNING) return undefined;
    let next: T | undefined;
    for (const prompt of this.waiting) {
      if (!this.running.has(prompt.owner) && (!next || prompt.bytes.length < next.bytes.length))
        next = prompt;
    }
    if (!next) return undefined;
    this.waiting.splice(this.waiting.indexOf(next), 1);
    this.running.set(next.owner, next);
    return next;
  }

  /** A prompt was counted, or nobody waits for it any more. */
  remove(prompt: T): void {
    const at = this.waiting.indexOf(prompt);
    if (at >= 0) this.waiting.splice(at, 1);
    else if (this.running.get(prompt.owner) === prompt) this.running.delete(prompt.owner);
  }
}
