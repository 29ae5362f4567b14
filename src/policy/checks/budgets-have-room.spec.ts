import { describe, expect, it } from 'vitest';
import { aBudget, aModel, aParty, aRequest, aRoute, aDemand, someFacts, usd } from '../fixtures.testing.js';
import { ceilingOf } from '../ceiling.js';
import { unitPrice } from '../price.js';
import { budgetsHaveRoom } from './budgets-have-room.js';

const calling = (minimum: number) => aRequest({ model: aModel('m', { demand: aDemand(minimum) }) });

describe('budgetsHaveRoom', () => {
  it.each`
    limit | spent  | held   | minimum        | verdict    | because
    ${10} | ${0}   | ${0}   | ${1}           | ${'pass'}  | ${'nothing is spent yet'}
    ${10} | ${9}   | ${0}   | ${1}           | ${'pass'}  | ${'the last dollar may be spent'}
    ${10} | ${9}   | ${0}   | ${1.000000001} | ${'never'} | ${'a nano-dollar is missing'}
    ${10} | ${10}  | ${0}   | ${0.000000001} | ${'never'} | ${'the last nano-dollar is gone'}
    ${10} | ${8}   | ${1.5} | ${1}           | ${'later'} | ${"only others' holds are in the way"}
    ${10} | ${9.5} | ${0.5} | ${1}           | ${'never'} | ${'it would not fit without holds either'}
    ${0}  | ${0}   | ${0}   | ${0.000000001} | ${'never'} | ${'a zero budget allows nothing that costs'}
    ${10} | ${12}  | ${0}   | ${1}           | ${'never'} | ${'the limit was lowered below the spend'}
  `(
    '$verdict: $spent + $held + $minimum of $limit, because $because',
    ({ limit, spent, held, minimum, verdict }) => {
      const team = aParty({ kind: 'team', id: 't1', budgets: [aBudget(limit, spent, held)] });

      const { denials } = budgetsHaveRoom(someFacts({ parties: [team], request: calling(minimum) }));

      expect(denials.map(({ temporary }) => (temporary ? 'later' : 'never'))).toEqual(
        verdict === 'pass' ? [] : [verdict],
      );
    },
  );

  it.each(['key', 'member', 'team', 'user', 'organization', 'end_user', 'global'] as const)(
    'is one rule for every level: %s',
    (kind) => {
      const { denials } = budgetsHaveRoom(
        someFacts({ parties: [aParty({ kind, id: 'x', budgets: [aBudget(1, 1)] })], request: calling(1) }),
      );
      expect(denials).toMatchObject([{ code: 'budget_exceeded', scope: { kind, id: 'x' } }]);
    },
  );

  it('lets a free model pass when every budget is gone', () => {
    const parties = [aParty({ budgets: [aBudget(0)] })];
    const request = aRequest({ model: aModel('m', { price: 'free' }) });
    expect(budgetsHaveRoom(someFacts({ parties, request })).denials).toEqual([]);
  });

  it('has nothing to say on a route that calls no model', () => {
    const parties = [aParty({ budgets: [aBudget(0)] })];
    expect(
      budgetsHaveRoom(someFacts({ parties, request: calling(1), route: aRoute({ callsModel: false }) }))
        .denials,
    ).toEqual([]);
  });

  it('leaves it to the hold where balances are not known here', () => {
    const parties = [aParty({ budgets: [aBudget(1, 1)] })];
    const facts = someFacts({ parties, request: calling(1), balances: 'unknownUntilHold' });
    expect(budgetsHaveRoom(facts)).toEqual({ denials: [] });
  });

  it('tells every account that lacks room, and the numbers of all', () => {
    const parties = [
      aParty({ budgets: [aBudget(5, 5), aBudget(9, 1)] }),
      aParty({ kind: 'user', id: 'u1', budgets: [aBudget(3, 1, 2)] }),
    ];
    const { denials, budgets } = budgetsHaveRoom(someFacts({ parties, request: calling(1) }));
    expect(denials.map(({ scope, temporary }) => [scope!.kind, temporary])).toEqual([
      ['key', false],
      ['user', true],
    ]);
    expect(budgets).toHaveLength(3);
  });

  it.each([
    ['used up', aBudget(5, 5), 1, {}, 'Key=k over budget. Spend=5, Budget=5; this call needs up to 1.'],
    ['lowered', aBudget(5, 6), 1, {}, 'Key=k over budget. Spend=6, Budget=5; this call needs up to 1.'],
    [
      'too small for the answer',
      aBudget(5, 4.6),
      0.721416,
      {},
      'Key=k has 0.4 left of its budget, and this call needs up to 0.721416. Spend=4.6, Budget=5. Lower the output limit of the call (max_tokens; with thinking also thinking.budget_tokens), or raise the budget.',
    ],
    [
      'too small for the prompt',
      aBudget(5, 4),
      2,
      { inputNanoUsd: usd(1.5) },
      'Key=k has 1 left of its budget, and this call needs up to 2. Spend=4, Budget=5. The prompt alone may cost 1.5: send a shorter one, or raise the budget.',
    ],
    [
      'too small for web searches',
      aBudget(5, 4),
      2,
      { inputNanoUsd: usd(1.5), tokens: { inputTokens: 0, outputTokens: 0, webSearches: 3 } },
      'Key=k has 1 left of its budget, and this call needs up to 2. Spend=4, Budget=5. The prompt with 3 web searches may cost 1.5: leave out the tool \'web_search\' (Codex: `web_search = "disabled"` in its config.toml), or raise the budget.',
    ],
    [
      'too small for an image',
      aBudget(5, 4),
      2,
      { isWhole: true as const },
      'Key=k has 1 left of its budget, and this call needs up to 2. Spend=4, Budget=5. Ask for less, or raise the budget.',
    ],
    [
      'held by others',
      aBudget(5, 0, 4.5),
      1,
      {},
      'Key=k has no room in its budget at this moment. Spend=0, Budget=5. Calls in flight hold 4.5 of the rest; this one needs 1. Try again when they are done.',
    ],
  ])('says of a budget that is %s what is left and what would help', (_, budget, minimum, demand, text) => {
    const request = aRequest({ model: aModel('m', { demand: { ...aDemand(minimum), ...demand } }) });
    const parties = [aParty({ id: 'k', budgets: [budget] })];
    const { denials } = budgetsHaveRoom(someFacts({ parties, request }));
    expect(denials.map(({ message }) => message)).toEqual([`ExceededBudget: ${text}`]);
  });

  it.each([
    ['for good', aBudget(5, 4.5), { asked: 32_000, least: 8_000, fits: 5_000 }, /What is left pays for 5000 output tokens; this call asks for 32000 and takes no less than 8000\. Lower the output limit/],
    ['for now', aBudget(5, 0, 4.5), { asked: 32_000, least: 8_000, fits: 5_000 }, /Try again when they are done\.$/],
    ['because of the prompt', aBudget(5, 5), { asked: 32_000, least: 8_000, fits: 0 }, /needs up to 0\.8\.$/],
  ])('says in tokens what is asked for, taken at least and left: refused %s', (_, budget, output, text) => {
    const demand = {
      ...aDemand(0.8, 3.2),
      tokens: { inputTokens: 0, outputTokens: 32_000 },
      reachable: ceilingOf([{ input: unitPrice(0)!, output: unitPrice(0.000_1)! }]),
    };
    const request = aRequest({ model: aModel('m', { demand }) });
    const { denials } = budgetsHaveRoom(someFacts({ parties: [aParty({ budgets: [budget] })], request }));
    expect(denials[0]!.budget!.call).toEqual({ wantedNanoUsd: usd(3.2), output });
    expect(denials[0]!.message).toMatch(text);
  }); // prettier-ignore

  it('says when a window ends', () => {
    const window = { duration: '1d', start: new Date('2026-01-01'), end: new Date('2026-01-02') };
    const parties = [aParty({ id: 'k', budgets: [aBudget(5, 5, 0, window)] })];
    const { denials } = budgetsHaveRoom(someFacts({ parties, request: calling(1) }));
    expect(denials[0]!.message).toBe(
      'ExceededBudget: Key=k over 1d budget. Spend=5, Budget=5; this call needs up to 1. The budget resets at 2026-01-02T00:00:00.000Z.',
    );
  });

  it.each`
    limit | spent | minimum | prompt | verdict    | because
    ${10} | ${0}  | ${20}   | ${15}  | ${'later'} | ${'counted, its prompt may be smaller'}
    ${10} | ${0}  | ${20}   | ${5}   | ${'never'} | ${'there is no room for the rest of it either'}
    ${10} | ${10} | ${20}   | ${20}  | ${'never'} | ${'the budget is used up'}
  `(
    'a prompt that could not be counted, $minimum with $prompt of it the prompt, is refused $verdict: $because',
    ({ limit, spent, minimum, prompt, verdict }) => {
      const demand = { ...aDemand(minimum), inputNanoUsd: usd(prompt), isUncounted: true as const };
      const parties = [aParty({ kind: 'key', id: 'k', budgets: [aBudget(limit, spent)] })];
      const { denials } = budgetsHaveRoom(
        someFacts({ parties, request: aRequest({ model: aModel('m', { demand }) }) }),
      );
      expect(denials.map(({ temporary }) => (temporary ? 'later' : 'never'))).toEqual([verdict]);
    },
  );
});
