import { afterEach, describe, expect, it } from 'vitest';
import type { LitellmParams } from '../config/config.js';
import { costMap } from '../prices/cost-map.js';
import { forgetKnownModels } from '../prices/known-model.js';
import { type Deployment, makeDeployment, namedDeployment } from './deployment.js';
import { pricesOf } from './deployment-prices.js';

const at = (litellmParams: LitellmParams, modelInfo: object = {}): Deployment => {
  const found = makeDeployment(
    { modelName: 'm', litellmParams, modelInfo: { id: 'd', ...modelInfo } },
    60_000,
  );
  if ('problem' in found) throw new Error(found.problem);
  return found;
};
const shown = (params: LitellmParams, info?: object) => pricesOf(at(params, info));

describe('the prices of a deployment', () => {
  it('are those of the table, each with its source', () => {
    const { members, sources } = shown({ model: 'openai/gpt-5.4' });
    expect(members).toMatchObject({
      input_cost_per_token: 2.5e-6,
      input_cost_per_token_above_272k_tokens: 5e-6,
      cache_read_input_token_cost_flex: 1.3e-7,
      search_context_cost_per_query: { search_context_size_low: 0.01 },
    });
    expect(members).not.toHaveProperty('corrections');
    expect(members).not.toHaveProperty('regional_processing_uplift_multiplier_eu');
    expect(Object.keys(sources)).toEqual(Object.keys(members));
    expect(sources.input_cost_per_token).toEqual({ source: 'litellm' });
    expect(sources.search_context_cost_per_query).toEqual({
      source: 'tollgate',
      text: expect.stringContaining('OpenAI'),
    });
  });

  it('are its own before those of the table, and nothing else if it is free', () => {
    const own = shown(
      { model: 'openai/gpt-4o', cache_read_input_token_cost: 5e-7 },
      { cache_read_input_token_cost: 9e-7, input_cost_per_token: 3e-6, cost_center: 7 },
    );
    expect(own.members).toMatchObject({
      cache_read_input_token_cost: 5e-7,
      input_cost_per_token: 3e-6,
      output_cost_per_token: 1e-5,
    });
    expect(own.members).not.toHaveProperty('cost_center');
    expect(own.sources).toMatchObject({
      cache_read_input_token_cost: { source: 'file' },
      output_cost_per_token: { source: 'litellm' },
    });
    const free = { input_cost_per_token: 0, output_cost_per_token: 0 };
    expect(shown({ model: 'openai/gpt-4o', ...free }, { db_model: true })).toEqual({
      members: free,
      sources: {
        input_cost_per_token: { source: 'database' },
        output_cost_per_token: { source: 'database' },
      },
    });
  });

  it('have only what bills something of tiers, off-peak hours and factors', () => {
    const { members } = shown({
      model: 'hosted_vllm/x',
      api_base: 'http://vllm.example',
      tiered_pricing: [{ range: [0, 1000], input_cost_per_token: 1e-6, note: 'inside' }],
      off_peak_pricing: { hours_utc: '16:30-00:30', input_cost_per_token: 5e-7, note: 'inside' },
      provider_specific_entry: { fast: 6, note: 'inside' },
    } as unknown as LitellmParams);
    expect(members).toEqual({
      tiered_pricing: [{ range: [0, 1000], input_cost_per_token: 1e-6 }],
      off_peak_pricing: { hours_utc: '16:30-00:30', input_cost_per_token: 5e-7 },
      provider_specific_entry: { fast: 6 },
    });
  });

  it.each<[string, LitellmParams, number, string]>([
    ['a region of OpenAI', { model: 'openai/gpt-5.4', api_base: 'https://eu.api.openai.com/v1' }, 2.75e-6, 'litellm'],
    ['a data zone of Azure', { model: 'azure/eu/gpt-5.4', api_base: 'https://a.example' }, 2.75e-6, 'litellm'],
    ['a base model', { model: 'azure/ours', base_model: 'gpt-4o', api_base: 'https://a.example' }, 2.5e-6, 'litellm'],
    ['a name of the library', { model: 'openrouter/openai/gpt-4o' }, 2.5e-6, 'genai-prices'],
    ['a free variant', { model: 'openrouter/some/model:free' }, 0, 'tollgate'],
    ['a server of one’s own', { model: 'ollama/of-tomorrow' }, 0, 'self-hosted'],
  ])('are those of %s', (_, params, usd, source) => {
    const { members, sources } = shown(params);
    expect([members.input_cost_per_token, sources.input_cost_per_token]).toEqual([usd, { source }]);
  }); // prettier-ignore

  it('are none if no price is known', () =>
    expect(shown({ model: 'openai/unheard-of' })).toEqual({ members: {}, sources: {} }));

  it('are those of a wildcard’s names where it is: what is shown is what is billed', () => {
    const ofWildcard = (params: LitellmParams, name: string) => namedDeployment(at(params), name);
    const inEurope = ofWildcard({ model: 'openai/*', api_base: 'https://eu.api.openai.com/v1' }, 'gpt-5.4');
    expect(inEurope.price).toEqual(
      at({ model: 'openai/gpt-5.4', api_base: 'https://eu.api.openai.com/v1' }).price,
    );
    expect(pricesOf(inEurope).members.input_cost_per_token).toBe(2.75e-6);
    const region = { aws_region_name: 'ap-northeast-1' };
    const inTokyo = ofWildcard({ model: 'bedrock/*', ...region }, 'deepseek.v3.2');
    const direct = at({ model: 'bedrock/deepseek.v3.2', ...region });
    expect(inTokyo.price).toEqual(direct.price);
    expect(pricesOf(inTokyo)).toEqual(pricesOf(direct));
    expect(pricesOf(inTokyo)).not.toEqual(
      shown({ model: 'bedrock/deepseek.v3.2', aws_region_name: 'us-east-1' }),
    );
  });
});

describe('with a cost map', () => {
  afterEach(() => {
    costMap.replace({ none: {} });
    forgetKnownModels();
  });

  it('each member is the map’s or the table’s', () => {
    costMap.replace({ 'gpt-5.4': { input_cost_per_token: 1e-6 } });
    forgetKnownModels();
    const { members, sources } = shown({ model: 'openai/gpt-5.4', output_cost_per_token: 2e-6 });
    expect(members).toMatchObject({ input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 });
    expect(sources).toMatchObject({
      input_cost_per_token: { source: 'cost_map' },
      output_cost_per_token: { source: 'file' },
      cache_read_input_token_cost: { source: 'litellm' },
      search_context_cost_per_query: { source: 'tollgate' },
    });
  });
});
