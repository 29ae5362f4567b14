import type { RateFacts, RateUnit } from '../policy/rates.js';

const UNITS: readonly RateUnit[] = ['requests', 'tokens'];

/** Returns `x-ratelimit-*` headers as OpenAI's clients read them. Each unit shows the limit with the least room left. */
export function rateHeaders(rates: readonly RateFacts[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const unit of UNITS) {
    let tightest: RateFacts | undefined;
    for (const rate of rates)
      if (rate.unit === unit && (!tightest || left(rate) < left(tightest))) tightest = rate;
    if (!tightest) continue;
    headers[`x-ratelimit-limit-${unit}`] = String(tightest.limit);
    headers[`x-ratelimit-remaining-${unit}`] = String(Math.max(left(tightest), 0));
    headers[`x-ratelimit-reset-${unit}`] = `${tightest.freeAt ? secondsUntil(tightest.freeAt) : 0}s`;
  }
  return headers;
}

const left = ({ limit, used }: RateFacts) => limit - used;

/** Returns the whole seconds until an instant, at least one. */
export const secondsUntil = (instant: Date | undefined) =>
  instant ? Math.max(1, Math.ceil((instant.getTime() - Date.now()) / 1_000)) : 1;
