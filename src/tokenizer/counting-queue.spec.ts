import { describe, expect, it } from 'vitest';
import { CountingQueue } from './counting-queue.js';

const prompt = (ownerId: string, bytes = 10) => ({ ownerId, bytes: Buffer.alloc(bytes) });

describe('the queue of prompts to count', () => {
  it('counts one prompt of each owner at a time', () => {
    const queue = new CountingQueue();
    const [first, second, otherOwners] = [prompt('a', 1), prompt('a', 2), prompt('b', 1_000)];
    for (const one of [first, second, otherOwners]) expect(queue.add(one)).toBe(true);
    expect(queue.next()).toBe(first);
    expect(queue.next()).toBe(otherOwners);
    expect(queue.next()).toBeUndefined();
    queue.remove(first);
    expect(queue.next()).toBe(second);
  });

  it('returns the smallest first', () => {
    const queue = new CountingQueue();
    const [large, small] = [prompt('a', 2_000), prompt('b', 20)];
    queue.add(large);
    queue.add(small);
    expect(queue.next()).toBe(small);
  });

  it('is full for one owner, and not for another', () => {
    const queue = new CountingQueue();
    const accepted = Array.from({ length: 20 }, () => queue.add(prompt('a'))).filter(Boolean);
    expect(accepted).toHaveLength(8);
    expect(queue.add(prompt('b'))).toBe(true);
  });

  it('counts a bounded number side by side, and removes cancelled prompts', () => {
    const queue = new CountingQueue();
    const prompts = Array.from({ length: 17 }, (_, i) => prompt(`o${i}`, i));
    for (const one of prompts) queue.add(one);
    for (const one of prompts.slice(0, 16)) expect(queue.next()).toBe(one);
    expect(queue.next()).toBeUndefined();
    queue.remove(prompts[16]!);
    queue.remove(prompts[0]!);
    expect(queue.next()).toBeUndefined();
  });
});
