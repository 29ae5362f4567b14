import { describe, expect, it } from 'vitest';
import type { LitellmParams } from '../config/config.js';
import { ceilingOf } from '../policy/ceiling.js';
import { boundNanoUsd, costNanoUsd, isFree, type Usage } from '../policy/price.js';
import { type Deployment, makeDeployment, namedDeployment } from './deployment.js';
import { parseModel } from '../config/providers.js';

const build = (litellmParams: LitellmParams, modelInfo: object = {}) =>
  makeDeployment({ modelName: 'm', litellmParams, modelInfo: { id: 'd', ...modelInfo } }, 60_000);
const good = (...args: Parameters<typeof build>) => {
  const deployment = build(...args);
  if ('problem' in deployment) throw new Error(deployment.problem);
  return deployment satisfies Deployment;
};

describe('provider and name', () => {
  it.each([
    ['openai/gpt-4o', 'openai', 'gpt-4o'],
    ['gpt-4o', 'openai', 'gpt-4o'],
    ['openrouter/meta-llama/llama-3', 'openrouter', 'meta-llama/llama-3'],
    ['hosted_vllm/org/model', 'hosted_vllm', 'org/model'],
    ['meta-llama/llama-3', 'openai', 'meta-llama/llama-3'],
    ['constructor/x', 'openai', 'constructor/x'],
  ])('%s', (model, provider, name) => expect(parseModel(model)).toEqual({ provider, name }));
});

const nothing = { inputTokens: 0, outputTokens: 0 };

describe('a deployment', () => {
  it.each([
    ['openai/gpt-4o', true],
    ['openai/gpt-4.1-mini', true],
    ['openai/gpt-5', true],
    ['openai/o3', true],
    ['openai/gpt-4', false],
    ['openai/gpt-4-turbo', false],
    ['openai/gpt-3.5-turbo', false],
    ['openai/text-embedding-3-small', false],
    ['anthropic/claude-sonnet-4-5', false],
  ])('of %s has OpenAI’s current encoding: %s', (model, does) => {
    expect(good({ model }).encodesLikeOpenAi).toBe(does);
    const { provider, name } = parseModel(model);
    expect(namedDeployment(good({ model: `${provider}/*` }), name).encodesLikeOpenAi).toBe(does);
  });

  it.each([
    ['openai/gpt-5', {}, true],
    ['openai/gpt-4o', {}, undefined],
    ['anthropic/claude-sonnet-4-5', {}, undefined],
    ['hosted_vllm/own', {}, undefined],
    ['hosted_vllm/own', { supports_reasoning: true }, true],
  ])('of %s %j thinks unasked: %s', (model, info, does) =>
    expect(good({ model, api_base: 'http://x' }, info).reasons).toBe(does),
  );

  it('knows where and how to call', () => {
    const deployment = good({
      model: 'openai/up',
      api_base: 'http://127.0.0.1:8000/v1/',
      api_key: 'sk-provider',
      organization: 'org',
      extra_headers: { 'X-Team': 'a' },
      timeout: 2,
    });
    expect(deployment).toMatchObject({
      origin: 'http://127.0.0.1:8000',
      basePath: '/v1',
      upstreamName: 'up',
      timeoutMs: 2_000,
      headers: { authorization: 'Bearer sk-provider', 'openai-organization': 'org', 'x-team': 'a' },
      secrets: [Buffer.from('sk-provider')],
    });
  });

  it.each([
    ['ANTHROPIC_API_KEY', { 'x-api-key': 'k' }],
    ['ANTHROPIC_AUTH_TOKEN', { authorization: 'Bearer k' }],
  ])('of Anthropic carries %s as that is meant', (variable, credential) => {
    const source = { modelName: 'm', litellmParams: { model: 'anthropic/c' }, modelInfo: { id: 'd' } };
    const { headers } = makeDeployment(source, 1_000, { [variable]: 'k' }) as Deployment;
    const { 'x-api-key': key, authorization } = headers;
    expect({ ...(key && { 'x-api-key': key }), ...(authorization && { authorization }) }).toEqual(credential);
  });

  it('takes its prices from the configuration first, then from the table, field by field of neither', () => {
    const usage = { inputTokens: 1_000, outputTokens: 1_000, cachedInputTokens: 500, reasoningTokens: 100 };
    const own = good(
      { model: 'openai/gpt-4o-mini', input_cost_per_token: 0.000_001 },
      { output_cost_per_token: 0.000_002, cache_read_input_token_cost: 0, output_cost_per_reasoning_token: 0.000_01 },
    ); // prettier-ignore
    expect(costNanoUsd(usage, own.price!)).toBe(500_000n + 1_800_000n + 1_000_000n);
    expect(good({ model: 'openai/gpt-4o-mini' }).price).toBeDefined();
    expect(good({ model: 'openai/nobody-knows' }).price).toBeUndefined();
    expect(good({ model: 'openai/nobody-knows' }, { base_model: 'gpt-4o-mini' }).price).toBeDefined();
  });

  it.each([
    ['gpt-4o', true],
    ['openai/gpt-4o', true],
    ['azure/gpt-4o', true],
    ['azure/no-such-model', false],
    ['azure/o3', true],
  ])('at Azure, as the base model %s, has a price: %s', (base_model, isPriced) => {
    const azure = { model: 'azure/ours', api_base: 'https://x.openai.azure.com', api_version: '2024-10-21' };
    expect(good(azure, { base_model }).price !== undefined).toBe(isPriced);
  });

  it('has dearer prices above a threshold, and its ceiling knows them', () => {
    const { price } = good(
      { model: 'openai/up' },
      { input_cost_per_token: 0.000_001, output_cost_per_token: 0, input_cost_per_token_above_200k_tokens: 0.000_002 },
    ); // prettier-ignore
    expect(costNanoUsd({ inputTokens: 200_000, outputTokens: 0 }, price!)).toBe(200_000_000n);
    expect(costNanoUsd({ inputTokens: 200_001, outputTokens: 0 }, price!)).toBe(400_002_000n);
    expect(boundNanoUsd({ inputTokens: 10, outputTokens: 0 }, ceilingOf([price!]))).toBe(20_000n);
  });

  it.each<[string, Usage, number]>([
    ['input_cost_per_token', { ...nothing, inputTokens: 10 }, 10],
    ['output_cost_per_token', { ...nothing, outputTokens: 10 }, 10],
    ['cache_read_input_token_cost', { ...nothing, inputTokens: 10, cachedInputTokens: 10 }, 10],
    ['cache_creation_input_token_cost', { ...nothing, inputTokens: 10, cacheWriteTokens: 10 }, 10],
    ['cache_creation_input_token_cost_above_1hr', { ...nothing, inputTokens: 10, cacheWrite1hTokens: 10 }, 10],
    ['input_cost_per_audio_token', { ...nothing, inputTokens: 10, inputAudioTokens: 10 }, 10],
    ['input_cost_per_image_token', { ...nothing, inputTokens: 10, inputImageTokens: 10 }, 10],
    ['output_cost_per_reasoning_token', { ...nothing, outputTokens: 10, reasoningTokens: 10 }, 10],
    ['output_cost_per_audio_token', { ...nothing, outputTokens: 10, outputAudioTokens: 10 }, 10],
    ['output_cost_per_image_token', { ...nothing, outputTokens: 10, outputImageTokens: 10 }, 10],
    ['input_cost_per_image', { ...nothing, inputImages: 10 }, 10],
    ['output_cost_per_image', { ...nothing, outputImages: 10 }, 10],
    ['input_cost_per_second', { ...nothing, inputMs: 10_000 }, 10],
    ['output_cost_per_second', { ...nothing, outputMs: 10_000 }, 10],
    ['input_cost_per_character', { ...nothing, inputCharacters: 10 }, 10],
    ['output_cost_per_character', { ...nothing, outputCharacters: 10 }, 10],
    ['input_cost_per_request', nothing, 1],
    ['input_cost_per_token_flex', { ...nothing, inputTokens: 10, serviceTier: 'flex' }, 10],
    ['output_cost_per_token_priority', { ...nothing, outputTokens: 10, serviceTier: 'priority' }, 10],
    ['input_cost_per_token_above_272k_tokens', { ...nothing, inputTokens: 272_001 }, 272_001],
    ['output_cost_per_token_above_200k_tokens_priority', { inputTokens: 200_001, outputTokens: 10, serviceTier: 'priority' }, 10],
  ])('is billed by %s', (name, usage, units) => {
    const { price } = good({ model: 'openai/up' }, { input_cost_per_token: 0, [name]: 0.001 });
    expect(costNanoUsd(usage, price!)).toBe(BigInt(units) * 1_000_000n);
    expect(isFree(ceilingOf([price!]))).toBe(false);
  }); // prettier-ignore

  it('has a price as soon as any unit has one, and none where only a finer one is told', () => {
    expect(good({ model: 'openai/up' }, { output_cost_per_image: 0.04 }).price).toBeDefined();
    expect(good({ model: 'openai/up' }, { cache_read_input_token_cost: 0.04 }).price).toBeUndefined();
  });

  it('has its thresholds in order, however they are told', () => {
    const { price } = good(
      { model: 'openai/up' },
      {
        input_cost_per_token: 1e-6,
        input_cost_per_token_above_272k_tokens: 3e-6,
        input_cost_per_token_above_128k_tokens: 2e-6,
      },
    );
    const cost = (inputTokens: number) => costNanoUsd({ inputTokens, outputTokens: 0 }, price!);
    expect([cost(128_001), cost(272_001)]).toEqual([256_002_000n, 816_003_000n]);
  });

  it('costs, in a service and above a threshold, what is told for them, and else what is told below', () => {
    const { price } = good(
      { model: 'openai/up' },
      {
        input_cost_per_token: 1e-6,
        output_cost_per_token: 2e-6,
        input_cost_per_token_priority: 3e-6,
        output_cost_per_token_above_200k_tokens: 4e-6,
        input_cost_per_token_above_200k_tokens_priority: 5e-6,
      },
    );
    const cost = (inputTokens: number, outputTokens: number, serviceTier?: 'flex' | 'priority') =>
      costNanoUsd({ inputTokens, outputTokens, ...(serviceTier && { serviceTier }) }, price!);
    expect([cost(10, 0), cost(10, 0, 'flex'), cost(10, 0, 'priority')]).toEqual([10_000n, 10_000n, 30_000n]);
    expect(cost(10, 10, 'priority')).toBe(50_000n);
    expect(cost(200_001, 10)).toBe(200_001_000n + 40_000n);
    expect(cost(200_001, 10, 'priority')).toBe(1_000_005_000n + 40_000n);
  });

  it('is refused when it could never be called', () => {
    expect(build({ model: 'hosted_vllm/x' })).toEqual({ problem: expect.stringContaining('litellm_params.model') });
  }); // prettier-ignore
});
