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
    ['is accepted by an idle process', 2, 100, 0, 0, undefined],
    ['is accepted up to and including the limits', 2, 100, 1, 100, undefined],
    ['is refused when the maximum of calls is in flight', 2, 100, 2, 0, 'parallel_requests'],
    ['is refused when the event loop is too late', 2, 100, 0, 101, 'event_loop_delay'],
    ['is accepted at any delay, if the delay has no limit', 2, 0, 1, 60_000, undefined],
    ['is accepted beside any number of calls, if their number has no limit', Infinity, 100, 50, 0, undefined],
  ])('%s', async (_, maxCalls, maxDelayMs, calls, delayMs, reason) => {
    const { load, metrics } = loaded(maxCalls, maxDelayMs, calls, delayMs);
    expect(load.overload() === undefined).toBe(reason === undefined);
    const { values } = await metrics.shed.get();
    expect(values.filter(({ value }) => value).map(({ labels }) => labels.reason)).toEqual(
      reason === undefined ? [] : [reason],
    );
  });
});
