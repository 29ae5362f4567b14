import { describe, expect, it } from 'vitest';
import { firstRefusing } from '../policy/checks/model-is-allowed.js';
import { aModel, aParty } from '../policy/fixtures.testing.js';
import { groupLevels } from '../policy/group-levels.js';
import { compileModelList } from '../policy/model-list.js';
import { CatalogueSnapshot } from './catalogue.js';
import { type Deployment, makeDeployment } from './deployment.js';

const noAliases = { teamAliases: {}, keyAliases: {} };
const deployment = (modelName: string, model = `openai/${modelName}`, info: object = {}) =>
  makeDeployment(
    { modelName, litellmParams: { model, api_base: 'http://127.0.0.1:1' }, modelInfo: { id: modelName, ...info } },
    1_000,
  ) as Deployment; // prettier-ignore
const priced = { input_cost_per_token: 0.001, output_cost_per_token: 0.002 };
const free = { input_cost_per_token: 0, output_cost_per_token: 0 };

describe('a name', () => {
  const catalogue = new CatalogueSnapshot(
    [
      deployment('exact', 'openai/exact', { ...priced, access_groups: ['g1'] }),
      deployment('exact', 'openai/exact-2', { input_cost_per_token: 0.005, output_cost_per_token: 0, access_groups: ['g2'] }), // prettier-ignore
      deployment('free', 'openai/free', free),
      deployment('half', 'openai/half', priced),
      deployment('half', 'openai/half-unknown'),
      deployment('openai/*', 'openai/*', priced),
      deployment('openai/special-*', 'openai/up-*', free),
    ],
    { fast: 'exact', loop: 'loop' },
  );
  const facts = (name: string, aliases: Partial<typeof noAliases> = {}) => catalogue.modelFacts(name, { ...noAliases, ...aliases }); // prettier-ignore

  it('means its own deployments, all of them', () => {
    expect(catalogue.resolve('exact').map(({ upstreamName }) => upstreamName)).toEqual(['exact', 'exact-2']);
    expect(facts('exact')).toMatchObject({
      known: true,
      price: 'priced',
      aliasedNames: { groups: ['g1', 'g2'] },
    });
    expect(catalogue.ceilingOf('exact')).toMatchObject({ input: 5n * 10n ** 27n, output: 2n * 10n ** 27n });
  });

  it('else the most specific wildcard’s, with what the star stood for', () => {
    expect(catalogue.resolve('openai/special-x')[0]!.upstreamName).toBe('up-x');
    expect(catalogue.resolve('openai/$&')[0]!.upstreamName).toBe('$&');
    expect(catalogue.resolve('other/x')).toEqual([]);
    expect(catalogue.resolve('openai/*')).toEqual([]);
  });

  it('is free, priced, or unknown as soon as one deployment is', () => {
    expect(['free', 'exact', 'half', 'openai/special-y', 'nobody'].map((name) => facts(name).price)).toEqual([
      'free',
      'priced',
      'unknown',
      'free',
      'unknown',
    ]);
    expect(catalogue.unpriced()).toEqual(['half']);
  });

  it('may be an alias: the team’s, then the key’s, then the proxy’s, each followed once', () => {
    expect(facts('fast').name).toBe('exact');
    expect(facts('a', { teamAliases: { a: 'b' }, keyAliases: { b: 'fast' } }).name).toBe('exact');
    expect(facts('a', { keyAliases: { a: 'b' }, teamAliases: { b: 'exact' } }).name).toBe('b');
    expect(facts('loop').name).toBe('loop');
    expect(facts('toString', {}).known).toBe(false);
  });

  it('that a key made up opens no list', () => {
    const { aliasedNames: near, globalNames: wide } = facts('allowed-name', {
      keyAliases: { 'allowed-name': 'exact' },
    });
    expect([near.names, wide.names]).toEqual([['exact'], ['exact']]);
  });

  it('that a team made up opens the team’s list and the key’s, no wider one', () => {
    const { aliasedNames: near, globalNames: wide } = facts('ours', { teamAliases: { ours: 'exact' } });
    expect([near.names, wide.names]).toEqual([['ours', 'exact'], ['exact']]);
  });

  it('is listed unless it is a wildcard; the proxy’s aliases too', () => {
    expect(catalogue.names()).toEqual(['exact', 'free', 'half', 'fast', 'loop']);
  });
});

it('served is a name, a wildcard, what one matches, or an alias', () => {
  const catalogue = new CatalogueSnapshot([deployment('a'), deployment('x/*', 'openai/*')], { alias: 'a' });
  for (const name of ['a', 'x/*', 'x/y', 'alias']) expect([name, catalogue.serves(name)]).toEqual([name, true]);
  for (const name of ['b', 'x', 'constructor', '__proto__']) expect([name, catalogue.serves(name)]).toEqual([name, false]);
}); // prettier-ignore

describe('a model of one team', () => {
  const catalogue = new CatalogueSnapshot(
    [deployment('shared', 'openai/shared', free), deployment('shared', 'openai/own', { id: 'own', team_id: 't1', ...free })],
    { also: 'shared' },
  );
  const facts = (name: string, teamId: string | null, aliases: Partial<typeof noAliases> = {}) =>
    catalogue.modelFacts(name, { ...noAliases, ...aliases }, teamId);
  const upstream = (name: string, teamId: string | null) => {
    const { known, name: called } = facts(name, teamId);
    return known ? catalogue.resolve(called).map(({ upstreamName }) => upstreamName) : [];
  };

  it('comes before everyone’s for its team, and for nobody else', () => {
    expect([upstream('shared', 't1'), upstream('shared', 't2'), upstream('shared', null)]).toEqual([['own'], ['shared'], ['shared']]);
  });

  it('is nobody’s by the name it has among all models, but its team’s', () => {
    const { name } = facts('shared', 't1');
    expect([upstream(name, 't1'), upstream(name, 't2'), upstream(name, null)]).toEqual([['own'], [], []]);
    expect([catalogue.names(), catalogue.names('t1')]).toEqual([['shared', 'also'], ['shared', 'also']]);
  });

  it('says its public name to the lists of its team only', () => {
    const { aliasedNames: near, globalNames: wide, name, ofTeam } = facts('shared', 't1');
    expect({ near: near.names, wide: wide.names, ofTeam }).toEqual({ near: ['shared', name], wide: [name], ofTeam: 't1' });
    expect(facts('mine', 't1', { keyAliases: { mine: 'shared' } }).name).toBe(name);
  });
}); // prettier-ignore

describe('the groups of a name', () => {
  const catalogue = new CatalogueSnapshot(
    [deployment('a', 'openai/a', { id: 'd1', access_groups: ['tag'] }), deployment('b'), deployment('x/*', 'openai/*')],
    { alias: 'b' },
    [
      { tokens: ['names', 'id-1'], models: ['b'], deploymentIds: [] },
      { tokens: ['globs', 'id-2'], models: ['x/*', 'openai/gpt-4o*'], deploymentIds: [] },
      { tokens: ['single', 'id-3'], models: [], deploymentIds: ['d1'] },
      { tokens: ['nested', 'id-4'], models: ['tag'], deploymentIds: [] },
      { tokens: ['all', 'id-5'], models: ['all-proxy-models'], deploymentIds: [] },
      { tokens: ['none', 'id-6'], models: [], deploymentIds: [] },
    ],
  );

  it.each([
    ['a', ['tag', 'nested', 'id-4', 'single', 'id-3', 'all', 'id-5']],
    ['b', ['names', 'id-1', 'all', 'id-5']],
    ['alias', ['names', 'id-1', 'all', 'id-5']],
    ['x/y', ['globs', 'id-2', 'all', 'id-5']],
    ['nobody', []],
  ])('%s: %j', (name, groups) => {
    expect(catalogue.modelFacts(name, noAliases).aliasedNames.groups).toEqual(groups);
  });

  it('are also those that list an alias of it: they contain all its deployments', () => {
    const twice = new CatalogueSnapshot(
      [deployment('m', 'openai/eu', { id: 'd1', access_groups: ['eu'] }), deployment('m', 'openai/us', { id: 'd2' })],
      { fast: 'm' },
      [{ tokens: ['team', 'id-1'], models: ['f*'], deploymentIds: [] }],
    );
    const allowed = (requested: string, ...models: string[]) => {
      const facts = twice.modelFacts(requested, { teamAliases: { ours: 'fast' }, keyAliases: { own: 'm', frob: 'm' } });
      const parties = [aParty({ models: compileModelList(models) })];
      const within = groupLevels(parties, facts);
      return firstRefusing(parties, { ...aModel(requested), ...facts })
        ? []
        : twice.resolve(facts.name, within).map(({ upstreamName }) => upstreamName);
    };
    expect(allowed('fast', 'id-1')).toEqual(['eu', 'us']);
    expect(allowed('fast', 'team', 'eu')).toEqual(['eu', 'us']);
    expect(allowed('fast', 'eu')).toEqual(['eu']);
    expect(allowed('m', 'team')).toEqual([]);
    expect(allowed('frob', 'team')).toEqual([]);
  });
}); // prettier-ignore

describe('the longest answers of a name', () => {
  const answers = (model: string, ...infos: object[]) =>
    new CatalogueSnapshot(
      infos.map((info) => deployment('m', model, info)),
      {},
    ).limits('m').answers;
  const unknown = 'openai/nobody-knows';
  const at = { limitMember: 'max_tokens' };

  it.each<[string, object[], object[]]>([
    ['are what is told', [{ max_output_tokens: 10, max_tokens: 20, max_input_tokens: 30 }], [{ maxOutputTokens: 10, contextTokens: 30 }]],
    ['… under LiteLLM’s older name', [{ max_tokens: 20 }], [{ maxOutputTokens: 20 }]],
    ['are not the context window', [{ max_input_tokens: 30 }], [{ contextTokens: 30 }]],
    ['are each deployment’s own', [{ max_output_tokens: 10 }, {}], [{ maxOutputTokens: 10 }, {}]],
    ['are told once where they are alike', [{ max_output_tokens: 10 }, { max_output_tokens: 10 }], [{ maxOutputTokens: 10 }]],
  ])('%s', (_, infos, expected) =>
    expect(answers(unknown, ...infos)).toEqual(expected.map((one) => ({ ...one, ...at })))); // prettier-ignore

  it.each([
    ['openai/gpt-4o', 16_384],
    ['openai/gpt-4o-mini', 16_384],
    ['openai/gpt-4.1', 32_768],
    ['openai/gpt-5', 128_000],
    ['openai/ft:gpt-4o-2024-08-06:acme::1', 16_384],
    ['anthropic/claude-sonnet-4-5', 64_000],
    ['openrouter/anthropic/claude-sonnet-4.5', 64_000],
    ['deepseek/deepseek-chat', 8_192],
  ])('%s: %i, as documented', (model, most) => {
    expect(answers(model, {})[0]).toMatchObject({ maxOutputTokens: most });
    expect(answers(model, {})[0]).not.toHaveProperty('answersFillContext');
    expect(answers(model, { max_output_tokens: 7 })[0]).toMatchObject({ maxOutputTokens: 7 });
  });

  it('a documented maximum that is the context leaves less beside a prompt', () => {
    const fills = { maxOutputTokens: 262_144, answersFillContext: true };
    expect(answers('mistral/mistral-large-latest', {})[0]).toMatchObject(fills);
    expect(answers('mistral/mistral-large-latest', { max_output_tokens: 9 })[0]).not.toHaveProperty(
      'answersFillContext',
    );
  });

  it('a wildcard’s are those of the name asked for', () => {
    const catalogue = new CatalogueSnapshot(
      [deployment('any/*', 'openai/*', {}), deployment('capped/*', 'openai/*', { max_output_tokens: 7 })],
      {},
    );
    expect(catalogue.limits('any/gpt-4o').answers).toEqual([
      { maxOutputTokens: 16_384, contextTokens: 128_000, ...at },
    ]);
    expect(catalogue.limits('capped/gpt-4o').answers[0]).toMatchObject({ maxOutputTokens: 7 });
  });
});

describe('a model that searches by itself', () => {
  const catalogue = new CatalogueSnapshot(
    [
      deployment('search', 'openai/gpt-4o-search-preview'),
      deployment('azure', 'azure/gpt-4o-mini-search-preview-2025-03-11'),
      deployment('paid', 'openai/gpt-4o-search-preview', { input_cost_per_request: 0.025, input_cost_per_token: 0 }),
      deployment('or/*', 'openrouter/*'),
      deployment('plain', 'openai/gpt-4o'),
    ],
    {},
  );
  it.each([
    ['search', 'model'],
    ['azure', 'model'],
    ['paid', undefined],
    ['or/vendor/x:online', 'model'],
    ['or/vendor/x:ONLINE', 'model'],
    ['or/vendor/x:online:free', 'model'],
    ['or/vendor/x:free:Online', 'model'],
    ['or/vendor/x:onlineish', undefined],
    ['or/openai/GPT-4o-search-preview', 'model'],
    ['or/vendor/x', undefined],
    ['plain', undefined],
  ])('%s has a fee: %s', (name, param) => expect(catalogue.limits(name).fee?.param).toBe(param));

  it('is no preset, in which anything may stand', () => {
    expect(catalogue.resolve('or/vendor/x@preset/mine')).toEqual([]);
    expect(catalogue.resolve('or/vendor/x')).toHaveLength(1);
  });

  it.each([
    'auto', 'openrouter/auto', 'openrouter/AUTO', 'openrouter/auto:online', 'openrouter/auto-beta', 'openrouter/free',
    'openrouter/fusion', 'switchpoint/router', 'model-router', 'vendor/model_router-2', 'vendor/x@PRESET/mine',
  ])('is no %s, which stands for any model', (name) => expect(catalogue.resolve(`or/${name}`)).toEqual([]));

  it.each(['vendor/autoglm', 'openrouter/horizon', 'auto/x', 'vendor/routerless'])('may be %s', (name) =>
    expect(catalogue.resolve(`or/${name}`)).toHaveLength(1));
}); // prettier-ignore

describe('a wildcard', () => {
  const served = (name: string, model: string) => new CatalogueSnapshot([deployment(name, model)], {});

  it.each([
    ['az-gpt', true],
    ['az-', false],
    ['az-.', false],
    ['az-..', false],
    ['az-...', true],
  ])('of Azure serves %s: %s', (name, isServed) => {
    expect(served('az-*', 'azure/*').modelFacts(name, noAliases).known).toBe(isServed);
  });

  it('does not stand for nothing', () => {
    expect(served('gpt*', 'openai/gpt*').modelFacts('gpt', noAliases).known).toBe(false);
    expect(served('gpt*', 'openai/gpt*').modelFacts('gpt-4', noAliases).known).toBe(true);
  });

  it('of every name routes each by its prefix, with its own provider’s key', () => {
    const everything = makeDeployment(
      { modelName: '*', litellmParams: { model: '*', api_key: 'sk-o' }, modelInfo: { id: 'all' } },
      1_000,
      { ANTHROPIC_API_KEY: 'sk-a' },
    ) as Deployment;
    const catalogue = new CatalogueSnapshot([everything], {});
    const target = (name: string) =>
      catalogue.resolve(name).map(({ id, origin, upstreamName, headers }) => [id, origin, upstreamName, headers['x-api-key'] ?? headers.authorization]); // prettier-ignore
    expect(target('gpt-4o')).toEqual([['all', 'https://api.openai.com', 'gpt-4o', 'Bearer sk-o']]);
    expect(target('anthropic/claude-sonnet-4-5')).toEqual([
      ['all', 'https://api.anthropic.com', 'claude-sonnet-4-5', 'sk-a'],
    ]);
    for (const name of ['groq/llama', 'bedrock/claude', 'nobody/x', 'llama3'])
      expect(target(name)).toEqual([]);
    expect(catalogue.priceOf('anthropic/claude-sonnet-4-5')).toBe('priced');
  });

  it('of OpenAI has no names of other providers', () => {
    const openAi = makeDeployment(
      { modelName: '*', litellmParams: { model: 'openai/*', api_key: 'k' }, modelInfo: { id: 'o' } },
      1_000,
    ) as Deployment;
    const catalogue = new CatalogueSnapshot([openAi], {});
    expect(catalogue.serves('gpt-4o')).toBe(true);
    for (const name of ['anthropic/claude-sonnet-4-5', 'bedrock/x', 'groq/llama'])
      expect([name, catalogue.serves(name)]).toEqual([name, false]);
    expect(new CatalogueSnapshot([deployment('*', 'openai/*')], {}).serves('anthropic/claude')).toBe(true);
  });
});

describe('the names that wildcards serve', () => {
  const wildcardNames = (...deployments: Deployment[]) =>
    new CatalogueSnapshot(deployments, {}).wildcardNames();
  const anyProvider = (variables: Record<string, string>) =>
    makeDeployment({ modelName: '*', litellmParams: { model: '*' }, modelInfo: { id: 'any' } }, 1_000, variables) as Deployment; // prettier-ignore

  it.each<[string, string, string[], string[]]>([
    ['openai/*', 'openai/*', ['openai/gpt-4o', 'openai/text-embedding-3-small', 'openai/omni-moderation-latest'], ['gpt-4o', 'openai/ft:gpt-4o-2024-08-06', 'openai/1024-x-1024/gpt-image-1', 'openai/gpt-realtime', 'openai/sora-2', 'openai/container']],
    ['gpt-*', 'openai/gpt-*', ['gpt-4o', 'gpt-5'], ['o3', 'openai/gpt-4o']],
    ['our-*-eu', 'openai/*-mini', ['our-gpt-4o-eu', 'our-o3-eu'], ['our-gpt-4o-mini-eu']],
    ['*', 'anthropic/*', ['claude-sonnet-4-5'], ['anthropic/claude-sonnet-4-5', 'gpt-4o']],
    ['anthropic/*', 'anthropic/*', ['anthropic/claude-sonnet-4-5'], []],
  ])('%s for %s', (glob, upstream, expected, others) => {
    const names = wildcardNames(deployment(glob, upstream));
    expect(names).toEqual(expect.arrayContaining(expected));
    for (const name of others) expect(names).not.toContain(name);
  }); // prettier-ignore

  it.each([
    ['openai/up-*', 'hosted_vllm/*'],
    ['any-*', 'openai/gpt-4o'],
    ['plain', 'openai/gpt-4o'],
  ])('are none for %s and %s', (glob, upstream) => {
    expect(wildcardNames(deployment(glob, upstream))).toEqual([]);
  });

  it('are those of the providers with a key, if a name chooses its provider', () => {
    const names = wildcardNames(anyProvider({ ANTHROPIC_API_KEY: 'sk-a' }));
    expect(names).toContain('anthropic/claude-sonnet-4-5');
    expect(names.filter((name) => !name.startsWith('anthropic/'))).toEqual([]);
  });

  it('are bounded, and leave out what is listed anyway', () => {
    const exact = deployment('openai/gpt-4o');
    expect(wildcardNames(deployment('openai/*', 'openai/*'), exact)).not.toContain('openai/gpt-4o');
    const many = Array.from({ length: 30 }, (_, i) => deployment(`p${i}/*`, 'openai/*'));
    expect(wildcardNames(...many)).toHaveLength(2_000);
  });
});

describe('a wildcard with several stars', () => {
  const upstream = (name: string, modelName: string, model: string) =>
    new CatalogueSnapshot([deployment(modelName, model)], {}).resolve(name)[0]?.upstreamName;

  it.each([
    ['fo::*:static::*', 'openai/fo::*:static::*', 'fo::hi:static::hi', 'fo::hi:static::hi'],
    ['fo::*:static::*', 'openai/fo::*:static::*', 'fo::a:b:static::', 'fo::a:b:static::'],
    ['*-eu-*', 'openai/*-west-*', 'x-eu-y-eu-z', 'x-eu-y-west-z'],
    ['one/*/two/*', 'openai/*/*', 'one/1/two/2/3', '1/2/3'],
    ['*/*', 'openai/*', 'openai/gpt-4o', 'gpt-4o'],
    ['*-eu-*', 'openai/fixed', 'x-eu-y', 'fixed'],
    ['a*b', 'openai/*', 'a$&b', '$&'],
    // With fewer stars behind, the whole name counts: without the provider before it, it names no model.
    ['a*b*c', 'openai/*', 'a1b2c', undefined],
    ['*/*', 'openai/*', 'anthropic/claude', undefined],
    ['*-eu-*', 'openai/*-west-*', '-eu-', undefined],
  ])('%s for %s serves %s as %s', (modelName, model, name, expected) => {
    expect(upstream(name, modelName, model)).toBe(expected);
  });

  it('lists the known models by the names that lead to them', () => {
    const names = new CatalogueSnapshot([deployment('our-*-eu-*', 'openai/*-4o-*')], {}).wildcardNames();
    expect(names).toContain('our-gpt-eu-mini');
    expect(names).not.toContain('our-gpt-4o-eu-mini');
  });

  it('is left out if some of the upstream’s stand for nothing', () => {
    expect(deployment('a-*', 'openai/*-*')).toEqual({
      problem: "litellm_params.model: has more * than model_name 'a-*'",
    });
  });
});

describe('a bare name', () => {
  const catalogue = new CatalogueSnapshot(
    [
      deployment('openai/*', 'openai/*', { access_groups: ['oai'], ...priced }),
      deployment('anthropic/*', 'anthropic/*', { access_groups: ['ant'] }),
      deployment('gpt-4o', 'openai/own-4o', free),
      deployment('openai/o1', 'openai/own-o1', { access_groups: ['priv'] }),
    ],
    { smart: 'claude-sonnet-4-5' },
    [{ tokens: ['stored', 'id-1'], models: ['openai/gpt-5*'], deploymentIds: [] }],
  );
  const facts = (name: string) => catalogue.modelFacts(name, noAliases);
  const upstreams = (name: string) => {
    const served = catalogue.resolve(facts(name).name);
    return served.map(({ provider, upstreamName }) => `${provider}/${upstreamName}`);
  };

  it.each([
    ['gpt-4o-mini', ['openai/gpt-4o-mini'], ['oai'], 'openai/gpt-4o-mini'],
    ['gpt-5', ['openai/gpt-5'], ['oai', 'stored', 'id-1'], 'openai/gpt-5'],
    ['ft:gpt-4o-mini:acme::x1', ['openai/ft:gpt-4o-mini:acme::x1'], ['oai'], 'openai/ft:gpt-4o-mini:acme::x1'],
    ['claude-sonnet-4-5', ['anthropic/claude-sonnet-4-5'], ['ant'], 'anthropic/claude-sonnet-4-5'],
    ['smart', ['anthropic/claude-sonnet-4-5'], ['ant'], 'anthropic/claude-sonnet-4-5'],
    ['openai/gpt-4o-mini', ['openai/gpt-4o-mini'], ['oai'], 'gpt-4o-mini'],
    // It has a deployment of its own, so the wildcard's model is another one.
    ['gpt-4o', ['openai/own-4o'], [], undefined],
    ['openai/gpt-4o', ['openai/gpt-4o'], ['oai'], undefined],
    // The deployment of exactly the name with its provider, in its groups.
    ['o1', ['openai/own-o1'], ['priv'], 'openai/o1'],
  ])('%s is served by %j in the groups %j, with the other name %s', (name, served, groups, otherName) => {
    expect(upstreams(name)).toEqual(served);
    expect(facts(name)).toMatchObject({ known: true, aliasedNames: { groups } });
    expect(facts(name).otherName).toBe(otherName);
  }); // prettier-ignore

  it('has the price of what is called', () => {
    expect([facts('gpt-4o-mini').price, catalogue.ceilingOf('gpt-4o-mini').input]).toEqual(['priced', 10n ** 27n]);
  }); // prettier-ignore

  it.each(['GPT-4o-mini', 'gpt-4o-mini ', 'ｇpt-4o-mini', 'nobody', 'gemini-2.5-pro', 'gpt-5,o3-mini', 'openai/gpt-5,o3-mini', '__proto__', 'constructor', 'openai', ''])(
    '“%s” reaches no wildcard',
    (name) => {
      expect(name.startsWith('openai/') || upstreams(name)).toEqual(name.startsWith('openai/') || []);
      if (name.includes(',')) expect(facts(name).known).toBe(false);
    },
  ); // prettier-ignore

  it('that a wildcard matches as it is goes there, as without a provider', () => {
    const both = new CatalogueSnapshot([deployment('*', 'hosted_vllm/*'), deployment('openai/*', 'openai/*')], {});
    expect(both.resolve('gpt-5').map(({ provider }) => provider)).toEqual(['hosted_vllm']);
    expect(both.modelFacts('openai/gpt-5', noAliases).otherName).toBeUndefined();
  }); // prettier-ignore

  it('with a comma is served where a deployment has exactly it', () => {
    const withComma = new CatalogueSnapshot([deployment('a,b', 'openai/x'), deployment('*', 'openai/*')], {});
    expect(['a,b', 'a,c'].map((name) => withComma.modelFacts(name, noAliases).known)).toEqual([true, false]);
  });
});

describe('the id of a deployment', () => {
  const catalogue = new CatalogueSnapshot(
    [
      deployment('m', 'openai/m-eu', { id: 'd-eu', access_groups: ['eu'], ...priced }),
      deployment('m', 'openai/m-us', { id: 'd-us', access_groups: ['us'], ...free }),
      deployment('x/*', 'openai/*', { id: 'd-any' }),
      deployment('own', 'openai/own', { id: 'd-own', team_id: 't1' }),
      deployment('d-us-2', 'openai/other', { id: 'd-name' }),
      deployment('n', 'openai/n', { id: 'd-us-2' }),
    ],
    { alias: 'd-eu' },
    [{ tokens: ['stored', 'id-1'], models: ['m'], deploymentIds: [] }],
  );
  const facts = (name: string, teamId: string | null = null) => catalogue.modelFacts(name, noAliases, teamId);

  it('calls this one, in its groups, by no pattern and under the limits of its name', () => {
    expect(catalogue.resolve('d-eu').map(({ upstreamName }) => upstreamName)).toEqual(['m-eu']);
    expect([facts('d-eu').price, facts('d-us').price]).toEqual(['priced', 'free']);
    const names = { names: [], groups: ['eu', 'stored', 'id-1'], deploymentId: 'd-eu' };
    expect(facts('d-eu')).toMatchObject({ otherName: 'm', aliasedNames: names, globalNames: names });
  });

  it('may be the target of an alias, which lists may name', () => {
    expect(facts('alias').globalNames).toEqual({ names: ['alias'], groups: ['eu', 'stored', 'id-1'], deploymentId: 'd-eu' });
  }); // prettier-ignore

  it('of a team’s model is for its team', () => {
    expect([facts('d-own', 't1').known, facts('d-own', 't2').known, facts('d-own').known]).toEqual([true, false, false]);
  }); // prettier-ignore

  it('of a wildcard calls nothing, and a name comes before an id', () => {
    expect(facts('d-any').known).toBe(false);
    expect(catalogue.resolve('d-us-2').map(({ upstreamName }) => upstreamName)).toEqual(['other']);
  });
});

it('a provider’s name leads to the public names behind it, but not to those of teams and wildcards', () => {
  const catalogue = new CatalogueSnapshot(
    [
      deployment('a', 'openai/gpt-4o-2024-08-06'),
      deployment('b', 'openai/gpt-4o-2024-08-06', { id: 'b2' }),
      deployment('own', 'openai/gpt-4o-2024-08-06', { id: 'o', team_id: 't1' }),
      deployment('x-*', 'openai/gpt-4o-2024-08-06', { id: 'x' }),
    ],
    {},
  );
  for (const name of ['gpt-4o-2024-08-06', 'openai/gpt-4o-2024-08-06'])
    expect(catalogue.namesOfUpstream(name)).toEqual(['a', 'b']);
  for (const name of ['a', 'azure/gpt-4o-2024-08-06', '__proto__'])
    expect(catalogue.namesOfUpstream(name)).toEqual([]);
});

it('a hidden alias can be called and is not listed', () => {
  const catalogue = new CatalogueSnapshot([deployment('m')], { h: 'm', shown: 'm' }, [], new Set(['h']));
  expect([catalogue.names(), catalogue.serves('h')]).toEqual([['m', 'shown'], true]);
});
