import type { Price } from './price.js';

/** Hours of a week, in UTC. */
export interface OffPeakHours {
  /** A call in one of these windows is off-peak. */
  readonly windows: readonly OffPeakWindow[];
}

/** Minutes of a day from `fromMinute` up to `toMinute`, on some days. A window that ends before it begins goes over midnight. */
export interface OffPeakWindow {
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Days of the week, 1 is Monday. Absent: every day. */
  readonly weekdays?: readonly number[];
  /** Minutes by which the provider's days begin before those of UTC. */
  readonly dayOffsetMinutes?: number;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
const DAYS = 7;
/** 1 January 1970 was a Thursday. */
const FIRST_WEEKDAY = 4;

/** Returns the price that applies to a call at this time, in epoch milliseconds. */
export function priceAt(price: Price, atMs: number): Price {
  const { offPeak } = price;
  if (!offPeak?.hours.windows.some((window) => contains(window, atMs))) return price;
  // As at LiteLLM: the price of the hour is the same for long prompts and for every service tier.
  const { tiers: _, serviceTiers: __, list, ...plain } = price;
  return {
    ...plain,
    ...offPeak.price,
    ...(list && { list: { ...list, price: priceAt(list.price, atMs) } }),
  };
}

function contains(
  { fromMinute, toMinute, weekdays, dayOffsetMinutes = 0 }: OffPeakWindow,
  atMs: number,
): boolean {
  const minutes = Math.floor(atMs / MINUTE_MS);
  const minute = minutes % DAY_MINUTES;
  const isInside =
    fromMinute < toMinute
      ? minute >= fromMinute && minute < toMinute
      : minute >= fromMinute || minute < toMinute;
  if (!isInside || !weekdays) return isInside;
  const day = Math.floor((minutes + dayOffsetMinutes) / DAY_MINUTES);
  return weekdays.includes(((day + FIRST_WEEKDAY - 1) % DAYS) + 1);
}
