import { describe, expect, it } from 'vitest';
import { conclude, decide } from './decide.js';
import { policy } from './policy.js';
import { aBudget, aKey, aModel, aParty, aRequest, aDemand, someFacts } from './fixtures.testing.js';

const costly = aRequest({ model: aModel('m', { demand: aDemand(1) }) });

describe('decide', () => {
  it('asks every check once, in policy order, also after an objection', () => {
    const { trace, allowed } = decide(someFacts({ credential: aKey({ blocked: true }) }));
    expect(allowed).toBe(false);
    expect(trace.map(({ check }) => check)).toEqual(policy.map(({ check }) => check.name));
    expect(new Set(policy.map(({ check }) => check.name)).size).toBe(policy.length);
  });

  it('tells the first objection', () => {
    const facts = someFacts({
      credential: aKey({ blocked: true }),
      parties: [aParty({ kind: 'team', blocked: true })],
    });
    expect(decide(facts).refusal).toMatchObject({
      code: 'key_blocked',
      check: 'keyIsNotBlocked',
      retryable: false,
    });
  });

  it('lets a permanent objection outrank an earlier temporary one', () => {
    const parties = [
      aParty({ budgets: [aBudget(3, 1, 2)] }),
      aParty({ kind: 'user', id: 'u1', budgets: [aBudget(1, 1)] }),
    ];
    expect(decide(someFacts({ parties, request: costly })).refusal).toMatchObject({
      scope: { kind: 'user', id: 'u1' },
      retryable: false,
    });
  });

  it('calls a refusal retryable only if every objection is temporary', () => {
    const parties = [
      aParty({ budgets: [aBudget(3, 1, 2)] }),
      aParty({ kind: 'team', budgets: [aBudget(1, 0, 1)] }),
    ];
    expect(decide(someFacts({ parties, request: costly })).refusal).toMatchObject({
      scope: { kind: 'key' },
      retryable: true,
    });
  });

  it('allows what nobody objects to', () => {
    expect(decide(someFacts())).toMatchObject({ allowed: true });
  });
});

describe('conclude', () => {
  it('allows an empty trace', () => {
    expect(conclude([])).toEqual({ allowed: true, trace: [] });
  });
});
