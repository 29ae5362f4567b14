import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideHold } from './hold-amount.js';
import { demandFor, outputTokensFor } from './hold-demand.js';
import { nanoUsd } from './money.js';
import { ceilingOf } from './ceiling.js';
import { unitPrice } from './price.js';
import { aBudget, usd } from './fixtures.testing.js';

const demand = (wanted: number, minimum: number, fair = 1_000) => ({
  wantedNanoUsd: usd(wanted),
  minimumNanoUsd: usd(minimum),
  fairShareNanoUsd: usd(fair),
});
const granted = (amount: number) => ({ kind: 'granted', amountNanoUsd: usd(amount) });

describe('what budgets grant of a wish', () => {
  it('everything, where everything fits', () => {
    expect(decideHold([aBudget(10, 2)], demand(8, 1))).toEqual(granted(8));
    expect(decideHold([], demand(8, 1))).toEqual(granted(8));
  });

  it('what is left for good, where that is less', () => {
    expect(decideHold([aBudget(10, 2), aBudget(5, 1)], demand(8, 1))).toEqual(granted(4));
  });

  it('nothing for ever, where not even the minimum is left', () => {
    const tight = aBudget(10, 9.5);
    expect(decideHold([aBudget(100), tight], demand(8, 1))).toEqual({ kind: 'refused', by: [tight] });
  });

  it('nothing now, where others hold the rest', () => {
    const busy = aBudget(10, 2, 7.5);
    expect(decideHold([busy], demand(8, 1))).toEqual({ kind: 'short', by: [busy] });
  });

  it('less now, where the minimum fits beside what others hold', () => {
    const busy = aBudget(10, 2, 7);
    expect(decideHold([busy], demand(8, 1))).toEqual({ kind: 'short', by: [busy], nowNanoUsd: usd(1) });
  });

  it('a fair share beside others: an eighth of what is left, or the fair amount', () => {
    expect(decideHold([aBudget(100, 0, 20)], demand(50, 1, 2))).toEqual(granted(10));
    expect(decideHold([aBudget(100, 0, 92)], demand(50, 1, 2))).toEqual(granted(2));
    expect(decideHold([aBudget(100, 0, 0)], demand(50, 1, 2))).toEqual(granted(50));
  });

  it('everything, where half of every limit is left untouched', () => {
    expect(decideHold([aBudget(100, 10, 10)], demand(30, 1, 2))).toEqual(granted(30));
    expect(decideHold([aBudget(100, 10, 10)], demand(31, 1, 2))).toEqual(granted(10));
    expect(decideHold([aBudget(100, 10, 10), aBudget(60, 0, 1)], demand(30, 1, 2))).toEqual(granted(7.375));
  });

  it('the minimum, where the fair share is less: sharing never refuses', () => {
    expect(decideHold([aBudget(100, 0, 92)], demand(50, 5, 0.1))).toEqual(granted(5));
  });

  it('zero of an exhausted budget to what costs nothing', () => {
    expect(decideHold([aBudget(1, 1)], demand(0, 0))).toEqual(granted(0));
  });
});

describe('whatever is asked, held and spent', () => {
  const MODEL_MOST = 1_000;
  const amount = (most: number) => fc.integer({ min: 0, max: most });
  const accounts = fc.array(
    fc.record({ limit: amount(4_000), spent: amount(2_000), held: fc.oneof(fc.constant(0), amount(2_000)) }),
    { minLength: 1, maxLength: 3 },
  );
  const calls = fc.record({
    outputTokens: fc.option(fc.integer({ min: 1, max: 2_000 }), { nil: undefined }),
    inputBytes: amount(300),
    hasTools: fc.boolean(),
    copies: fc.integer({ min: 1, max: 3 }),
  });
  const settings = fc.record({
    minClampShare: fc.oneof(fc.constant(0.25), fc.double({ min: 0, max: 1, noNaN: true })),
    minOutputTokens: amount(300),
    defaultHoldTokens: amount(600),
  });
  const perToken = unitPrice(1, 9)!;
  const ceiling = ceilingOf([{ input: perToken, output: perToken }]);

  it('a call gets what fits and is worth writing with, or is refused', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(accounts, calls, settings, (limits, { outputTokens, hasTools, ...call }, clamp) => {
        const size = {
          ...call,
          hasMedia: false,
          prompts: 1,
          generates: true,
          ...(outputTokens !== undefined && { outputTokens }),
          ...(hasTools && { hasTools: true as const }),
        };
        const capacity = { answers: [{ maxOutputTokens: MODEL_MOST, limitMember: 'max_tokens' }] };
        const general = {
          ...clamp,
          budgetClamp: true,
          defaultOutputTokens: 4_096,
          maxToolCallsUnderBudget: 3,
        };
        const wish = demandFor(size, capacity, ceiling, general);
        const budgets = limits.map(({ limit, spent, held }, i) => ({
          limitNanoUsd: nanoUsd(BigInt(limit)),
          account: { id: `${i}`, spentNanoUsd: nanoUsd(BigInt(spent)), heldNanoUsd: nanoUsd(BigInt(held)) },
        }));
        const lefts = limits.map(({ limit, spent }) => limit - spent);
        const frees = limits.map(({ limit, spent, held }) => limit - spent - held);
        const [wanted, minimum] = [Number(wish.wantedNanoUsd), Number(wish.minimumNanoUsd)];

        const most = Math.min(outputTokens ?? MODEL_MOST, MODEL_MOST);
        const worth = !hasTools
          ? clamp.minOutputTokens
          : outputTokens === undefined
            ? clamp.defaultHoldTokens
            : Math.ceil(most * clamp.minClampShare);
        expect(minimum).toBe(wanted - Math.max(most - worth, 0) * call.copies);

        const decision = decideHold(budgets, wish);
        kinds.add(decision.kind);
        expect(decision.kind === 'refused').toBe(lefts.some((left) => minimum > left));
        if (decision.kind === 'refused') return;
        const grant = decision.kind === 'granted' ? decision.amountNanoUsd : decision.nowNanoUsd;
        const isSmall = limits.every(({ limit, spent, held }) => wanted + spent + held <= limit / 2);
        const fair = wanted - Math.max(most - clamp.defaultHoldTokens, 0) * call.copies;
        const shares = limits.map(({ held }, i) =>
          held && !isSmall ? Math.max(Math.floor(frees[i]! / 8), fair) : lefts[i]!,
        );
        const target = Math.max(minimum, Math.min(wanted, ...lefts, ...shares));
        expect(decision.kind === 'granted').toBe(frees.every((free) => target <= free));
        if (decision.kind === 'granted') expect(Number(grant)).toBe(target);
        if (isSmall) expect(Number(grant)).toBe(wanted);
        if (grant === undefined) return void expect(frees.some((free) => minimum > free)).toBe(true);
        for (const free of frees) expect(Number(grant)).toBeLessThanOrEqual(free);
        expect(outputTokensFor(grant, wish)).toBeGreaterThanOrEqual(Math.min(worth, most));
      }),
      { numRuns: 2_000 },
    );
    expect([...kinds].toSorted()).toEqual(['granted', 'refused', 'short']);
  });
});
