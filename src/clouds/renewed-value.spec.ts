import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CredentialError } from './credential-source.js';
import { RenewedValue } from './renewed-value.js';

const MINUTE_MS = 60_000;

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

/** Returns a value that is fetched as `answers` say, the last one for ever: a life, or a failure. */
function fetched(...answers: readonly (number | string | 'never')[]) {
  const failures: string[] = [];
  let fetches = 0;
  const value = new RenewedValue(
    async () => {
      const answer = answers[Math.min(fetches++, answers.length - 1)]!;
      if (answer === 'never') return new Promise<never>(() => {});
      if (typeof answer === 'string') throw new Error(answer);
      return { name: `token ${fetches}`, expiresAtMs: Date.now() + answer };
    },
    () => {},
    ({ message }) => failures.push(message),
    1_000,
  );
  return { value, failures, fetches: () => fetches };
}

it('is fetched once for all who wait, and then nobody waits', async () => {
  const { value, fetches } = fetched(60 * MINUTE_MS);
  value.start();
  await Promise.all([value.ready(), value.ready()]);
  expect(value.ready()).toBeUndefined();
  expect(value.current().name).toBe('token 1');
  expect(fetches()).toBe(1);
});

it.each([
  { life: 60 * MINUTE_MS, renewedAfter: 56 * MINUTE_MS },
  { life: 6 * MINUTE_MS, renewedAfter: 3 * MINUTE_MS },
])('is renewed before its end, so no call ever waits: life $life ms', async ({ life, renewedAfter }) => {
  const { value, fetches } = fetched(life);
  await value.ready();
  await vi.advanceTimersByTimeAsync(renewedAfter - 1);
  expect(fetches()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(value.current().name).toBe('token 2');
  await vi.advanceTimersByTimeAsync(10 * life);
  expect(value.ready()).toBeUndefined();
  value.stop();
});

it('is kept until its end if it cannot be renewed, tried again ever more seldom, and then there is none', async () => {
  const { value, failures, fetches } = fetched(10 * MINUTE_MS, 'down');
  await value.ready();
  await vi.advanceTimersByTimeAsync(9.9 * MINUTE_MS);
  expect(failures.length).toBeGreaterThan(3);
  expect(failures.length).toBeLessThan(15);
  expect(value.ready()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  await expect(value.ready()).rejects.toThrow(new CredentialError('down'));
  const before = fetches();
  // Calls do not ask a cloud that just failed.
  await expect(value.ready()).rejects.toThrow('down');
  expect(fetches()).toBe(before);
  value.stop();
});

it('is not waited for longer than the timeout, and comes back by itself', async () => {
  const { value, failures } = fetched('never', 60 * MINUTE_MS);
  const waiting = expect(value.ready()).rejects.toThrow('No answer in time.');
  await vi.advanceTimersByTimeAsync(1_000);
  await waiting;
  expect(failures).toEqual(['No answer in time.']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(value.ready()).toBeUndefined();
  value.stop();
  expect(vi.getTimerCount()).toBe(0);
});
