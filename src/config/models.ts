import { hasBlankEnds, SPECIAL_ENTRIES, MAX_NAME_CHARS } from '../policy/model-list.js';
import { isName, MAX_NAME_BYTES } from '../policy/name.js';
import { hash } from 'node:crypto';
import type { LitellmParams, ModelConfig, ModelInfo } from './config.js';
import { isPlainHttpUrl, PLAIN_HTTP_URL } from './address.js';
import { maxDecimals, priceField, priceIn } from './price-fields.js';
import { baseOf, isDots, parseModel } from './providers.js';
import { isMapping, type Section } from './section.js';

const PRICE = /cost/;
/** LiteLLM's only price that is a mapping: by size of the search context. */
const PRICE_MAP = 'search_context_cost_per_query';
const TEXTS = ['api_key', 'api_version', 'organization', 'api_base', 'base_url'];
const WHOLE = ['max_tokens', 'max_input_tokens', 'max_output_tokens'];
/** Members of `litellm_params` that matter for a call, beside prices. */
const WITH_EFFECT = new Set([
  ...TEXTS,
  'model',
  'extra_headers',
  'timeout',
  'max_retries',
  'weight',
  'mock_response',
  'litellm_credential_name',
]);
const MAX_RETRIES = 100;
/** LiteLLM's prefix of the internal names of a team's models. */
export const TEAM_MODEL_PREFIX = 'model_name_';
/** Patterns of a header's name and value (RFC 9110). */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Headers that describe how one connection is read (RFC 9110, 7.6.1). A call with one of them cannot be sent. */
const OF_CONNECTION = new Set([
  'connection', 'content-length', 'expect', 'http2-settings', 'keep-alive', 'proxy-authenticate', 'proxy-authorization',
  'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
]); // prettier-ignore
/** Pattern of a value that becomes part of an address. */
const API_VERSION = /^[\w.-]*$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Reads `model_list[]`. Unknown members of `litellm_params` and `model_info` are stored; those of the former are
 * reported.
 */
export function readModels(file: Section): ModelConfig[] {
  const ids = new Map<string, number>();
  const alike = new Map<string, number>();
  const models = file.sections('model_list').map(readModel);
  for (const name of new Set(models.flatMap(withoutEffect)))
    file.ignore(`model_list[].litellm_params.${name}`);
  return models.map((model, i) => {
    const id = model.modelInfo.id ?? stableId(model, alike);
    if (ids.has(id))
      file.problem(`model_list[${i}].model_info.id`, `is the id of model_list[${ids.get(id)}] too`);
    ids.set(id, i);
    return { ...model, modelInfo: { ...model.modelInfo, id } };
  });
}

/**
 * Members that LiteLLM sends with every call, or chooses deployments by. Members of providers that are not served are not
 * reported.
 */
function withoutEffect({ litellmParams }: ModelConfig): string[] {
  if (typeof litellmParams.model !== 'string') return [];
  const { provider } = parseModel(litellmParams.model);
  if ('notServed' in baseOf(provider, litellmParams.api_base)) return [];
  const says = (name: string) =>
    WITH_EFFECT.has(name) ||
    PRICE.test(name) ||
    (name === 'custom_llm_provider' && litellmParams[name] === provider);
  return Object.keys(litellmParams).filter((name) => !says(name));
}

/** Reads one deployment. Problems go into the section's report. */
export function readModel(entry: Section): ModelConfig {
  const modelName = entry.requiredText('model_name');
  const isTaken =
    (modelName !== '*' && SPECIAL_ENTRIES.has(modelName)) || modelName.startsWith(TEAM_MODEL_PREFIX);
  if (modelName.length > MAX_NAME_CHARS || !isName(modelName) || isTaken || hasBlankEnds(modelName))
    entry.problem('model_name', `cannot be the name of a model`);
  const params = entry.section('litellm_params');
  const info = entry.section('model_info');
  checkRoute(params);
  checkHeaders(params);
  for (const key of [...TEXTS, 'mock_response']) params.text(key);
  info.text('base_model');
  if (!(info.texts('access_groups') ?? []).every(isName))
    info.problem(
      'access_groups',
      `must be names of at most ${MAX_NAME_BYTES} bytes without control characters`,
    );
  if (info.text('team_id') !== undefined && modelName.includes('*'))
    entry.problem('model_name', 'of a team’s own model cannot contain *');
  const id = idOf(info);
  if (id !== undefined && !isName(id))
    info.problem('id', `must have at most ${MAX_NAME_BYTES} bytes and no control characters`);
  entry.ignoreTheRest();
  return {
    modelName,
    litellmParams: membersOf(params) as unknown as LitellmParams,
    modelInfo: { ...membersOf(info), id } as unknown as ModelInfo,
  };
}

/** Tells whether a call has an upstream to go to. */
function checkRoute(params: Section): void {
  const model = params.requiredText('model');
  let base: string | undefined;
  for (const key of ['base_url', 'api_base']) {
    const address = params.text(key);
    base = address ?? base;
    if (address !== undefined && !isPlainHttpUrl(address)) params.problem(key, PLAIN_HTTP_URL);
  }
  if (!API_VERSION.test(params.text('api_version') ?? ''))
    params.problem('api_version', 'has characters no version has');
  if (!model) return;
  const { provider, name } = parseModel(model);
  const found = baseOf(provider, base);
  if (!name || name.length > MAX_NAME_CHARS || !isName(name) || (provider === 'azure' && isDots(name)))
    params.problem('model', 'must name a model behind its provider');
  if (!('problem' in found) || params.raw('mock_response') !== undefined) return;
  // A LiteLLM file may list providers that are not served: the start names them and serves the others.
  if (found.notServed) params.ignore('model');
  else params.problem('model', found.problem);
}

/** Reports values that must become headers but cannot. */
function checkHeaders(params: Section): void {
  for (const [name, value] of Object.entries(params.textMap('extra_headers') ?? {})) {
    if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value))
      params.problem('extra_headers', `'${name.slice(0, 64)}' is not a header`);
    else if (OF_CONNECTION.has(name.toLowerCase()))
      params.problem(
        'extra_headers',
        `'${name}' is about the connection, which the gateway speaks for itself`,
      );
  }
  for (const key of ['api_key', 'organization']) {
    if (!HEADER_VALUE.test(params.text(key) ?? '')) params.problem(key, 'has characters no header may have');
  }
}

/** Reads an id; LiteLLM also takes a number. */
function idOf(info: Section): string | undefined {
  const id = info.raw('id');
  return Number.isSafeInteger(id) ? String(id) : info.text('id');
}

/** Returns the members with prices, sizes and times as numbers, without empty ones. */
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
  if (key === 'max_retries') return section.wholeNumber(key, MAX_RETRIES);
  if (key === 'timeout') return seconds(section, key);
  if (key === 'weight') return section.number(key);
  return TEXTS.includes(key) ? section.raw(key) || undefined : section.raw(key);
}

function seconds(section: Section, key: string): number | undefined {
  const ms = section.milliseconds(key, 1_000);
  return ms === undefined ? undefined : ms / 1_000;
}

/** Reports a price that bills nothing, unless it is zero. */
function priceOf(section: Section, key: string): unknown {
  if (key === PRICE_MAP && isMapping(section.raw(key))) return feesOf(section.section(key));
  const usd = section.number(key);
  if (usd === undefined) return undefined;
  const place = priceField(key);
  if (!place) {
    if (usd > 0) section.ignore(key);
  } else if (priceIn(place.field, usd) === undefined)
    section.problem(key, `must have at most ${maxDecimals(place.field)} decimals`);
  return usd;
}

/**
 * Fees of tools that the provider runs. Where a budget applies, calls that ask for these tools are refused, so ignoring
 * the fee loses no money.
 */
const feesOf = (fees: Section) => Object.fromEntries(fees.keys().map((key) => [key, fees.number(key)]));

/** Reports a deployment that names a credential: none is stored here under a name, so a call would go out without one. */
export function unknownCredential(params: Readonly<Record<string, unknown>>): string | undefined {
  const { litellm_credential_name: name } = params;
  return name === undefined || name === null || name === ''
    ? undefined
    : `litellm_params.litellm_credential_name: there is no credential ${JSON.stringify(name)}; credentials stand in the model itself here`;
}

/** Returns the id of a deployment. It is the same after a restart and does not depend on secrets. */
function stableId({ modelName, litellmParams }: ModelConfig, alike: Map<string, number>): string {
  const { model, api_base, api_version } = litellmParams;
  const route = [modelName, model, api_base ?? null, api_version ?? null];
  const nth = alike.get(JSON.stringify(route)) ?? 0;
  alike.set(JSON.stringify(route), nth + 1);
  return hash('sha256', JSON.stringify([...route, nth]), 'hex').slice(0, 32);
}
