import { BadRequestException, UnprocessableEntityException } from '@nestjs/common';

import { DAY_MS } from '../platform/clock.js';

/** Whole UTC days as instants: the start of the first day and the end of the last. */
export interface Days {
  readonly fromMs: number;
  readonly toMs: number;
}

/** First and last day of a query, both included. */
interface DayRange {
  readonly start_date?: string;
  readonly end_date?: string;
}

const MAX_DAYS = 400;
const WEEK_MS = 7 * DAY_MS;
/** The number of days in a report without dates. */
const DEFAULT_DAYS = 30;

export const dayName = (dayMs: number) => new Date(dayMs).toISOString().slice(0, 10);

/** Returns the days. Throws 422 if the last day is before the first, or the range is too long. */
export function daysOf({ start_date, end_date }: Required<DayRange>): Days {
  const days = { fromMs: Date.parse(start_date), toMs: Date.parse(end_date) + DAY_MS };
  if (days.toMs <= days.fromMs) throw invalid('start_date', 'must not be after end_date');
  if (days.toMs - days.fromMs > MAX_DAYS * DAY_MS)
    throw invalid('end_date', `must be less than ${MAX_DAYS} days after start_date`);
  return days;
}

/** Returns the days as `daysOf` does. Throws 400 unless both are set, as LiteLLM does. */
export function requiredDays({ start_date, end_date }: DayRange): Days {
  if (start_date === undefined || end_date === undefined) throw missing(start_date === undefined);
  return daysOf({ start_date, end_date });
}

/** Returns the days as `daysOf` does. The default end is today, the default start `days` days before the end. */
export function daysOrLastDays({ start_date, end_date }: DayRange, now: Date, days = DEFAULT_DAYS): Days {
  const last = end_date ?? dayName(Math.max(now.getTime(), start_date ? Date.parse(start_date) : 0));
  return daysOf({
    start_date: start_date ?? dayName(Date.parse(last) - days * DAY_MS),
    end_date: last,
  });
}

/** Splits days into weeks, so a report that is too large fails before all of it is read. */
export function weeksOf({ fromMs, toMs }: Days): Days[] {
  const weeks = Array.from({ length: Math.ceil((toMs - fromMs) / WEEK_MS) }, (_, i) => fromMs + i * WEEK_MS);
  return weeks.map((from) => ({ fromMs: from, toMs: Math.min(from + WEEK_MS, toMs) }));
}

/** Returns the UTC days that overlap these days of a time zone `minutesWest` of UTC. */
export const utcDaysAround = ({ fromMs, toMs }: Days, minutesWest: number): Days => ({
  fromMs: minutesWest < 0 ? fromMs - DAY_MS : fromMs,
  toMs: minutesWest > 0 ? toMs + DAY_MS : toMs,
});

/**
 * Returns the span of two instants (`YYYY-MM-DD HH:MM:SS` in UTC) or days, both included. Throws 400 unless both are
 * set.
 */
export function requiredInstants({ start_date, end_date }: DayRange): Days {
  if (start_date === undefined || end_date === undefined) throw missing(start_date === undefined);
  const span = { fromMs: instantMs(start_date), toMs: instantMs(end_date) + (isDay(end_date) ? DAY_MS : SECOND_MS) };
  if (span.toMs <= span.fromMs) throw invalid('start_date', 'must not be after end_date');
  return span;
} // prettier-ignore

const SECOND_MS = 1_000;
const isDay = (text: string) => text.length === 'YYYY-MM-DD'.length;

/** Returns NaN if the instant does not exist. */
const instantMs = (text: string) =>
  Date.parse(isDay(text) ? `${text}T00:00:00Z` : `${text.replace(' ', 'T').replace(/Z?$/, '')}Z`);

function missing(isStart: boolean): BadRequestException {
  return new BadRequestException({
    message: 'Please provide start_date and end_date',
    param: isStart ? 'start_date' : 'end_date',
  });
}

function invalid(field: string, message: string): UnprocessableEntityException {
  return new UnprocessableEntityException({ message: `${field}: ${message}`, fields: [{ field, message }] });
}
