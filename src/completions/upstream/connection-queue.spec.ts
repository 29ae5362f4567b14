import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectionQueue } from './connection-queue.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('connections to one origin', () => {
  it('are given at once while there are any, then first come, first served', async () => {
    const queue = new ConnectionQueue(2, 5_000);
    expect([queue.take(), queue.take()]).toEqual([undefined, undefined]);
    const order: string[] = [];
    const first = queue.take()!;
    const second = queue.take()!;
    void first.given.then((given) => order.push(`first ${given}`));
    void second.given.then((given) => order.push(`second ${given}`));
    expect(queue.length).toBe(2);
    queue.giveBack();
    await vi.advanceTimersByTimeAsync(0);
    expect([order, queue.length]).toEqual([['first true'], 1]);
    queue.giveBack();
    await vi.advanceTimersByTimeAsync(0);
    expect(order).toEqual(['first true', 'second true']);
    // Both are in use; once both are free again there are two.
    expect(queue.take()).toBeDefined();
  });

  it('are not waited for longer than allowed, nor kept for who left', async () => {
    const queue = new ConnectionQueue(1, 5_000);
    expect(queue.take()).toBeUndefined();
    const patient = queue.take()!;
    const gone = queue.take()!;
    gone.leave();
    expect(await gone.given).toBe(false);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(queue.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect([await patient.given, queue.length]).toEqual([false, 0]);
    queue.giveBack();
    expect(queue.take()).toBeUndefined();
    // Who has it cannot leave any more.
    const waiting = queue.take()!;
    queue.giveBack();
    waiting.leave();
    expect(await waiting.given).toBe(true);
  });
});
