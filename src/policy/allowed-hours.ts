/** The hours in which a party may call, as they are sent, stored and shown. No windows: never. */
export interface AllowedHours {
  readonly time_zone: string;
  readonly windows: readonly HoursWindow[];
}

/** One window on several days. One that ends before it begins goes on until the next day. */
export interface HoursWindow {
  readonly days: readonly Day[];
  readonly from: string;
  readonly to: string;
}

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

export const MAX_WINDOWS = 8;

/** Allowed hours as they are asked: in which minutes of the week the clocks of a time zone let calls in. */
export interface WeeklyHours {
  readonly timeZone: string;
  /** Spans [from, to) in minutes since Monday 00:00, in order, none touching another. */
  readonly spans: readonly (readonly [from: number, to: number])[];
}

const DAY_MINUTES = 1_440;
const WEEK_MINUTES = 7 * DAY_MINUTES;
const MINUTE_MS = 60_000;

/** Returns what is wrong with allowed hours from a body, naming the member; undefined for good ones. */
export function allowedHoursProblem(value: unknown): string | undefined {
  if (!isMapping(value)) return 'must be an object with time_zone and windows';
  const { time_zone: timeZone, windows } = value;
  const unknown = Object.keys(value).find((member) => member !== 'time_zone' && member !== 'windows');
  if (unknown !== undefined) return `has an unknown member ${quoted(unknown)}`;
  if (canonicalZone(timeZone) === undefined) return `time_zone ${quoted(timeZone)} is no IANA time zone`;
  if (!Array.isArray(windows)) return 'windows must be a list; an empty list means never';
  if (windows.length > MAX_WINDOWS) return `windows has more than ${MAX_WINDOWS} entries`;
  for (const [index, window] of windows.entries()) {
    const problem = windowProblem(window);
    if (problem !== undefined) return `windows[${index}]${problem}`;
  }
  return undefined;
}

const WINDOW_MEMBERS = 'days from to'.split(' ');

function windowProblem(window: unknown): string | undefined {
  if (!isMapping(window)) return ' must be an object with days, from and to';
  const { days, from, to } = window;
  const unknown = Object.keys(window).find((member) => !WINDOW_MEMBERS.includes(member));
  if (unknown !== undefined) return ` has an unknown member ${quoted(unknown)}`;
  if (!Array.isArray(days) || !days.length || days.length > DAYS.length)
    return `.days must be a list of 1 to ${DAYS.length} days`;
  const noDay = days.findIndex((day) => !(DAYS as readonly unknown[]).includes(day));
  if (noDay >= 0) return `.days[${noDay}] ${quoted(days[noDay])} is no day: ${DAYS.join(', ')}`;
  if (!isTime(from)) return `.from ${quoted(from)} is no time from 00:00 to 23:59`;
  if (!isTime(to) && to !== MIDNIGHT) return `.to ${quoted(to)} is no time from 00:00 to ${MIDNIGHT}`;
  return from === to ? `.to is the same as from; a whole day is 00:00 to ${MIDNIGHT}` : undefined;
}

/** The end of a day. */
const MIDNIGHT = '24:00';

const isTime = (value: unknown) => typeof value === 'string' && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(value);

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const MAX_QUOTED_CHARS = 64;

const quoted = (value: unknown) =>
  (JSON.stringify(value) ?? 'undefined').slice(0, MAX_QUOTED_CHARS).replace(/\p{Cs}$/u, '');

/** Returns the name that `Intl` has for a time zone; undefined for none. An offset such as `+01:00` is no time zone. */
function canonicalZone(timeZone: unknown): string | undefined {
  if (typeof timeZone !== 'string' || !/^[A-Za-z]/.test(timeZone)) return undefined;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** Compiles stored hours. A time zone that `Intl` no longer knows means never. */
export function compileAllowedHours({ time_zone, windows }: AllowedHours): WeeklyHours {
  const timeZone = canonicalZone(time_zone);
  if (timeZone === undefined) return { timeZone: 'UTC', spans: [] };
  const spans = windows.flatMap(({ days, from, to }) =>
    days.flatMap((day) => {
      const start = DAYS.indexOf(day) * DAY_MINUTES;
      const [begin, end] = [minuteOf(from), minuteOf(to)];
      return withinWeek(start + begin, start + end + (end < begin ? DAY_MINUTES : 0));
    }),
  );
  return { timeZone, spans: merged(spans) };
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number) as [number, number];
  return hours * 60 + minutes;
}

/** Splits what goes on from Sunday into Monday. */
const withinWeek = (from: number, to: number): [number, number][] =>
  to <= WEEK_MINUTES
    ? [[from, to]]
    : [
        [from, WEEK_MINUTES],
        [0, to - WEEK_MINUTES],
      ];

function merged(spans: readonly [number, number][]): [number, number][] {
  const result: [number, number][] = [];
  for (const [from, to] of spans.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

/**
 * Tells whether `hours` let calls in only when `limit` does. Provable are: no hours at all, a limit of every hour, and the same
 * time zone; clocks of different time zones are not compared.
 */
export function hoursWithin(hours: AllowedHours, limit: AllowedHours): boolean {
  const [compiled, compiledLimit] = [compileAllowedHours(hours), compileAllowedHours(limit)];
  if (!compiled.spans.length || isEveryHour(compiledLimit)) return true;
  return (
    compiled.timeZone === compiledLimit.timeZone &&
    compiled.spans.every(([from, to]) => compiledLimit.spans.some((span) => span[0] <= from && to <= span[1]))
  );
}

const isEveryHour = ({ spans }: WeeklyHours) => spans[0]?.[0] === 0 && spans[0][1] === WEEK_MINUTES;

/** Tells whether the clocks of the time zone show an allowed minute. */
export function isOpen({ timeZone, spans }: WeeklyHours, now: Date): boolean {
  const minute = weekMinute(timeZone, now.getTime());
  return spans.some(([from, to]) => from <= minute && minute < to);
}

/** The search for an opening ends here: a window that a change of the clocks leaves out comes again after a week. */
const SEARCH_MINUTES = 2 * WEEK_MINUTES;
/** No time zone changes its clocks twice within such a step. */
const STEP_MINUTES = DAY_MINUTES / 2;

/** The last search of a minute. */
interface Search {
  readonly all: readonly WeeklyHours[];
  readonly minute: number;
  readonly opening: number | undefined;
}

/** The last search for each set of hours that comes first in one. A search may cost some milliseconds. */
const searches = new WeakMap<WeeklyHours, Search>();

/** Returns the next instant at which all of these hours let calls in; undefined when there is none within two weeks. */
export function nextOpening(all: readonly WeeklyHours[], now: Date): Date | undefined {
  const minute = Math.floor(now.getTime() / MINUTE_MS);
  let last = searches.get(all[0]!);
  if (last?.minute !== minute || !isSameHours(last.all, all)) {
    last = { all, minute, opening: searchFrom(all, minute) };
    searches.set(all[0]!, last);
  }
  return last.opening === undefined ? undefined : new Date(last.opening * MINUTE_MS);
}

const isSameHours = (one: readonly WeeklyHours[], other: readonly WeeklyHours[]) =>
  one.length === other.length && one.every((hours, i) => hours === other[i]);

/** Returns the first minute from `first` on at which all are open, in minutes since 1970. */
function searchFrom(all: readonly WeeklyHours[], first: number): number | undefined {
  // Without a window of all there is nothing to search for.
  if (all.some(({ spans }) => !spans.length)) return undefined;
  let at = first;
  let settled = 0;
  for (let i = 0; settled < all.length; i = (i + 1) % all.length) {
    const opening = openingFrom(all[i]!, at, first + SEARCH_MINUTES);
    if (opening === undefined) return undefined;
    settled = opening === at ? settled + 1 : 1;
    at = opening;
  }
  return at;
}

/** Returns the first open minute of `[at, end]`, all in minutes since 1970. */
function openingFrom({ timeZone, spans }: WeeklyHours, at: number, end: number): number | undefined {
  const shown = (minute: number) => weekMinute(timeZone, minute * MINUTE_MS);
  while (at <= end) {
    const local = shown(at);
    const wait = Math.min(...spans.map((span) => minutesUntil(span, local)));
    if (wait === 0) return at;
    const step = Math.min(wait, STEP_MINUTES);
    // Where the clocks are changed on the way, the search goes on from that minute.
    const isRegular = (minutes: number) => shown(at + minutes) === (local + minutes) % WEEK_MINUTES;
    at += isRegular(step) ? step : firstWhere((minutes) => !isRegular(minutes), step);
  }
  return undefined;
}

const minutesUntil = ([from, to]: readonly [number, number], minute: number) =>
  minute < from ? from - minute : minute < to ? 0 : from + WEEK_MINUTES - minute;

/** Returns the smallest number up to `most` that `test` holds for; it holds for all above it. */
function firstWhere(test: (value: number) => boolean, most: number): number {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (test(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}

/** The clock of a time zone, with the last minute that was read from it. */
interface Clock {
  readonly format: Intl.DateTimeFormat;
  epochMinute: number;
  weekMinute: number;
}

/** There are some hundred time zones. */
const clocks = new Map<string, Clock>();

/** Returns the minute of the week, from Monday 00:00, that clocks in a time zone show. */
function weekMinute(timeZone: string, epochMs: number): number {
  const epochMinute = Math.floor(epochMs / MINUTE_MS);
  let clock = clocks.get(timeZone);
  if (!clock) {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    clock = { format, epochMinute: NaN, weekMinute: NaN };
    clocks.set(timeZone, clock);
  }
  if (clock.epochMinute === epochMinute) return clock.weekMinute;
  let minute = 0;
  for (const { type, value } of clock.format.formatToParts(epochMs)) {
    if (type === 'weekday') minute += DAYS.indexOf(value.toLowerCase() as Day) * DAY_MINUTES;
    else if (type === 'hour') minute += Number(value) * 60;
    else if (type === 'minute') minute += Number(value);
  }
  clock.epochMinute = epochMinute;
  clock.weekMinute = minute;
  return minute;
}
