import { describe, expect, it } from 'vitest';
import { AGENTS_THAT_RETRY_429, leadingProduct } from './budget-exceeded-status.js';

const statusOf = (userAgent: string) => AGENTS_THAT_RETRY_429.get(leadingProduct(userAgent));

describe('a coding agent that retries 429', () => {
  it.each([
    'codex_exec/0.171.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.171.0)',
    'codex_cli_rs/0.171.0 (Mac OS 26.0.0; arm64) iTerm.app/3.6.1',
    'codex-tui/0.171.0 (Debian 12.0.0; x86_64) xterm-256color',
    'opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14',
    'QwenCode/0.15.10 (linux; x64)',
  ])('is known: %s', (userAgent) => {
    expect(statusOf(userAgent)).toBe(400);
  });

  it.each([
    'OpenAI/JS 6.1.0',
    'OpenAI/Python 2.20.0',
    'AsyncOpenAI/Python 2.20.0',
    'AzureOpenAI/Python 2.20.0',
    'Anthropic/JS 0.90.0',
    'Anthropic/Python 0.60.0',
    'ai-sdk/openai-compatible/3.0.37 ai-sdk/provider-utils/5.0.30 runtime/bun/1.3.13',
    'ai/6.0.0 ai-sdk/provider-utils/5.0.30 runtime/node.js/22',
    'ls/JS 5.23.2',
    'litellm/1.108.7',
    'langchain-openai/1.0',
    'pydantic-ai/1.0',
    'Agents/Python 0.5.0',
    'python-requests/2.32.0',
    'python-httpx/0.28.0',
    'aiohttp/3.13',
    'node-fetch/1.0 (+https://github.com/bitinn/node-fetch)',
    'node',
    'undici',
    'axios/1.13.0',
    'Bun/1.4.0',
    'Go-http-client/2.0',
    'curl/8.0',
    'Mozilla/5.0 (X11; Linux x86_64)',
    'claude-cli/2.1.197 (external, sdk-cli)',
    // Only the product that leads counts.
    'OpenAI/JS 6.1.0 opencode/1.18.33',
    'my opencode/1.0',
    '',
  ])('is not %s', (userAgent) => {
    expect(statusOf(userAgent)).toBeUndefined();
  });

  it('is never an SDK, by the names in the table', () => {
    for (const product of AGENTS_THAT_RETRY_429.keys())
      expect(product).not.toMatch(/openai|anthropic|sdk|litellm|langchain|python|node|fetch|http|^ai$|^ls$/);
  });
});
