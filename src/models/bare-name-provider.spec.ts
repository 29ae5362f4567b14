import { describe, expect, it } from 'vitest';
import { providerOfBareName } from './bare-name-provider.js';

describe('the provider of a bare name', () => {
  it.each([
    ['gpt-4o', 'openai'],
    ['tts-1', 'openai'],
    ['gpt-image-of-tomorrow', 'openai'],
    ['ft:gpt-4o-mini:acme::id', 'openai'],
    ['ft:gpt-4-0613:acme::id', 'openai'],
    ['claude-sonnet-4-5-20250929', 'anthropic'],
    ['claude-opus-4-1', 'anthropic'],
    ['claude-newfamily-7.2-20270101', 'anthropic'],
    ['eu.anthropic.claude-new', 'bedrock'],
    ['embed-english-v3.0', 'cohere'],
    ['gemini-2.5-pro', 'vertex_ai'],
    ['davinci-002', 'text-completion-openai'],
    ['anthropic.claude-v2:1', 'bedrock'],
    // Neither another letter case nor text around a name.
    ['GPT-4o', undefined],
    ['ft:GPT-4o:acme::id', undefined],
    ['my-ft:gpt-4o', undefined],
    ['Claude-opus-4-1', undefined],
    ['claude-opus-4-1 (ours)', undefined],
    ['claude-private', undefined],
    ['my.eu.anthropic.claude-new', undefined],
    ['gpt-4o ', undefined],
    ['gpt-4o-2024', undefined],
    ['openai/gpt-4o', undefined],
    ['my-own-model', undefined],
    ['__proto__', undefined],
    ['constructor', undefined],
    ['', undefined],
  ])('%s: %s', (name, provider) => expect(providerOfBareName(name)).toBe(provider));
});
