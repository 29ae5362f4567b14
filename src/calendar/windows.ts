import { Temporal } from 'temporal-polyfill';
import type { BudgetWindow } from '../policy/facts.js';

type Unit = 's' | 'm' | 'h' | 'd' | 'w' | 'mo';

/** A length of time as configured: `30s`, `24h`, `7d`, `2w`, `1mo`; also `1hr`, `30days`, `monthly`. */
export interface Duration {
  readonly count: number;
  readonly unit: Unit;
}

/** The rule of a budget window: its length, and the start of the count. */
export interface WindowRule {
  readonly duration: string;
  /** The time at which the duration was set. */
  readonly anchor: Date;
}

const DURATION = /^(\d{1,9})([a-z]{1,7})\s{0,9}$/;
/** Spellings of the units. LiteLLM reads the beginning of any of them, and case counts. */
const UNITS: ReadonlyMap<string, Unit> = new Map(
  Object.entries({
    s: ['s', 'sec', 'secs', 'second', 'seconds'],
    m: ['m', 'min', 'mins', 'minute', 'minutes'],
    h: ['h', 'hr', 'hrs', 'hour', 'hours'],
    d: ['d', 'day', 'days'],
    w: ['w', 'week', 'weeks'],
    mo: ['mo', 'mon', 'month', 'months'],
  } satisfies Record<Unit, string[]>).flatMap(([unit, spellings]) =>
    spellings.map((spelling) => [spelling, unit as Unit] as const),
  ),
);
/** LiteLLM's words for the usual periods, in any case. `monthly` opens on the first of the month, as `30d` does. */
const WORDS: ReadonlyMap<string, Duration> = new Map([
  ['hourly', { count: 1, unit: 'h' }],
  ['daily', { count: 24, unit: 'h' }],
  ['weekly', { count: 7, unit: 'd' }],
  ['monthly', { count: 30, unit: 'd' }],
]);
const MAX_WORD_CHARS = 32;
const SECONDS: Record<Unit, number> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, mo: 2_678_400 };
const MAX_SECONDS = 100 * 366 * 86_400;

/** Reads a duration of at least one unit and at most a hundred years; `undefined` for anything else. */
export function parseDuration(text: string): Duration | undefined {
  const duration = parseLength(text);
  return duration && duration.count > 0 ? duration : undefined;
}

function parseLength(text: string): Duration | undefined {
  const [, count, spelling] = DURATION.exec(text) ?? [];
  if (count === undefined)
    return text.length > MAX_WORD_CHARS ? undefined : WORDS.get(text.trim().toLowerCase());
  const unit = UNITS.get(spelling!);
  if (unit === undefined) return undefined;
  const duration = { count: Number(count), unit };
  return duration.count * SECONDS[duration.unit] <= MAX_SECONDS ? duration : undefined;
}

/** Returns the approximate length of a duration in seconds, to compare two. A month has 31 days. */
export function secondsIn(text: string): number {
  const { count, unit } = parseLength(text)!;
  return count * SECONDS[unit];
}

/**
 * Returns the end of a life of `duration` (`0s` is allowed). Months follow the calendar in UTC, clamped to the month's
 * length (31 January + 1mo = 28 or 29 February). Returns `undefined` for what is no duration.
 */
export function lifetimeEnd(from: Date, duration: string): Date | undefined {
  const length = parseLength(duration);
  if (!length) return undefined;
  if (length.unit !== 'mo') return new Date(from.getTime() + length.count * SECONDS[length.unit] * 1_000);
  return instantOf(zoned(from, 'UTC').add({ months: length.count }));
}

/**
 * Returns the window that contains `now`. `1d`/`24h` open at midnight, `7d`/`1w` on Monday, `30d`/`1mo` on the first of
 * the month (LiteLLM's calendar rule), in `timeZone`. Other days, weeks and months open at local midnights counted from
 * the anchor's date. Hours, minutes and seconds count from the anchor. The function is pure: no job resets anything.
 * Throws a `RangeError` for what is no duration.
 */
export function windowAt({ duration, anchor }: WindowRule, timeZone: string, now: Date): BudgetWindow {
  const { count, unit } = required(duration);
  const period = periodOf(count, unit);
  if (period.kind === 'elapsed') {
    const from = anchor.getTime();
    const start = from + Math.floor((now.getTime() - from) / period.ms) * period.ms;
    return { duration, start: new Date(start), end: new Date(start + period.ms) };
  }
  const today = zoned(now, timeZone).toPlainDate();
  const open =
    period.kind === 'calendar' ? period.opened(today) : countedFrom(anchor, timeZone, today, period.step);
  return {
    duration,
    start: midnight(open.start, timeZone),
    end: midnight(open.end, timeZone),
  };
}

/** Returns a name of a window rule. Equal windows have equal names, different windows different ones. */
export function windowId({ duration, anchor }: WindowRule, timeZone: string): string {
  const { count, unit } = required(duration);
  const period = periodOf(count, unit);
  switch (period.kind) {
    case 'elapsed':
      return `${period.ms / 1_000}s@${anchor.getTime()}`;
    case 'calendar':
      return `${period.name}@${timeZone}`;
    case 'counted': {
      const { months, days } = period.step;
      return `${months ? `${months}mo` : `${days}d`}@${zoned(anchor, timeZone).toPlainDate().toString()}@${timeZone}`;
    }
  }
}

/** Tells whether two durations have the same windows when they are set at the same time: `monthly` and `30d`, `60m` and `1h`. */
export const haveSameWindows = (one: string | null, other: string | null): boolean =>
  one === other || (one !== null && other !== null && windowName(one) === windowName(other));

const windowName = (duration: string) => windowId({ duration, anchor: EPOCH }, 'UTC');
const EPOCH = new Date(0);

interface Dates {
  readonly start: Temporal.PlainDate;
  readonly end: Temporal.PlainDate;
}

type Step =
  { readonly days: number; readonly months?: never } | { readonly months: number; readonly days?: never };

type Period =
  | { readonly kind: 'elapsed'; readonly ms: number }
  | {
      readonly kind: 'calendar';
      readonly name: string;
      readonly opened: (today: Temporal.PlainDate) => Dates;
    }
  | { readonly kind: 'counted'; readonly step: Step };

function periodOf(count: number, unit: Unit): Period {
  const days = unit === 'd' ? count : unit === 'w' ? count * 7 : undefined;
  if (days === 1 || (unit === 'h' && count === 24)) return DAY;
  if (days === 7) return WEEK;
  if (days === 30 || (unit === 'mo' && count === 1)) return MONTH;
  if (days !== undefined) return { kind: 'counted', step: { days } };
  if (unit === 'mo') return { kind: 'counted', step: { months: count } };
  return { kind: 'elapsed', ms: count * SECONDS[unit] * 1_000 };
}

const DAY: Period = {
  kind: 'calendar',
  name: 'day',
  opened: (today) => ({ start: today, end: today.add({ days: 1 }) }),
};

const WEEK: Period = {
  kind: 'calendar',
  name: 'week',
  opened: (today) => {
    const start = today.subtract({ days: today.dayOfWeek - 1 });
    return { start, end: start.add({ days: 7 }) };
  },
};

const MONTH: Period = {
  kind: 'calendar',
  name: 'month',
  opened: (today) => {
    const start = today.with({ day: 1 });
    return { start, end: start.add({ months: 1 }) };
  },
};

/** Returns the n-th boundary from the anchor's own date, so that a clamped month does not shorten later ones. */
function countedFrom(anchor: Date, timeZone: string, today: Temporal.PlainDate, step: Step): Dates {
  const first = zoned(anchor, timeZone).toPlainDate();
  const boundary = (n: number) =>
    first.add(step.days ? { days: step.days * n } : { months: step.months! * n });
  const passed = step.days
    ? first.until(today, { largestUnit: 'day' }).days / step.days
    : first.until(today, { largestUnit: 'month' }).months / step.months!;
  let n = Math.floor(passed);
  while (Temporal.PlainDate.compare(boundary(n), today) > 0) n--;
  while (Temporal.PlainDate.compare(boundary(n + 1), today) <= 0) n++;
  return { start: boundary(n), end: boundary(n + 1) };
}

function required(duration: string): Duration {
  const parsed = parseDuration(duration);
  if (!parsed) throw new RangeError(`'${duration}' is not a duration such as 30s, 24h, 7d, 1mo or monthly.`);
  return parsed;
}

const zoned = (instant: Date, timeZone: string) =>
  Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(timeZone);

/** Returns the first instant of a local day, also where midnight itself is skipped. */
const midnight = (date: Temporal.PlainDate, timeZone: string) =>
  instantOf(date.toZonedDateTime({ timeZone }));

const instantOf = ({ epochMilliseconds }: Temporal.ZonedDateTime) => new Date(epochMilliseconds);
