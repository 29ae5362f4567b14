import { hasBlankEnds, SPECIAL_ENTRIES, MAX_NAME_CHARS } from '../policy/model-list.js';
import { isName, MAX_NAME_BYTES } from '../policy/name.js';
import { hash } from 'node:crypto';
import type { LeftOutModel, LitellmParams, ModelConfig, ModelInfo } from './config.js';
import { addressFault } from './address.js';
import { checkCallDefaults, isCallDefault } from './call-defaults.js';
import { maxDecimals, priceField, priceIn } from './price-fields.js';
import { PRICE_STRUCTURES, priceStructure } from './price-structures.js';
import { isDots, isRoutedByName, missingKey, type ProviderVariables, routeOf } from './providers.js';
import { isMapping, Report, type Section } from './section.js';

const PRICE = /cost|multiplier/;
const TEXTS = ['api_key', 'api_version', 'organization', 'api_base', 'base_url'];
const WHOLE = ['max_tokens', 'max_input_tokens', 'max_output_tokens'];
/** Members that name an identity at a cloud, or a place there. All are texts, but Google's credentials may be a mapping. */
const OF_CLOUDS = [
  'vertex_project', 'vertex_ai_project', 'vertex_location', 'vertex_ai_location', 'vertex_credentials',
  'vertex_ai_credentials', 'aws_access_key_id', 'aws_secret_access_key', 'aws_session_token', 'aws_region_name',
  'aws_session_name', 'aws_profile_name', 'aws_role_name', 'aws_external_id', 'aws_web_identity_token',
  'aws_sts_endpoint', 'aws_bedrock_runtime_endpoint', 'model_id', 'tenant_id', 'client_id', 'client_secret',
  'azure_ad_token', 'azure_scope', 'account_id',
]; // prettier-ignore
/** Members of `litellm_params` that matter for a call, beside prices. */
const WITH_EFFECT = new Set([
  ...TEXTS,
  ...OF_CLOUDS,
  'model',
  'custom_llm_provider',
  'extra_headers',
  'timeout',
  'max_retries',
  'weight',
  'mock_response',
  'litellm_credential_name',
  'base_model',
  'extra_body',
  'drop_params',
  'additional_drop_params',
]);
const MAPPINGS_TOO = new Set(['vertex_credentials', 'vertex_ai_credentials']);
const ADDRESSES_OF_CLOUDS = new Set(['aws_sts_endpoint', 'aws_bedrock_runtime_endpoint']);

/** Returns the settings of clouds, and reports those with a wrong value. */
function cloudSettingsIn(params: Section): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const name of OF_CLOUDS) {
    const raw = params.raw(name);
    const value = MAPPINGS_TOO.has(name) && isMapping(raw) ? raw : params.text(name);
    if (value === undefined || value === '') continue;
    const fault = ADDRESSES_OF_CLOUDS.has(name) ? addressFault(value as string) : undefined;
    if (fault !== undefined) params.problem(name, fault);
    else if (typeof value === 'string' && !MAPPINGS_TOO.has(name) && !HEADER_VALUE.test(value))
      params.problem(name, 'has characters no header may have');
    else settings[name] = value;
  }
  return settings;
}

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
 * Reads `model_list[]`. A deployment that could never be called is left out with its problems. Unknown members of
 * `litellm_params` and `model_info` are stored; those of the former are reported.
 */
export function readModels(
  file: Section,
  variables: ProviderVariables,
): { readonly models: ModelConfig[]; readonly leftOut: LeftOutModel[] } {
  const ids = new Map<string, number>();
  const alike = new Map<string, number>();
  const models: ModelConfig[] = [];
  const leftOut: LeftOutModel[] = [];
  for (const [i, entry] of file.entries('model_list').entries()) {
    const at = `model_list[${i}]`;
    if (!entry) {
      leftOut.push({ at, problems: [`${at}: must be a mapping`] });
      continue;
    }
    const report = new Report();
    const model = readModel(entry.reportingTo(report), variables);
    // An id does not depend on whether other deployments can be called.
    const id = model.modelInfo.id ?? stableId(model, alike);
    if (ids.has(id)) report.problems.push(`${at}.model_info.id: is the id of model_list[${ids.get(id)}] too`);
    const key = report.problems.length ? undefined : keyProblem(model, variables);
    if (key) report.problems.push(`${at}.litellm_params.${key.at}: ${key.problem}`);
    if (report.problems.length) {
      leftOut.push({
        at,
        ...(model.modelName && { modelName: model.modelName }),
        problems: [...new Set(report.problems)],
      });
      continue;
    }
    ids.set(id, i);
    for (const path of report.ignored) file.ignore(path);
    models.push({ ...model, modelInfo: { ...model.modelInfo, id } });
  }
  for (const name of new Set(models.flatMap(withoutEffect)))
    file.ignore(`model_list[].litellm_params.${name}`);
  return { models, leftOut };
}

/** Returns the problem of a deployment whose calls a provider would refuse for want of a key. */
function keyProblem({ litellmParams }: ModelConfig, variables: ProviderVariables) {
  if (litellmParams.mock_response !== undefined || isRoutedByName(litellmParams)) return undefined;
  const route = routeOf(litellmParams, variables);
  return 'problem' in route ? route : missingKey(route, litellmParams);
}

/** Members by which LiteLLM chooses deployments, or configures what is not here. */
const withoutEffect = ({ litellmParams }: ModelConfig): string[] =>
  Object.keys(litellmParams).filter(
    (name) =>
      !WITH_EFFECT.has(name) &&
      !PRICE.test(name) &&
      !Object.hasOwn(PRICE_STRUCTURES, name) &&
      !isCallDefault(name),
  );

/** Reads one deployment. Problems go into the section's report. `variables`: the providers' own environment variables. */
export function readModel(entry: Section, variables: ProviderVariables = {}): ModelConfig {
  const modelName = entry.requiredText('model_name');
  const isTaken =
    (modelName !== '*' && SPECIAL_ENTRIES.has(modelName)) || modelName.startsWith(TEAM_MODEL_PREFIX);
  if (modelName.length > MAX_NAME_CHARS || !isName(modelName) || isTaken || hasBlankEnds(modelName))
    entry.problem('model_name', `cannot be the name of a model`);
  const params = entry.section('litellm_params');
  const info = entry.section('model_info');
  checkRoute(params, variables);
  checkHeaders(params);
  checkCallDefaults(params);
  for (const key of [...TEXTS, 'mock_response']) params.text(key);
  info.text('base_model');
  params.text('base_model');
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

/** Reports a deployment whose calls have no upstream to go to. */
function checkRoute(params: Section, variables: ProviderVariables): void {
  const model = params.requiredText('model');
  const custom = params.text('custom_llm_provider');
  const unknown = unknownCredential({ litellm_credential_name: params.raw('litellm_credential_name') });
  if (unknown !== undefined) params.problem('litellm_credential_name', unknown);
  const [baseUrl, apiBase] = ['base_url', 'api_base'].map((key) => addressIn(params, key));
  const version = params.text('api_version');
  if (!API_VERSION.test(version ?? '')) params.problem('api_version', 'has characters no version has');
  if (!model) return;
  const mock = params.raw('mock_response');
  const routed = {
    model,
    ...(custom !== undefined && { custom_llm_provider: custom }),
    ...(baseUrl !== undefined && { base_url: baseUrl }),
    ...(apiBase !== undefined && { api_base: apiBase }),
    ...(mock !== undefined && { mock_response: mock }),
    ...cloudSettingsIn(params),
  };
  if (isRoutedByName(routed)) return;
  const route = routeOf(routed, variables);
  if ('problem' in route) {
    params.problem(route.at, route.problem);
    return;
  }
  const { provider, name } = route;
  if (!name || name.length > MAX_NAME_CHARS || !isName(name) || (provider === 'azure' && isDots(name)))
    params.problem('model', 'must name a model behind its provider');
  else if (!API_VERSION.test(route.apiVersion ?? ''))
    params.problem('api_version', 'has characters no version has');
  const { keyVariable, apiKey = '' } = route;
  if (keyVariable !== undefined && params.raw('api_key') === undefined && !HEADER_VALUE.test(apiKey))
    params.problem('api_key', `from ${keyVariable} has characters no header may have`);
}

function addressIn(params: Section, key: string): string | undefined {
  const address = params.text(key);
  const fault = address === undefined ? undefined : addressFault(address);
  if (fault !== undefined) params.problem(key, fault);
  return fault === undefined ? address : SOME_ADDRESS;
}

/** Stands for an address that was reported, so that its absence is not reported, too. */
const SOME_ADDRESS = 'http://localhost';

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
  if (Object.hasOwn(PRICE_STRUCTURES, key)) return priceStructure(section, key);
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
  const usd = section.number(key);
  if (usd === undefined) return undefined;
  const place = priceField(key);
  if (!place) {
    if (usd > 0) section.ignore(key);
  } else if (priceIn(place.field, usd) === undefined)
    section.problem(key, `must have at most ${maxDecimals(place.field)} decimals`);
  return usd;
}

/** Reports a deployment that names a credential: none is stored here under a name, so a call would go out without one. */
export function unknownCredential(params: Readonly<Record<string, unknown>>): string | undefined {
  const { litellm_credential_name: name } = params;
  return name === undefined || name === null || name === ''
    ? undefined
    : `there is no credential ${JSON.stringify(name)}; credentials stand in the model itself here`;
}

/** Returns the id of a deployment. It is the same after a restart and does not depend on secrets. */
function stableId({ modelName, litellmParams }: ModelConfig, alike: Map<string, number>): string {
  const { model, api_base, api_version } = litellmParams;
  const route = [modelName, model, api_base ?? null, api_version ?? null];
  const nth = alike.get(JSON.stringify(route)) ?? 0;
  alike.set(JSON.stringify(route), nth + 1);
  return hash('sha256', JSON.stringify([...route, nth]), 'hex').slice(0, 32);
}
