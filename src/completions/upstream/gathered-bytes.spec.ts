import { describe, expect, it, vi } from 'vitest';
import { GatheredBytes } from './gathered-bytes.js';

describe('bytes that come in pieces', () => {
  it('are the same as one, and copied a bounded number of times', () => {
    const concat = vi.spyOn(Buffer, 'concat');
    const gathered = new GatheredBytes();
    const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, n) => n % 251));
    for (const [n] of bytes.entries()) {
      gathered.add(bytes.subarray(n, n + 1));
      if (n < 1) continue;
      const tail = gathered.tail(2);
      expect(tail.subarray(-2)).toEqual(bytes.subarray(n - 1, n + 1));
    }
    concat.mockClear();
    expect(gathered.bytes).toBe(5_000);
    expect(gathered.whole()).toEqual(bytes);
    const [pieces] = concat.mock.calls[0]!;
    expect(pieces.length).toBeLessThan(1_100);
    concat.mockRestore();
    gathered.clear();
    expect([gathered.bytes, gathered.tail(2).length]).toEqual([0, 0]);
  });

  it('that came in one are not copied', () => {
    const gathered = new GatheredBytes();
    const piece = Buffer.from('abc');
    gathered.add(piece);
    expect(gathered.whole()).toBe(piece);
  });
});
