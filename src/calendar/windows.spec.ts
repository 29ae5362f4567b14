import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { haveSameWindows, lifetimeEnd, parseDuration, windowAt, windowId } from './windows.js';

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
});

describe('over ten years, in every kind of time zone', () => {
  // Zones with DST in the north, in the south, by half an hour and at midnight; without DST; and with a skipped day (2011-12-30).
  const zones = [
    'America/New_York',
    'Australia/Sydney',
    'Australia/Lord_Howe',
    'America/Sao_Paulo',
    'Asia/Kolkata',
    'Pacific/Apia',
  ];
  const DAY_MS = 86_400_000;
  const from = Date.parse('2010-01-01T00:00:00Z');
  const anyTime = fc.integer({ min: from, max: Date.parse('2020-01-01T00:00:00Z') });
  const nearSkippedDay = fc.integer({
    min: Date.parse('2011-12-25T00:00:00Z'),
    max: Date.parse('2012-01-05T00:00:00Z'),
  });
  const instant = fc
    .oneof({ weight: 9, arbitrary: anyTime }, { weight: 1, arbitrary: nearSkippedDay })
    .map((ms) => new Date(ms));
  const zone = fc.constantFrom(...zones);

  // The oracle knows local dates from Intl only, as days since 1970.
  const formats = new Map(
    zones.map((timeZone) => [timeZone, new Intl.DateTimeFormat('en-CA', { timeZone })]),
  );
  const localDay = (timeZone: string, ms: number) => Date.parse(formats.get(timeZone)!.format(ms)) / DAY_MS;
  const dateOf = (day: number) => new Date(day * DAY_MS);
  const monthOf = (day: number) => dateOf(day).getUTCFullYear() * 12 + dateOf(day).getUTCMonth();
  const isMonday = (day: number) => dateOf(day).getUTCDay() === 1;
  const isFirst = (day: number) => dateOf(day).getUTCDate() === 1;
  const inDays = (count: number) => (day: number, anchorDay: number) => (day - anchorDay) % count === 0;
  const inMonths = (count: number) => (day: number, anchorDay: number) => {
    const lastOfMonth = new Date(
      Date.UTC(dateOf(day).getUTCFullYear(), dateOf(day).getUTCMonth() + 1, 0),
    ).getUTCDate();
    return (
      (monthOf(day) - monthOf(anchorDay)) % count === 0 &&
      dateOf(day).getUTCDate() === Math.min(dateOf(anchorDay).getUTCDate(), lastOfMonth)
    );
  };
  /** Rules that tell whether a window opens on a local day. */
  const opens: Record<string, (day: number, anchorDay: number) => boolean> = {
    '1d': () => true,
    '24h': () => true,
    '7d': isMonday,
    '1w': isMonday,
    '30d': isFirst,
    '1mo': isFirst,
    '2d': inDays(2),
    '3w': inDays(21),
    '31d': inDays(31),
    '2mo': inMonths(2),
    '12mo': inMonths(12),
  };

  it('windows hold now, and their neighbours touch them without gap or overlap', () => {
    const duration = fc.constantFrom(...Object.keys(opens), '48h', '90m', '7s');
    fc.assert(
      fc.property(duration, instant, instant, zone, (length, anchor, now, timeZone) => {
        const rule = { duration: length, anchor };
        const window = windowAt(rule, timeZone, now);
        expect(window.start <= now && now < window.end).toBe(true);
        expect(windowAt(rule, timeZone, window.start)).toEqual(window);
        expect(windowAt(rule, timeZone, new Date(window.end.getTime() - 1))).toEqual(window);
        expect(windowAt(rule, timeZone, window.end).start).toEqual(window.end);
        expect(windowAt(rule, timeZone, new Date(window.start.getTime() - 1)).end).toEqual(window.start);
      }),
      { numRuns: 5_000 },
    );
  });

  it('days, weeks and months open at the first instant of their local day, and of no other', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(opens)),
        instant,
        instant,
        zone,
        (duration, anchor, now, timeZone) => {
          const { start, end } = windowAt({ duration, anchor }, timeZone, now);
          const day = (ms: number) => localDay(timeZone, ms);
          const anchorDay = day(anchor.getTime());
          // A window of a skipped day opens on the next day.
          const openedBetween = (after: number, upTo: number) => {
            for (let one = after + 1; one <= upTo; one++) if (opens[duration]!(one, anchorDay)) return true;
            return false;
          };
          for (const boundary of [start.getTime(), end.getTime()])
            expect(openedBetween(day(boundary - 1), day(boundary))).toBe(true);
          expect(openedBetween(day(start.getTime()), day(end.getTime() - 1))).toBe(false);
        },
      ),
      { numRuns: 4_000 },
    );
  });

  it('hours, minutes and seconds are elapsed time, whatever the clocks do', () => {
    const MS = { h: 3_600_000, m: 60_000, s: 1_000 };
    const count = fc.integer({ min: 1, max: 1_000 }).filter((hours) => hours !== 24);
    fc.assert(
      fc.property(
        count,
        fc.constantFrom('h', 'm', 's'),
        instant,
        instant,
        zone,
        (n, unit, anchor, now, timeZone) => {
          const { start, end } = windowAt({ duration: `${n}${unit}`, anchor }, timeZone, now);
          expect(end.getTime() - start.getTime()).toBe(n * MS[unit]);
          expect(Math.abs(start.getTime() - anchor.getTime()) % (n * MS[unit])).toBe(0);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('windowId', () => {
  it.each`
    one           | other       | same     | because
    ${'1d'}       | ${'24h'}    | ${true}  | ${'they are one window'}
    ${'7d'}       | ${'1w'}     | ${true}  | ${'they are one window'}
    ${'30d'}      | ${'1mo'}    | ${true}  | ${'they are one window'}
    ${'14d'}      | ${'2w'}     | ${true}  | ${'they are one window'}
    ${'60m'}      | ${'1h'}     | ${true}  | ${'they are one window'}
    ${'monthly'}  | ${'30d'}    | ${true}  | ${'LiteLLM means the same'}
    ${' Monthly'} | ${'1month'} | ${true}  | ${'both open on the first'}
    ${'weekly'}   | ${'7days'}  | ${true}  | ${'both open on Monday'}
    ${'daily'}    | ${'1d'}     | ${true}  | ${'both open at midnight'}
    ${'hourly'}   | ${'60min'}  | ${true}  | ${'they are one window'}
    ${'1d'}       | ${'1w'}     | ${false} | ${'they may open together, but are two accounts'}
    ${'2d'}       | ${'48h'}    | ${false} | ${'one is by the calendar'}
  `('$one and $other: $same, because $because', ({ one, other, same }) => {
    const [a, b] = [one, other].map((duration: string) => windowId({ duration, anchor }, 'UTC'));
    expect(a === b).toBe(same);
    expect(haveSameWindows(one, other)).toBe(same);
  });

  it('does not depend on the anchor where the calendar decides', () => {
    const id = (duration: string, iso: string) => windowId({ duration, anchor: at(iso) }, 'UTC');
    expect(id('1mo', '2026-01-01T00:00:00Z')).toBe(id('1mo', '2026-02-02T00:00:00Z'));
    expect(id('2mo', '2026-01-01T00:00:00Z')).not.toBe(id('2mo', '2026-02-02T00:00:00Z'));
  });
});

/** The answers of LiteLLM 1.108.7 (`duration_in_seconds`), on 18 November 2026 for months. */
const LITELLM_SECONDS: readonly (readonly [text: string, seconds: number])[] = [
  ['hourly', 3_600],
  ['daily', 86_400],
  ['weekly', 604_800],
  ['monthly', 2_592_000],
  [' Monthly ', 2_592_000],
  ['MONTHLY', 2_592_000],
  ['Daily\n', 86_400],
  ['1hr', 3_600],
  ['1hour', 3_600],
  ['2hours', 7_200],
  ['24hrs', 86_400],
  ['30days', 2_592_000],
  ['1day', 86_400],
  ['60min', 3_600],
  ['5mins', 300],
  ['1minute', 60],
  ['90minutes', 5_400],
  ['1mo', 2_592_000],
  ['1mon', 2_592_000],
  ['1month', 2_592_000],
  ['1months', 2_592_000],
  ['2months', 5_270_400],
  ['1week', 604_800],
  ['2weeks', 1_209_600],
  ['30sec', 30],
  ['45seconds', 45],
  ['30d ', 2_592_000],
  ['1mo ', 2_592_000],
  ['007d', 604_800],
];

/** Texts that LiteLLM refuses, too. */
const LITELLM_REFUSES = [
  'yearly', 'quarterly', '1y', '1year', '1M', '1D', '30D', '1MO', '1Month', ' 30d', ' 1hr', '30 days', '1 d', '1 month',
  '1', '30', 'd', 'day', 'month', '', '1.5h', '-1d', '+1d', '1_d', '12x', '1qtr',
]; // prettier-ignore

/** Texts of which LiteLLM reads the beginning: a minute, an hour, and so on. */
const MISLEADING = ['1ms', '1h30m', '30d12h', '1m5', '1d!', '30dayz', '1decade', '1semester'];

describe('parseDuration', () => {
  it.each(LITELLM_SECONDS)('reads %j as %i seconds', (text, seconds) => {
    const from = at('2026-11-18T10:20:30Z');
    expect(lifetimeEnd(from, text)?.getTime()).toBe(from.getTime() + seconds * 1_000);
    expect(parseDuration(text)).toBeDefined();
  });

  it.each([...LITELLM_REFUSES, ...MISLEADING, `monthly${' '.repeat(99)}`])('refuses %j', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

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
