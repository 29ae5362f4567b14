import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lifetimeEnd, parseDuration, windowAt, windowId } from './windows.js';

const at = (iso: string) => new Date(iso);
const anchor = at('2026-01-10T08:30:00Z');

describe('windowAt', () => {
  it.each`
    duration | zone                  | now                       | start                     | end                       | because
    ${'1d'}  | ${'UTC'}              | ${'2026-11-23T12:00:00Z'} | ${'2026-11-23T00:00:00Z'} | ${'2026-11-24T00:00:00Z'} | ${'a day opens at midnight'}
    ${'24h'} | ${'UTC'}              | ${'2026-11-23T00:00:00Z'} | ${'2026-11-23T00:00:00Z'} | ${'2026-11-24T00:00:00Z'} | ${'24h is a day; its first instant belongs to it'}
    ${'1d'}  | ${'America/New_York'} | ${'2026-11-23T03:00:00Z'} | ${'2026-11-22T05:00:00Z'} | ${'2026-11-23T05:00:00Z'} | ${'midnight is local'}
    ${'1d'}  | ${'America/New_York'} | ${'2026-03-08T12:00:00Z'} | ${'2026-03-08T05:00:00Z'} | ${'2026-03-09T04:00:00Z'} | ${'a day of 23 hours'}
    ${'1d'}  | ${'America/New_York'} | ${'2026-11-01T12:00:00Z'} | ${'2026-11-01T04:00:00Z'} | ${'2026-11-02T05:00:00Z'} | ${'a day of 25 hours'}
    ${'7d'}  | ${'UTC'}              | ${'2026-11-25T12:00:00Z'} | ${'2026-11-23T00:00:00Z'} | ${'2026-11-30T00:00:00Z'} | ${'a week opens on Monday'}
    ${'1w'}  | ${'UTC'}              | ${'2026-11-22T23:59:59Z'} | ${'2026-11-16T00:00:00Z'} | ${'2026-11-23T00:00:00Z'} | ${'Sunday is its last day'}
    ${'30d'} | ${'UTC'}              | ${'2026-11-23T12:00:00Z'} | ${'2026-11-01T00:00:00Z'} | ${'2026-12-01T00:00:00Z'} | ${'30d is a calendar month (LiteLLM)'}
    ${'1mo'} | ${'UTC'}              | ${'2026-02-28T12:00:00Z'} | ${'2026-02-01T00:00:00Z'} | ${'2026-03-01T00:00:00Z'} | ${'so is 1mo'}
    ${'2d'}  | ${'UTC'}              | ${'2026-01-13T12:00:00Z'} | ${'2026-01-12T00:00:00Z'} | ${'2026-01-14T00:00:00Z'} | ${'other days count from the anchor’s date'}
    ${'2mo'} | ${'UTC'}              | ${'2026-03-10T00:00:00Z'} | ${'2026-03-10T00:00:00Z'} | ${'2026-05-10T00:00:00Z'} | ${'other months too'}
    ${'48h'} | ${'UTC'}              | ${'2026-01-13T08:29:59Z'} | ${'2026-01-12T08:30:00Z'} | ${'2026-01-14T08:30:00Z'} | ${'48h is 48 hours'}
    ${'90m'} | ${'UTC'}              | ${'2026-01-10T10:00:00Z'} | ${'2026-01-10T10:00:00Z'} | ${'2026-01-10T11:30:00Z'} | ${'minutes are elapsed time from the anchor'}
    ${'5s'}  | ${'UTC'}              | ${'2026-01-10T08:29:58Z'} | ${'2026-01-10T08:29:55Z'} | ${'2026-01-10T08:30:00Z'} | ${'before the anchor there are windows too'}
  `('$duration in $zone at $now: $start to $end, because $because', ({ duration, zone, now, start, end }) => {
    expect(windowAt({ duration, anchor }, zone, at(now))).toEqual({
      duration,
      start: at(start),
      end: at(end),
    });
  });

  it('counts months from the anchor’s own day, also after a short month', () => {
    const rule = { duration: '2mo', anchor: at('2025-12-31T12:00:00Z') };
    expect(windowAt(rule, 'UTC', at('2026-03-01T00:00:00Z'))).toMatchObject({
      start: at('2026-02-28T00:00:00Z'),
      end: at('2026-04-30T00:00:00Z'),
    });
    expect(windowAt(rule, 'UTC', at('2026-07-01T00:00:00Z'))).toMatchObject({
      start: at('2026-06-30T00:00:00Z'),
      end: at('2026-08-31T00:00:00Z'),
    });
  });

  const zones = [
    'America/New_York',
    'Europe/Berlin',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
    'America/Sao_Paulo',
    'Pacific/Apia',
  ];
  const instant = fc
    .integer({ min: Date.parse('2010-01-01T00:00:00Z'), max: Date.parse('2020-01-01T00:00:00Z') })
    .map((ms) => new Date(ms));
  const duration = fc.constantFrom(
    '1d',
    '24h',
    '7d',
    '1w',
    '30d',
    '1mo',
    '2d',
    '3w',
    '5mo',
    '48h',
    '90m',
    '7s',
  );

  it('holds now, and its neighbours touch it without gap or overlap', () => {
    fc.assert(
      fc.property(duration, instant, instant, fc.constantFrom(...zones), (length, set, now, zone) => {
        const rule = { duration: length, anchor: set };
        const window = windowAt(rule, zone, now);
        expect(window.start <= now && now < window.end).toBe(true);
        expect(windowAt(rule, zone, window.start)).toEqual(window);
        expect(windowAt(rule, zone, new Date(window.end.getTime() - 1))).toEqual(window);
        expect(windowAt(rule, zone, window.end).start).toEqual(window.end);
        expect(windowAt(rule, zone, new Date(window.start.getTime() - 1)).end).toEqual(window.start);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is as long as it says, where hours are what is said', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.constantFrom('s', 'm'),
        instant,
        instant,
        (count, unit, set, now) => {
          const { start, end } = windowAt({ duration: `${count}${unit}`, anchor: set }, 'Europe/Berlin', now);
          const ms = count * (unit === 's' ? 1_000 : 60_000);
          expect(end.getTime() - start.getTime()).toBe(ms);
          expect(Math.abs(start.getTime() - set.getTime()) % ms).toBe(0);
        },
      ),
    );
  });
});

describe('windowId', () => {
  it.each`
    one      | other    | same     | because
    ${'1d'}  | ${'24h'} | ${true}  | ${'they are one window'}
    ${'7d'}  | ${'1w'}  | ${true}  | ${'they are one window'}
    ${'30d'} | ${'1mo'} | ${true}  | ${'they are one window'}
    ${'14d'} | ${'2w'}  | ${true}  | ${'they are one window'}
    ${'60m'} | ${'1h'}  | ${true}  | ${'they are one window'}
    ${'1d'}  | ${'1w'}  | ${false} | ${'they may open together, but are two accounts'}
    ${'2d'}  | ${'48h'} | ${false} | ${'one is by the calendar'}
  `('$one and $other: $same, because $because', ({ one, other, same }) => {
    const [a, b] = [one, other].map((duration: string) => windowId({ duration, anchor }, 'UTC'));
    expect(a === b).toBe(same);
  });

  it('does not depend on the anchor where the calendar decides', () => {
    const id = (duration: string, iso: string) => windowId({ duration, anchor: at(iso) }, 'UTC');
    expect(id('1mo', '2026-01-01T00:00:00Z')).toBe(id('1mo', '2026-02-02T00:00:00Z'));
    expect(id('2mo', '2026-01-01T00:00:00Z')).not.toBe(id('2mo', '2026-02-02T00:00:00Z'));
  });
});

describe('parseDuration', () => {
  it.each(['', '30', 'd', '0s', '-1d', '1e9d', '1.5h', '1y', ' 1d', '1D', '99999999mo', '1234567890s'])(
    'refuses %j',
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );
});

describe('lifetimeEnd', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '1mo', '2026-02-28T12:00:00.000Z'],
    ['2028-01-31T12:00:00Z', '1mo', '2028-02-29T12:00:00.000Z'],
    ['2026-11-23T12:00:00Z', '30d', '2026-12-23T12:00:00.000Z'],
    ['2026-11-23T12:00:00Z', '0s', '2026-11-23T12:00:00.000Z'],
    ['2026-11-23T12:00:00Z', '90m', '2026-11-23T13:30:00.000Z'],
  ])('%s + %s is %s', (from, duration, end) =>
    expect(lifetimeEnd(at(from), duration)?.toISOString()).toBe(end),
  );
});
