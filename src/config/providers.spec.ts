import { describe, expect, it } from 'vitest';
import { outputLimitMember, takesStreamOptions } from './providers.js';

const OPENAI = 'https://api.openai.com/v1';
const OWN = 'http://10.0.0.7:8000/v1';
const AZURE = 'https://acme.openai.azure.com/openai';

describe('where a provider reads an output limit in a chat', () => {
  it.each<[string, string, string, string, string?]>([
    ['max_completion_tokens', 'openai', OPENAI, 'gpt-4o'],
    ['max_completion_tokens', 'openai', OPENAI, 'nobody-knows'],
    ['max_completion_tokens', 'openai', 'https://eu.api.openai.com/v1', 'gpt-4o'],
    ['max_completion_tokens', 'openai', 'https://acme.openai.azure.com/openai/v1', 'my-deployment'],
    ['max_completion_tokens', 'openai', OWN, 'o3-mini'],
    ['max_completion_tokens', 'openai', OWN, 'gpt-5.1-codex'],
    ['max_completion_tokens', 'openai', OWN, 'mine', 'openai/gpt-5'],
    // A provider `openai` at another address reads the member that most APIs read.
    ['max_tokens', 'openai', OWN, 'llama3'],
    ['max_tokens', 'openai', OWN, 'gpt-oss:20b'],
    ['max_tokens', 'openai', 'https://openai.com.evil.test/v1', 'x'],
    ['max_tokens', 'azure', AZURE, 'gpt-4o'],
    ['max_completion_tokens', 'azure', AZURE, 'gpt-5-mini'],
    ['max_completion_tokens', 'azure', AZURE, 'mine', 'azure/o4-mini'],
    ['max_tokens', 'ollama', OWN, 'gpt-5'],
    ['max_tokens', 'deepseek', OWN, 'deepseek-chat'],
    ['max_tokens', 'mistral', OWN, 'mistral-large-latest'],
    ['max_tokens', 'hosted_vllm', OWN, 'x'],
    ['max_tokens', 'anthropic', OWN, 'x'],
  ])('%s: %s at %s, %s (%s)', (member, provider, base, name, baseModel) =>
    expect(outputLimitMember(provider, base, name, baseModel)).toBe(member));
}); // prettier-ignore

it.each([
  [true, 'openai', undefined],
  [true, 'ollama', undefined],
  [false, 'mistral', undefined],
  [true, 'azure', '2024-10-21'],
  [true, 'azure', '2024-09-01-preview'],
  [false, 'azure', '2024-06-01'],
  [false, 'azure', '2024-05-01-preview'],
  [true, 'azure', undefined],
])('takes stream_options: %s, %s %s', (takes, provider, version) =>
  expect(takesStreamOptions(provider, version)).toBe(takes),
);
