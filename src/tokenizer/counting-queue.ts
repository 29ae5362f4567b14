/** A prompt that waits to be counted. */
export interface WaitingPrompt {
  /** Identifies the owner of the prompt. Each owner has one count at a time. */
  readonly ownerId: string;
  readonly bytes: Buffer;
}

/** Maximum prompts that are counted side by side. */
const MAX_RUNNING = 16;
/** Maximum waiting prompts of one owner. */
const MAX_WAITING_EACH = 8;
const MAX_WAITING = 256;

/**
 * Queue of prompts to count. Counts one prompt of each owner at a time and the smallest first, so that the prompts of one owner
 * do not delay those of another.
 */
export class CountingQueue<T extends WaitingPrompt> {
  private readonly waiting: T[] = [];
  private readonly running = new Map<string, T>();

  /** Adds a prompt. Returns false if the queue is full. */
  add(prompt: T): boolean {
    const own = this.waiting.filter(({ ownerId }) => ownerId === prompt.ownerId).length;
    if (own >= MAX_WAITING_EACH || this.waiting.length >= MAX_WAITING) return false;
    this.waiting.push(prompt);
    return true;
  }

  /** Returns the prompt to count next. Undefined if none waits, or if the maximum is being counted. */
  next(): T | undefined {
    if (this.running.size >= MAX_RUNNING) return undefined;
    let next: T | undefined;
    for (const prompt of this.waiting) {
      if (!this.running.has(prompt.ownerId) && (!next || prompt.bytes.length < next.bytes.length))
        next = prompt;
    }
    if (!next) return undefined;
    this.waiting.splice(this.waiting.indexOf(next), 1);
    this.running.set(next.ownerId, next);
    return next;
  }

  /** Removes a prompt that was counted or cancelled. */
  remove(prompt: T): void {
    const at = this.waiting.indexOf(prompt);
    if (at >= 0) this.waiting.splice(at, 1);
    else if (this.running.get(prompt.ownerId) === prompt) this.running.delete(prompt.ownerId);
  }
}
