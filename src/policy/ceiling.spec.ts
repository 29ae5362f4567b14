import { expect, it } from 'vitest';
import { ceilingOf, reachablePrice } from './ceiling.js';
import type { Price, UnitPrice } from './price.js';

const level = (input: number, more: Record<string, number> = {}) => {
  const prices = Object.entries({ ...more, input, output: 0 });
  return Object.fromEntries(prices.map(([name, price]) => [name, BigInt(price)])) as {
    input: UnitPrice;
    output: UnitPrice;
  };
};

const claude: Price = level(100, { cacheWrite: 125, cacheWrite1h: 200 });
const gpt: Price = {
  ...level(100),
  tiers: [{ ...level(300), aboveInputTokens: 1_000 }],
  serviceTiers: { flex: level(50), priority: { ...level(200), tiers: [{ ...level(600), aboveInputTokens: 2_000 }] } },
}; // prettier-ignore

it.each<[string, Price, Parameters<typeof reachablePrice>[1], number, boolean, number]>([
  ['a body without marks, where only marks are written', claude, { cacheWrites: 'none' }, 10, true, 100],
  ['… and where any long prompt is', claude, { cacheWrites: 'none' }, 10, false, 125],
  ['a mark', claude, { cacheWrites: 'ordinary' }, 10, true, 125],
  ['a mark for an hour', claude, { cacheWrites: 'hour' }, 10, true, 200],
  ['nobody knows what is marked', claude, {}, 10, true, 200],
  ['a prompt up to the border', gpt, { serviceTier: 'default' }, 1_000, false, 100],
  ['… and above it', gpt, { serviceTier: 'default' }, 1_001, false, 300],
  ['flex may be answered as plain', gpt, { serviceTier: 'flex' }, 1_000, false, 100],
  ['no tier named: any may answer', gpt, {}, 1_000, false, 200],
  ['auto: the same', gpt, { serviceTier: 'auto' }, 1_000, false, 200],
  ['priority, long', gpt, { serviceTier: 'priority' }, 2_001, false, 600],
  ['a name of every object is no tier', gpt, { serviceTier: 'constructor' }, 1_000, false, 200],
])('a call reaches: %s', (_, price, reach, inputTokens, onMark, input) =>
  expect(reachablePrice(ceilingOf([price]), reach, inputTokens, onMark).input).toBe(BigInt(input))); // prettier-ignore
