import { describe, expect, it } from 'vitest';
import { Metrics } from '../metrics/metrics.js';
import type { EventLoop } from './event-loop.js';
import { LoadShedder } from './load-shedder.js';

const loaded = (maxParallelCalls: number, maxEventLoopDelayMs: number, calls: number, delayMs: number) => {
  const metrics = new Metrics();
  const general = { maxParallelCalls, maxEventLoopDelayMs };
  const load = new LoadShedder({ general } as never, { delayMs } as EventLoop, metrics);
  for (let i = 0; i < calls; i++) load.calls.add(Promise.resolve());
  return { load, metrics };
};

describe('a further call', () => {
  it.each([
    ['is taken by an idle process', 2, 100, 0, 0, undefined],
    ['is taken up to the limits, them included', 2, 100, 1, 100, undefined],
    ['is refused when as many as may be are under way', 2, 100, 2, 0, 'parallel_requests'],
    ['is refused when the event loop is too late', 2, 100, 0, 101, 'event_loop_delay'],
    ['is taken however late it is, where that has no limit', 2, 0, 1, 60_000, undefined],
    ['is taken beside any number of others, where that has no limit', Infinity, 100, 50, 0, undefined],
  ])('%s', async (_, most, mostMs, calls, delayMs, reason) => {
    const { load, metrics } = loaded(most, mostMs, calls, delayMs);
    expect(load.overload() === undefined).toBe(reason === undefined);
    const { values } = await metrics.shed.get();
    expect(values.filter(({ value }) => value).map(({ labels }) => labels.reason)).toEqual(
      reason === undefined ? [] : [reason],
    );
  });
});
