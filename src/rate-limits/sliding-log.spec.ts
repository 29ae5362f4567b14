import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlidingLog } from './sliding-log.js';

describe('a sliding log', () => {
  it('never lets more than the limit into any span, and never refuses while there is room', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 200 }), fc.integer({ min: 1, max: 5 }), (gaps, limit) => {
        const span = 100;
        const log = new SlidingLog(span);
        const admitted: number[] = [];
        let now = 1_000;
        for (const gap of gaps) {
          now += gap;
          const inSpan = admitted.filter((at) => at > now - span).length;
          expect(log.usedAt(now)).toBe(inSpan);
          if (inSpan < limit) {
            log.add(now, 1);
            admitted.push(now);
          }
        }
        for (const from of admitted)
          expect(admitted.filter((at) => at >= from && at < from + span).length).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('counts what an entry is corrected to, while it counts', () => {
    const log = new SlidingLog(100);
    const entry = log.add(0, 50);
    log.add(10, 1);
    log.change(entry, 20);
    expect(log.usedAt(50)).toBe(21);
    expect(log.usedAt(100)).toBe(1);
    log.change(entry, 99);
    expect(log.usedAt(109)).toBe(1);
    expect(log.usedAt(110)).toBe(0);
    expect(log.nextFreeAt).toBeUndefined();
  });
});
