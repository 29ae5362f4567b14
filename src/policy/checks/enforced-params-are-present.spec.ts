import { describe, expect, it } from 'vitest';
import { aRequest, aRoute, someFacts } from '../fixtures.testing.js';
import { enforcedParamsArePresent } from './enforced-params-are-present.js';

describe('enforcedParamsArePresent', () => {
  it.each`
    enforced                        | params                                  | missing                       | because
    ${[]}                           | ${{}}                                   | ${undefined}                  | ${'nothing is enforced'}
    ${['user']}                     | ${{ user: 'u' }}                        | ${undefined}                  | ${'it is there'}
    ${['user']}                     | ${{}}                                   | ${'user'}                     | ${'it is not'}
    ${['user']}                     | ${{ user: null }}                       | ${'user'}                     | ${'null is absent'}
    ${['metadata.generation_name']} | ${{ metadata: { generation_name: 1 } }} | ${undefined}                  | ${'the path is walked'}
    ${['metadata.generation_name']} | ${{}}                                   | ${'metadata.generation_name'} | ${'its first step is missing'}
    ${['metadata.generation_name']} | ${{ metadata: {} }}                     | ${'metadata.generation_name'} | ${'its second step is missing'}
    ${['metadata.generation_name']} | ${{ metadata: 'generation_name' }}      | ${'metadata.generation_name'} | ${'a string is no object (the seed found it there)'}
    ${['metadata.a']}               | ${{ metadata: null }}                   | ${'metadata.a'}               | ${'null is no object (the seed broke)'}
    ${['a.b.c']}                    | ${{ a: { b: { c: 0 } } }}               | ${undefined}                  | ${'any depth'}
    ${['a.b.c']}                    | ${{ a: { b: {} } }}                     | ${'a.b.c'}                    | ${'any depth'}
    ${['a.toString']}               | ${{ a: {} }}                            | ${'a.toString'}               | ${'inherited names are not given'}
  `('$enforced in $params: missing $missing, because $because', ({ enforced, params, missing }) => {
    const facts = someFacts({
      request: aRequest({ params }),
      settings: { enforceUserParam: false, enforcedParams: enforced },
    });
    expect(enforcedParamsArePresent(facts).denials.map(({ param }) => param)).toEqual(
      missing ? [missing] : [],
    );
  });

  it('speaks of calls that spend only', () => {
    const settings = { enforceUserParam: false, enforcedParams: ['user'] };
    expect(
      enforcedParamsArePresent(someFacts({ settings, route: aRoute({ method: 'GET' }) })).denials,
    ).toEqual([]);
    expect(
      enforcedParamsArePresent(someFacts({ settings, route: aRoute({ callsModel: false }) })).denials,
    ).toEqual([]);
  });
});
