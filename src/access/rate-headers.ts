import type { RateFacts, RateUnit } from '../policy/rates.js';

const NAMES: readonly (readonly [RateUnit, string])[] = [
  ['requests', 'requests'],
  ['tokens', 'tokens'],
];

/** `x-ratelimit-*` as OpenAI's clients read them: of each unit the limit with the least room left. */
export function rateHeaders(rates: readonly RateFacts[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [unit, name] of NAMES) {
    let tightest: RateFacts | undefined;
    for (const rate of rates)
      if (rate.unit === unit && (!tightest || left(rate) < left(tightest))) tightest = rate;
    if (!tightest) continue;
    headers[`x-ratelimit-limit-${name}`] = String(tightest.limit);
    headers[`x-ratelimit-remaining-${name}`] = String(Math.max(left(tightest), 0));
    headers[`x-ratelimit-reset-${name}`] = `${tightest.freeAt ? secondsUntil(tightest.freeAt) : 0}s`;
  }
  return headers;
}

const left = ({ limit, used }: RateFacts) => limit - used;

/** Whole seconds from now, at least one. */
export const secondsUntil = (instant: Date | undefined) =>
  instant ? Math.max(1, Math.ceil((instant.getTime() - Date.now()) / 1_000)) : 1;
