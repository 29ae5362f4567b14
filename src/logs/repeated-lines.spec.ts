import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RepeatedLines } from './repeated-lines.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('writes the first few lines of a kind, counts the rest and tells how many there were', () => {
  const lines = new RepeatedLines();
  const messages: string[] = [];
  const admitted = (kind: string, times: number) =>
    Array.from({ length: times }, () =>
      lines.admits(kind, (count) => messages.push(`${count} of ${kind}`)),
    ).filter(Boolean).length;
  expect([admitted('full', 1_000), admitted('other', 2)]).toEqual([3, 2]);
  vi.advanceTimersByTime(9_999);
  expect(messages).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(messages).toEqual(['997 of full']);
  expect(admitted('full', 5)).toBe(3);
});

it('does not remember kinds without end', () => {
  const lines = new RepeatedLines();
  for (let i = 0; i < 5_000; i++) expect(lines.admits(`kind ${i}`, () => {})).toBe(true);
  expect((lines as unknown as { kinds: Map<string, unknown> }).kinds.size).toBe(1_000);
});
