import { describe, expect, it } from 'vitest';
import type { LitellmParams } from '../config/config.js';
import { boundNanoUsd, ceilingOf, costNanoUsd } from '../policy/price.js';
import { type Deployment, makeDeployment } from './deployment.js';
import { baseOf, parseModel } from '../config/providers.js';

const made = (litellmParams: LitellmParams, modelInfo: object = {}) =>
  makeDeployment({ modelName: 'm', litellmParams, modelInfo: { id: 'd', ...modelInfo } }, 60_000);
const good = (...args: Parameters<typeof made>) => {
  const deployment = made(...args);
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

  it('say where calls go, or what is missing', () => {
    expect(baseOf('groq', undefined)).toEqual({ base: 'https://api.groq.com/openai/v1' });
    expect(baseOf('groq', 'http://127.0.0.1:1/v1')).toEqual({ base: 'http://127.0.0.1:1/v1' });
    expect(baseOf('hosted_vllm', undefined)).toEqual({ problem: expect.stringContaining('api_base') });
    expect(baseOf('bedrock', 'http://x')).toEqual({
      problem: expect.stringContaining('not served'),
      notServed: true,
    });
  });
});

describe('a deployment', () => {
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
      secrets: ['sk-provider', 'a'],
    });
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

  it('has dearer prices above a threshold, and its ceiling knows them', () => {
    const { price } = good(
      { model: 'openai/up' },
      { input_cost_per_token: 0.000_001, output_cost_per_token: 0, input_cost_per_token_above_200k_tokens: 0.000_002 },
    ); // prettier-ignore
    expect(costNanoUsd({ inputTokens: 200_000, outputTokens: 0 }, price!)).toBe(200_000_000n);
    expect(costNanoUsd({ inputTokens: 200_001, outputTokens: 0 }, price!)).toBe(400_002_000n);
    expect(boundNanoUsd({ inputTokens: 10, outputTokens: 0 }, ceilingOf([price!]))).toBe(20_000n);
  });

  it('is refused when it could never be called', () => {
    expect(made({ model: 'hosted_vllm/x' })).toEqual({ problem: expect.stringContaining('litellm_params.model') });
  }); // prettier-ignore
});
