import { afterEach, beforeEach, expect, it } from 'vitest';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../config/read-config.js';
import { printPrices } from './prices.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tollgate-prices-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const MODELS = `
model_list:
  - {model_name: gpt, litellm_params: {model: openai/gpt-4o, api_key: sk-1}}
  - {model_name: az, litellm_params: {model: azure/x, api_base: "https://r.openai.azure.com", api_key: k, base_model: azure/eu/gpt-4o}}
  - {model_name: own, litellm_params: {model: hosted_vllm/m, api_base: "http://127.0.0.1:1/v1"}}
  - {model_name: cheap, litellm_params: {model: openai/gpt-5.4, api_key: sk-1, input_cost_per_token: 1e-6}}
`;

function printed(name: string | undefined, isJson = false, env: Record<string, string> = {}) {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, MODELS);
  const lines: string[] = [];
  const read = readSettings({ TOLLGATE_MASTER_KEY: 'sk-12345678', TOLLGATE_CONFIG: file, ...env });
  const code = printPrices(read, name, { isJson }, (line) => void lines.push(line));
  return { code, text: lines.join('\n') };
}

it('lists what the models of the file cost, the sources, and those without a price', () => {
  const { code, text } = printed(undefined);
  expect(code).toBe(1);
  expect(text).toContain('gpt (openai/gpt-4o): 2.5 / 10');
  expect(text).toContain('az (azure/x): 2.75 / 11');
  expect(text).toMatch(/cheap \(openai\/gpt-5\.4\): 1 \/ 15 .* from .*file/);
  expect(text).toContain('Without: own (hosted_vllm/m).');
});

it.each([
  ['gpt', 'input_cost_per_token: 0.0000025 (litellm)'],
  ['cheap', 'input_cost_per_token: 0.000001 (file)'],
  ['azure/us/gpt-4o-2024-08-06', 'output_cost_per_token: 0.000011 (litellm)'],
  ['claude-sonnet-4-5', 'anthropic/claude-sonnet-4-5, in USD:'],
  ['bedrock/eu.anthropic.claude-opus-4-6-v1', 'cache_creation_input_token_cost_above_1hr: 0.000011'],
])('prints every figure of %s with its source', (name, line) => {
  const { code, text } = printed(name);
  expect(code).toBe(0);
  expect(text).toContain(line);
});

it('says that nothing is known of a name', () => {
  expect(printed('no-such-model')).toEqual({
    code: 1,
    text: 'openai/no-such-model: NO PRICE. A call is refused wherever a budget applies.',
  });
});

it('prints JSON, and reads a cost map in a file', () => {
  const map = join(folder, 'map.json');
  writeFileSync(map, JSON.stringify({ 'hosted_vllm/m': { input_cost_per_token: 1e-7, output_cost_per_token: 2e-7 } })); // prettier-ignore
  const { code, text } = printed('own', true, { LITELLM_MODEL_COST_MAP_URL: map });
  expect(code).toBe(0);
  expect(JSON.parse(text)).toEqual([
    {
      model_name: 'own',
      model: 'hosted_vllm/m',
      is_priced: true,
      prices: { input_cost_per_token: 1e-7, output_cost_per_token: 2e-7 },
      sources: {
        input_cost_per_token: { source: 'cost_map' },
        output_cost_per_token: { source: 'cost_map' },
      },
      differences: [],
    },
  ]);
});
