import { expect, it } from 'vitest';
import { costNanoUsd } from '../policy/price.js';
import { knownModel } from './known-model.js';

const usdOf = (provider: string, name: string) => {
  const price = knownModel(provider, name)?.price;
  const usage = { inputTokens: 1_000_000, outputTokens: 1_000_000 };
  return price && Number(costNanoUsd(usage, price)) / 1e9;
};

it.each<[provider: string, names: readonly string[], usd: number | undefined]>([
  ['openai', ['gpt-4o', 'GPT-4o', 'responses/gpt-4o', 'gpt-4o-2024-08-06'], 12.5],
  ['azure', ['gpt-4o', 'global/gpt-4o', 'global-standard/gpt-4o', 'responses/gpt-4o'], 12.5],
  ['azure', ['us/gpt-4o', 'eu/gpt-4o'], 13.75],
  ['azure', ['gpt-35-turbo'], 2],
  ['bedrock', ['anthropic.claude-opus-4-6-v1', 'converse/anthropic.claude-opus-4-6-v1'], 30],
  [
    'bedrock',
    [
      'us.anthropic.claude-opus-4-6-v1',
      'us-east-1/us.anthropic.claude-opus-4-6-v1',
      'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-6-v1',
    ],
    33,
  ],
  ['bedrock', ['eu-west-2/meta.llama3-70b-instruct-v1:0'], 8],
  ['vertex_ai', ['claude-opus-4-5@20251101', 'claude-opus-4-5', 'claude-opus-4-5@default'], 30],
  ['gemini', ['gemini-2.5-pro', 'models/gemini-2.5-pro'], 17.5],
  ['fireworks_ai', ['accounts/fireworks/models/gpt-oss-120b', 'gpt-oss-120b'], 0.75],
  ['ollama', ['llama3', 'any-model:7b'], 0],
  ['lm_studio', ['any-model'], 0],
  ['llamafile', ['any-model'], 0],
  ['openrouter', ['some-vendor/some-model:free'], 0],
  ['openai', ['my-gpt-4o-copy', 'gpt-4o-of-tomorrow', '__proto__', 'constructor', '', 'claude-sonnet-4-5'], undefined],
  ['gemini', ['gemini-2.5-flash-cyber'], undefined],
])('%s finds %j at %s USD for a million tokens in and out', (provider, names, usd) => {
  expect(names.map((name) => usdOf(provider, name))).toEqual(names.map(() => usd));
}); // prettier-ignore
