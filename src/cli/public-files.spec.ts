import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readSettings, storedSecretProblems } from '../config/read-config.js';
import { configReport } from './config-report.js';

const folder = mkdtempSync(join(tmpdir(), 'tollgate-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ENV = {
  TOLLGATE_DATA: folder,
  TOLLGATE_MASTER_KEY: 'sk-master-1234',
  TOLLGATE_SALT_KEY: 's',
  OLLAMA_API_BASE: 'http://gpu:11434',
  KEY: 'key-of-the-tests',
};

const KEY = 'api_key: os.environ/KEY';
const models = (...params: readonly string[]) =>
  `model_list:\n${params.map((own, i) => `  - {model_name: m${i}, litellm_params: {${own}}}`).join('\n')}\n`;

const EVERYDAY = `litellm_settings: {drop_params: true, set_verbose: false, success_callback: [langfuse], num_retries: 2}
general_settings: {store_model_in_db: true, store_prompts_in_spend_logs: true}
router_settings: {routing_strategy: usage-based-routing-v2, allowed_fails: 3, cooldown_time: 30}
`;

/** Files of the shapes that people publish, with the names of models that chats do not reach. */
it.each<[string, string, readonly string[]]>([
  ['OpenAI and an own server', models(`model: openai/gpt-4o, ${KEY}`, 'model: openai/qwen3, api_base: "http://vllm:8000/v1", api_key: none') + EVERYDAY, []],
  ['bare names', models(`model: gpt-4o-mini, ${KEY}`, `model: o3-mini, ${KEY}`), []],
  ['free tiers', models(`model: openrouter/deepseek/deepseek-r1:free, ${KEY}`, `model: groq/llama-3.3-70b-versatile, ${KEY}, rpm: 30`, `model: cerebras/llama3.1-8b, ${KEY}`, `model: nvidia_nim/meta/llama3-70b-instruct, ${KEY}`, `model: mistral/mistral-small-latest, ${KEY}, temperature: 0.3`, `model: gemini/gemini-2.5-flash, ${KEY}`, `model: github/gpt-4o, ${KEY}`, `model: cloudflare/@cf/meta/llama-3.1-8b, ${KEY}, account_id: acme`) + EVERYDAY, []],
  ['a machine at home', models('model: ollama_chat/llama3.1, api_base: "http://ollama:11434"', 'model: ollama/qwen2.5-coder', 'model: lm_studio/phi, api_base: "http://host:1234/v1"', 'model: xinference/glm, api_base: "http://xi:9997/v1"', 'model: hosted_vllm/q, api_base: "http://vllm:8000/v1"'), []],
  ['Azure with versions', models(`model: azure/gpt-4o, api_base: "https://acme.openai.azure.com", ${KEY}, api_version: "2024-10-21"`, `model: azure_ai/mistral-large, api_base: "https://acme.services.ai.azure.com", ${KEY}`) + EVERYDAY, []],
  ['makers one by one', models(`model: together_ai/meta/llama, ${KEY}`, `model: fireworks_ai/llama-v3, ${KEY}`, `model: perplexity/sonar, ${KEY}, extra_body: {search_mode: web}`, `model: xai/grok-4, ${KEY}`, `model: deepseek/deepseek-chat, ${KEY}, max_tokens: 800`, `model: cohere/command-r, ${KEY}`, `model: huggingface/meta/llama, ${KEY}`), []],
  ['one server without an address', models('model: llamafile/m', `model: groq/llama, ${KEY}`), ['m0']],
  ['a provider that is not served', models(`model: github_copilot/gpt-4o, ${KEY}`, `model: sagemaker/x, aws_region_name: eu-west-1`, `model: openai/gpt-4o, ${KEY}`), ['m0', 'm1']],
])('%s: starts, and chats reach every model of a provider that is served', (_, yaml, unreached) => {
  const files = { exists: () => true, text: () => yaml };
  const read = readSettings(ENV, 'config.yaml', files);
  const { result, deployments } = configReport(read, storedSecretProblems(read));
  expect(result).not.toBe('does_not_start');
  const silent = deployments.filter(
    ({ result: own, remarks }) =>
      own === 'left_out' || remarks.some(({ message }) => message.includes('other routes get 400')),
  );
  expect(silent.map(({ model_name }) => model_name)).toEqual(unreached);
}); // prettier-ignore
