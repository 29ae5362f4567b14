import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PeriodicTask } from './periodic-task.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a periodic task', () => {
  it('runs at once, then so long after each end; after a failure, too', async () => {
    const failures: unknown[] = [];
    let runs = 0;
    const task = new PeriodicTask(
      async () => {
        runs++;
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (runs === 2) throw new Error('no luck');
      },
      (error) => failures.push(error),
    );
    task.start(1_000);
    expect(runs).toBe(1);
    await vi.advanceTimersByTimeAsync(1_099);
    expect(runs).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toBe(2);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(runs).toBe(3);
    expect(failures).toEqual([new Error('no luck')]);
    await vi.advanceTimersByTimeAsync(100);
    await task.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(runs).toBe(3);
  });

  it('may wait before the first run', async () => {
    const run = vi.fn(() => Promise.resolve());
    const task = new PeriodicTask(run, () => {});
    task.startLater(1_000);
    await vi.advanceTimersByTimeAsync(999);
    expect(run).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(run).toHaveBeenCalledOnce();
    await task.stop();
  });

  it('lets a run that is under way end before it has stopped', async () => {
    let end = () => {};
    const task = new PeriodicTask(
      () => new Promise<void>((resolve) => (end = resolve)),
      () => {},
    );
    task.start(1_000);
    const stopped = vi.fn();
    const stopping = task.stop().then(stopped);
    expect(task.isStopped).toBe(true);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(stopped).not.toHaveBeenCalled();
    end();
    await stopping;
    expect(vi.getTimerCount()).toBe(0);
  });
});
