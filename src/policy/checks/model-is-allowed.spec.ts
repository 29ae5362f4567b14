import { describe, expect, it } from 'vitest';
import { compileModelList } from '../model-list.js';
import { aModel, aParty, aRequest, someFacts } from '../fixtures.testing.js';
import { modelIsAllowed } from './model-is-allowed.js';

const KINDS = ['key', 'member', 'team', 'user', 'organization'] as const;

describe.each(KINDS)('modelIsAllowed, for a %s', (kind) => {
  it.each`
    models                             | requested                  | allowed  | because
    ${null}                            | ${'gpt-4o'}                | ${true}  | ${'no list is no restriction'}
    ${[]}                              | ${'gpt-4o'}                | ${true}  | ${'an empty list is no restriction (LiteLLM)'}
    ${['gpt-4o']}                      | ${'gpt-4o'}                | ${true}  | ${'it is listed'}
    ${['gpt-4o']}                      | ${'gpt-4o-mini'}           | ${false} | ${'another one is listed'}
    ${['gpt-4o']}                      | ${'GPT-4o'}                | ${false} | ${'names are exact: no case folding'}
    ${['gpt-4o']}                      | ${' gpt-4o'}               | ${false} | ${'names are exact: no trimming'}
    ${['gpt-4o']}                      | ${'gpt-4o.'}               | ${false} | ${'names are exact'}
    ${['*']}                           | ${'anything'}              | ${true}  | ${'* is everything'}
    ${['all-proxy-models']}            | ${'anything'}              | ${true}  | ${'so is all-proxy-models'}
    ${['all-team-models']}             | ${'anything'}              | ${true}  | ${'the team is asked anyway'}
    ${['no-default-models']}           | ${'anything'}              | ${false} | ${'it names no model'}
    ${['no-default-models']}           | ${'no-default-models'}     | ${false} | ${'it is not a model itself'}
    ${['no-default-models', 'gpt-4o']} | ${'gpt-4o'}                | ${true}  | ${'it is listed beside it'}
    ${['openai/*']}                    | ${'openai/gpt-4o'}         | ${true}  | ${'the provider is open'}
    ${['openai/*']}                    | ${'openaiz/gpt-4o'}        | ${false} | ${'that is another provider'}
    ${['bedrock/us.*']}                | ${'bedrock/us.amazon.n:0'} | ${true}  | ${'the star is a suffix'}
    ${['bedrock/claude-3-5-*']}        | ${'bedrock/claude-3-6-x'}  | ${false} | ${'the text before the star differs'}
    ${['gpt-4.o']}                     | ${'gpt-4xo'}               | ${false} | ${'a dot is a dot, not a regular expression'}
    ${['.*']}                          | ${'gpt-4o'}                | ${false} | ${'.* is a dot and anything'}
    ${['beta-models']}                 | ${'gpt-4o'}                | ${false} | ${'a group without this model'}
  `('$requested of $models: $allowed, because $because', ({ models, requested, allowed }) => {
    const facts = someFacts({
      parties: [aParty({ kind, id: 'x', models: compileModelList(models) })],
      request: aRequest({ model: aModel(requested) }),
    });
    expect(modelIsAllowed(facts).denials.map(({ code }) => code)).toEqual(
      allowed ? [] : ['model_not_allowed'],
    );
  });

  it('knows access groups', () => {
    const names = { names: ['gpt-4o'], groups: ['beta-models'] };
    const facts = someFacts({
      parties: [aParty({ kind, id: 'x', models: compileModelList(['beta-models']) })],
      request: aRequest({ model: aModel('gpt-4o', { aliasedNames: names, globalNames: names }) }),
    });
    expect(modelIsAllowed(facts).denials).toEqual([]);
  });

  it('admits a bare name through its provider', () => {
    const names = { names: ['gpt-4o'], groups: [], qualifiedName: 'openai/gpt-4o' };
    const facts = someFacts({
      parties: [aParty({ kind, id: 'x', models: compileModelList(['openai/*']) })],
      request: aRequest({ model: aModel('gpt-4o', { aliasedNames: names, globalNames: names }) }),
    });
    expect(modelIsAllowed(facts).denials).toEqual([]);
  });
});

/**
 * Expected results: `personal` as LiteLLM 1.108.7's `can_user_call_model` returns (200 or 403), `ofTeam` as this gateway
 * decides for a team's key.
 */
describe('a user’s list', () => {
  it.each`
    models                                       | personal | ofTeam
    ${[]}                                        | ${true}  | ${true}
    ${['all-proxy-models']}                      | ${true}  | ${true}
    ${['mini']}                                  | ${false} | ${false}
    ${['no-default-models']}                     | ${false} | ${true}
    ${['no-default-models', 'gpt-4o']}           | ${false} | ${true}
    ${['no-default-models', 'all-proxy-models']} | ${false} | ${true}
    ${['no-default-models', 'all-team-models']}  | ${false} | ${true}
    ${['no-default-models', '*']}                | ${false} | ${true}
    ${['all-team-models']}                       | ${false} | ${true}
    ${['mini', 'all-team-models']}               | ${false} | ${true}
    ${['gpt-4o', 'all-team-models']}             | ${true}  | ${true}
  `('$models: personal $personal, of a team $ofTeam', ({ models, personal, ofTeam }) => {
    const allows = (hasTeam: boolean) => {
      const list = compileModelList(models, { hasTeam, ofUser: true });
      const parties = [aParty({ kind: 'user', id: 'u', models: list })];
      return !modelIsAllowed(someFacts({ parties, request: aRequest({ model: aModel('gpt-4o') }) })).denials
        .length;
    };
    expect([allows(false), allows(true)]).toEqual([personal, ofTeam]);
  });

  it('`all-team-models` of a key opens nothing where there is no team', () => {
    const list = compileModelList(['all-team-models', 'mini'], { hasTeam: false });
    const allows = (name: string) =>
      !modelIsAllowed(
        someFacts({ parties: [aParty({ models: list })], request: aRequest({ model: aModel(name) }) }),
      ).denials.length;
    expect([allows('gpt-4o'), allows('mini')]).toEqual([false, true]);
  });
});

describe('a level that lets a model in by groups alone leaves the deployments of those groups', () => {
  const groups = ['eu', 'us', 'fast'];
  const names = { names: ['dup'], groups };
  const dup = aModel('dup', {
    aliasedNames: names,
    globalNames: names,
    deploymentGroups: [['eu'], ['us'], ['us', 'fast']],
  });
  it.each([
    [[['eu']], true],
    [[['eu'], ['us']], false],
    [[['eu'], ['fast', 'dup']], true],
    [[['us'], ['fast']], true],
    [[['us', 'eu'], ['fast'], ['eu']], false],
    [[['eu'], ['*']], true],
  ])('levels %j: %s', (levels, allowed) => {
    const kinds = ['key', 'team', 'organization'] as const;
    const parties = levels.map((models, i) =>
      aParty({ kind: kinds[i]!, id: 'x', models: compileModelList(models) }),
    );
    expect(!modelIsAllowed(someFacts({ parties, request: aRequest({ model: dup }) })).denials.length).toBe(
      allowed,
    );
  });
});

describe('modelIsAllowed', () => {
  it.each([
    ['key', true],
    ['member', true],
    ['team', true],
    ['user', false],
    ['organization', false],
  ] as const)("a team's alias counts for a %s's list: %s", (kind, counts) => {
    const model = aModel('cheap', {
      name: 'dear',
      aliasedNames: { names: ['cheap', 'dear'], groups: [] },
      globalNames: { names: ['dear'], groups: [] },
    });
    const facts = someFacts({
      parties: [aParty({ kind, id: 'x', models: compileModelList(['cheap']) })],
      request: aRequest({ model }),
    });
    expect(modelIsAllowed(facts).denials.length === 0).toBe(counts);
  });

  it.each([
    ['team', 't1', true],
    ['team', 't2', false],
    ['key', 't1', false],
  ] as const)('a model made for a team need not be on its list: %s %s: %s', (kind, id, allowed) => {
    const facts = someFacts({
      parties: [aParty({ kind, id, models: compileModelList(['no-default-models']) })],
      request: aRequest({ model: aModel('ours', { ofTeam: 't1' }) }),
    });
    expect(modelIsAllowed(facts).denials.length === 0).toBe(allowed);
  });

  it('tells the first party that refuses, in the seed’s words', () => {
    const facts = someFacts({
      parties: [aParty({ kind: 'team', id: 't1', models: compileModelList(['a', 'b']) })],
      request: aRequest({ model: aModel('c') }),
    });
    expect(modelIsAllowed(facts).denials).toMatchObject([
      {
        message:
          'Team=t1 not allowed to call model=c. Allowed team models = [a, b]. The credential is valid: only the model is refused.',
        param: 'model',
        scope: { kind: 'team', id: 't1' },
      },
    ]);
  });
});
