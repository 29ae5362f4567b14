import { describe, expect, it } from 'vitest';
import { decideHold } from './hold-amount.js';
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
