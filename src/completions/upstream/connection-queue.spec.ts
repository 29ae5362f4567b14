import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectionQueue } from './connection-queue.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('connections to one origin', () => {
  it('are granted at once while any are free, then first come, first served', async () => {
    const queue = new ConnectionQueue(2, 5_000);
    expect([queue.acquire(), queue.acquire()]).toEqual([undefined, undefined]);
    const order: string[] = [];
    const first = queue.acquire()!;
    const second = queue.acquire()!;
    void first.granted.then((isGranted) => order.push(`first ${isGranted}`));
    void second.granted.then((isGranted) => order.push(`second ${isGranted}`));
    expect(queue.length).toBe(2);
    queue.release();
    await vi.advanceTimersByTimeAsync(0);
    expect([order, queue.length]).toEqual([['first true'], 1]);
    queue.release();
    await vi.advanceTimersByTimeAsync(0);
    expect(order).toEqual(['first true', 'second true']);
    // Both connections are in use.
    expect(queue.acquire()).toBeDefined();
  });

  it('are not granted after the maximum wait, nor to a call that cancelled', async () => {
    const queue = new ConnectionQueue(1, 5_000);
    expect(queue.acquire()).toBeUndefined();
    const patient = queue.acquire()!;
    const cancelled = queue.acquire()!;
    cancelled.cancel();
    expect(await cancelled.granted).toBe(false);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(queue.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect([await patient.granted, queue.length]).toEqual([false, 0]);
    queue.release();
    expect(queue.acquire()).toBeUndefined();
    // A call that was granted a connection cannot cancel.
    const waiting = queue.acquire()!;
    queue.release();
    waiting.cancel();
    expect(await waiting.granted).toBe(true);
  });
});
