import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SteadyClock } from './clock.js';

const NOON = Date.parse('2030-01-01T12:00:00Z');
const HOUR_MS = 3_600_000;

let clock: SteadyClock;
beforeEach(() => {
  vi.useFakeTimers({ now: NOON, toFake: ['Date', 'performance'] });
  clock = new SteadyClock();
});
afterEach(() => void vi.useRealTimers());

it('that is set back goes on at half speed until the time of day has caught up', () => {
  expect(clock.now().getTime()).toBe(NOON);
  vi.setSystemTime(NOON - HOUR_MS);
  expect(clock.now().getTime()).toBe(NOON);
  vi.advanceTimersByTime(60_000);
  expect(clock.now().getTime()).toBe(NOON + 30_000);
  vi.advanceTimersByTime(2 * HOUR_MS);
  expect(clock.now().getTime()).toBe(Date.now());
});

it('follows the clock of all replicas', () => {
  clock.follow(NOON + HOUR_MS, NOON - 10, NOON + 10);
  expect(clock.now().getTime()).toBe(NOON + HOUR_MS);
  vi.advanceTimersByTime(1_000);
  clock.follow(NOON + HOUR_MS + 1_100, NOON + 1_000, NOON + 1_000);
  expect(clock.now().getTime()).toBe(NOON + HOUR_MS + 1_000);
});

it.each([
  [0, 5_000],
  [-5_000, 0],
])('does not change for a slow reply (asked at %i ms, answered at %i ms)', (asked, answered) => {
  clock.follow(NOON, NOON + asked, NOON + answered);
  expect(clock.now().getTime()).toBe(NOON);
  clock.follow(NOON + 6_000, NOON + asked, NOON + answered);
  expect(clock.now().getTime()).toBe(NOON + 6_000 - (asked + answered) / 2);
});
