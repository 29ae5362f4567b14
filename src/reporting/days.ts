import { BadRequestException, UnprocessableEntityException } from '@nestjs/common';

import { DAY_MS } from '../platform/clock.js';

/** Whole UTC days, as instants: the first of them, and the first behind them. */
export interface Days {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Days as a query names them, both ends included. */
interface NamedDays {
  readonly start_date?: string;
  readonly end_date?: string;
}

const MOST_DAYS = 400;
const WEEK_MS = 7 * DAY_MS;
/** A report about no days in particular is about so many. */
const LATELY_DAYS = 30;

export const dayName = (dayMs: number) => new Date(dayMs).toISOString().slice(0, 10);

/** 422 when the last comes before the first, or they are more than a year and a month. */
export function daysOf({ start_date, end_date }: Required<NamedDays>): Days {
  const days = { fromMs: Date.parse(start_date), toMs: Date.parse(end_date) + DAY_MS };
  if (days.toMs <= days.fromMs) throw invalid('start_date', 'must not be after end_date');
  if (days.toMs - days.fromMs > MOST_DAYS * DAY_MS)
    throw invalid('end_date', `must be less than ${MOST_DAYS} days after start_date`);
  return days;
}

/** The same where both must be given, as LiteLLM wants it: else 400. */
export function requiredDays({ start_date, end_date }: NamedDays): Days {
  if (start_date === undefined || end_date === undefined) throw missing(start_date === undefined);
  return daysOf({ start_date, end_date });
}

/** The same; an end that is not given is today, a start 30 days earlier. */
export function daysOrLately({ start_date, end_date }: NamedDays, now: Date): Days {
  const last = end_date ?? dayName(Math.max(now.getTime(), start_date ? Date.parse(start_date) : 0));
  return daysOf({
    start_date: start_date ?? dayName(Date.parse(last) - LATELY_DAYS * DAY_MS),
    end_date: last,
  });
}

/** A few at a time: what is too much is known before all of it is read. */
export function weeksOf({ fromMs, toMs }: Days): Days[] {
  const weeks = Array.from({ length: Math.ceil((toMs - fromMs) / WEEK_MS) }, (_, i) => fromMs + i * WEEK_MS);
  return weeks.map((from) => ({ fromMs: from, toMs: Math.min(from + WEEK_MS, toMs) }));
}

/** The UTC days that days of a zone so many minutes west of UTC reach into. */
export const aroundDays = ({ fromMs, toMs }: Days, minutesWest: number): Days => ({
  fromMs: minutesWest < 0 ? fromMs - DAY_MS : fromMs,
  toMs: minutesWest > 0 ? toMs + DAY_MS : toMs,
});

/** Instants as a query names them, `YYYY-MM-DD HH:MM:SS` in UTC, or days: the first, and the first behind them. 400 without both. */
export function requiredInstants({ start_date, end_date }: NamedDays): Days {
  if (start_date === undefined || end_date === undefined) throw missing(start_date === undefined);
  const span = { fromMs: instantMs(start_date), toMs: instantMs(end_date) + (isDay(end_date) ? DAY_MS : SECOND_MS) };
  if (span.toMs <= span.fromMs) throw invalid('start_date', 'must not be after end_date');
  return span;
} // prettier-ignore

const SECOND_MS = 1_000;
const isDay = (text: string) => text.length === 'YYYY-MM-DD'.length;

/** NaN when there is no such instant. */
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
