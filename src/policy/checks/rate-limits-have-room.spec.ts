import { describe, expect, it } from 'vitest';
import type { RateFacts } from '../rates.js';
import { aModel, aRequest, aRoute, someFacts } from '../fixtures.testing.js';
import { rateLimitsHaveRoom } from './rate-limits-have-room.js';

const rate = (some: Partial<RateFacts>): RateFacts => ({
  scope: { kind: 'team', id: 't' },
  unit: 'requests',
  limit: 10,
  used: 0,
  ...some,
});
const asking = (rates: RateFacts[], rateTokens = 100, boundTokens = rateTokens) =>
  rateLimitsHaveRoom(
    someFacts({ rates, request: aRequest({ model: aModel('m', { rateTokens, boundTokens }) }) }),
  );

describe('rateLimitsHaveRoom', () => {
  it.each`
    unit          | limit  | used   | tokens | verdict    | because
    ${'requests'} | ${10}  | ${9}   | ${5}   | ${'pass'}  | ${'the tenth may go'}
    ${'requests'} | ${10}  | ${10}  | ${5}   | ${'later'} | ${'ten went in the last minute'}
    ${'requests'} | ${0}   | ${0}   | ${5}   | ${'never'} | ${'zero never has room'}
    ${'tokens'}   | ${100} | ${60}  | ${40}  | ${'pass'}  | ${'it fits to the token'}
    ${'tokens'}   | ${100} | ${61}  | ${40}  | ${'later'} | ${'a token is missing'}
    ${'tokens'}   | ${100} | ${0}   | ${900} | ${'pass'}  | ${'what is more than the limit counts as the limit'}
    ${'tokens'}   | ${100} | ${1}   | ${900} | ${'later'} | ${'but then nothing else may count'}
    ${'tokens'}   | ${100} | ${100} | ${1}   | ${'later'} | ${'the limit is used up'}
    ${'tokens'}   | ${100} | ${250} | ${1}   | ${'later'} | ${'calls under way used more than they took'}
    ${'running'}  | ${2}   | ${1}   | ${5}   | ${'pass'}  | ${'one is under way'}
    ${'running'}  | ${2}   | ${2}   | ${5}   | ${'later'} | ${'two are under way'}
  `(
    '$verdict: $unit $used of $limit, $tokens tokens, because $because',
    ({ unit, limit, used, tokens, verdict }) => {
      const { denials } = asking([rate({ unit, limit, used })], tokens);
      const outcome = denials.length ? (denials[0]!.temporary ? 'later' : 'never') : 'pass';
      expect(outcome).toBe(verdict);
    },
  );

  it('names whose limit it is, which model it is for, and every one that is full', () => {
    const { denials, rates } = asking([
      rate({ used: 10 }),
      rate({ used: 3 }),
      rate({ unit: 'tokens', used: 10, model: 'm', scope: { kind: 'key', id: 'k' } }),
    ]);
    expect(denials.map(({ scope, message }) => [scope, message])).toEqual([
      [{ kind: 'team', id: 't' }, expect.stringContaining('requests per minute limit=10, used=10')],
      [{ kind: 'key', id: 'k' }, expect.stringContaining('model=m: tokens per minute')],
    ]);
    expect(rates).toHaveLength(3);
  });

  it('says what the call takes of a token limit, and what it may use', () => {
    const { denials, rates } = asking([rate({ unit: 'tokens', limit: 60_000, used: 40_000 })], 24_000, 73_600); // prettier-ignore
    expect(denials[0]!.message).toContain('limit=60000, used=40000, this call needs 24000. It may use up to 73600 tokens.'); // prettier-ignore
    for (const one of [denials[0]!.rate, rates![0]])
      expect(one).toMatchObject({ needed: 24_000, bound: 73_600 });
  });

  it('asks nothing where no model is called', () => {
    const facts = someFacts({ rates: [rate({ used: 10 })], route: aRoute({ callsModel: false }) });
    expect(rateLimitsHaveRoom(facts).denials).toEqual([]);
  });
});
