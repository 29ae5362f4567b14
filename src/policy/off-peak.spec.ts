import { expect, it } from 'vitest';
import { knownModel } from '../prices/known-model.js';
import { costNanoUsd } from './price.js';
import { priceAt } from './off-peak.js';

/** A million tokens of DeepSeek's flash at these times cost this; LiteLLM 1.108.7's own function gave the figures. */
it.each([
  ['2026-12-01T00:59:59Z', 0.15],
  ['2026-12-01T01:00:00Z', 0.3],
  ['2026-12-01T03:59:59Z', 0.3],
  ['2026-12-01T04:00:00Z', 0.15],
  ['2026-12-01T06:00:00Z', 0.3],
  ['2026-12-01T10:00:00Z', 0.15],
  ['2026-12-01T23:59:59Z', 0.15],
  ['2026-12-05T02:00:00Z', 0.15],
  ['2026-12-06T08:00:00Z', 0.15],
])('at %s the price is that of the hour', (at, usd) => {
  const { price } = knownModel('deepseek', 'deepseek-v4-flash')!;
  const cost = costNanoUsd({ inputTokens: 1_000_000, outputTokens: 0 }, priceAt(price!, Date.parse(at)));
  expect(Number(cost) / 1e9).toBe(usd);
});
