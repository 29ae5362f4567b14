import { hash } from 'node:crypto';
import { unitPrice } from '../policy/price.js';
import type { LitellmParams, ModelConfig, ModelInfo } from './config.js';
import { isMapping, type Section } from './section.js';

const PRICE = /cost/;
/** LiteLLM's only price that is a mapping: by size of the search context. */
const PRICE_MAP = 'search_context_cost_per_query';
const TEXTS = ['api_key', 'api_version', 'organization', 'api_base', 'base_url'];
const WHOLE = ['max_tokens', 'max_input_tokens', 'max_output_tokens', 'max_retries'];

/** `model_list[]`. Members of `litellm_params` and `model_info` nobody knows are kept: they are the provider's. */
export function readModels(file: Section): ModelConfig[] {
  const ids = new Map<string, number>();
  const alike = new Map<string, number>();
  return file
    .sections('model_list')
    .map(readModel)
    .map((model, i) => {
      const id = model.modelInfo.id ?? stableId(model, alike);
      if (ids.has(id))
        file.problem(`model_list[${i}].model_info.id`, `is the id of model_list[${ids.get(id)}] too`);
      ids.set(id, i);
      return { ...model, modelInfo: { ...model.modelInfo, id } };
    });
}

function readModel(entry: Section): ModelConfig {
  const modelName = entry.requiredText('model_name');
  const params = entry.section('litellm_params');
  const info = entry.section('model_info');
  params.requiredText('model');
  for (const key of ['api_base', 'base_url']) {
    const base = params.text(key);
    if (base !== undefined && !isHttpUrl(base)) params.problem(key, 'must be an http:// or https:// address');
  }
  for (const key of [...TEXTS, 'mock_response']) params.text(key);
  params.textMap('extra_headers');
  info.texts('access_groups');
  const id = idOf(info);
  entry.ignoreTheRest();
  return {
    modelName,
    litellmParams: membersOf(params) as unknown as LitellmParams,
    modelInfo: { ...membersOf(info), id } as unknown as ModelInfo,
  };
}

/** A number may be an id too, as in LiteLLM. */
function idOf(info: Section): string | undefined {
  const id = info.raw('id');
  return Number.isSafeInteger(id) ? String(id) : info.text('id');
}

/** The members as they are, prices, sizes and times as numbers; without those that say nothing. */
function membersOf(section: Section): Record<string, unknown> {
  return Object.fromEntries(
    section
      .keys()
      .map((key) => [key, memberOf(section, key)])
      .filter(([, value]) => value !== undefined),
  );
}

function memberOf(section: Section, key: string): unknown {
  if (PRICE.test(key)) return priceOf(section, key);
  if (WHOLE.includes(key)) return section.wholeNumber(key);
  if (key === 'timeout') return seconds(section, key);
  if (key === 'weight') return section.number(key);
  return TEXTS.includes(key) ? section.raw(key) || undefined : section.raw(key);
}

function seconds(section: Section, key: string): number | undefined {
  const ms = section.milliseconds(key, 1_000);
  return ms === undefined ? undefined : ms / 1_000;
}

function priceOf(section: Section, key: string): unknown {
  if (key === PRICE_MAP && isMapping(section.raw(key))) return membersOfPrice(section.section(key));
  const usd = section.number(key);
  if (usd !== undefined && unitPrice(usd) === undefined)
    section.problem(key, 'must have at most 30 decimals');
  return usd;
}

const membersOfPrice = (prices: Section) =>
  Object.fromEntries(prices.keys().map((key) => [key, priceOf(prices, key)]));

/** The same deployment keeps its id over restarts; secrets have no part in it. */
function stableId({ modelName, litellmParams }: ModelConfig, alike: Map<string, number>): string {
  const { model, api_base, api_version } = litellmParams;
  const route = [modelName, model, api_base ?? null, api_version ?? null];
  const nth = alike.get(JSON.stringify(route)) ?? 0;
  alike.set(JSON.stringify(route), nth + 1);
  return hash('sha256', JSON.stringify([...route, nth]), 'hex').slice(0, 32);
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
