import { expect, it } from 'vitest';
import { imageTokens } from './image-tokens.js';

it.each([
  ['openai', 'gpt-4o', 4_000],
  ['openai', 'gpt-4o-mini', 48_169],
  ['openai', 'gpt-4.1-nano', 4_000],
  ['openai', 'o3', 4_000],
  ['openai', 'gpt-5', 4_000],
  ['openai', 'gpt-5-codex', 4_000],
  ['openai', 'gpt-5.4', 24_600],
  ['openai', 'gpt-image-1', 7_000],
  ['azure', 'gpt-4o', 4_000],
  ['azure', 'azure/gpt-4o-mini', 48_169],
  ['anthropic', 'claude-sonnet-4-5', 4_784],
  ['openrouter', 'anthropic/claude-sonnet-4.5', 4_784],
  ['openrouter', 'openai/gpt-4o', 4_000],
  ['openai', 'my-own', undefined],
  ['azure', 'my-deployment', undefined],
  ['hosted_vllm', 'gpt-4o', undefined],
  ['openrouter', 'google/gemini-2.5-pro', undefined],
  ['anthropic', 'kimi', undefined],
])('%s %s reads an image as %s tokens at most', (provider, name, tokens) =>
  expect(imageTokens(provider, name)).toBe(tokens),
);
