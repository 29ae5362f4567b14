import type { LitellmParams, ModelInfo } from '../config/config.js';
import type { Price, UnitPrice } from '../policy/price.js';
import { unitPrice } from '../policy/price.js';
import { knownModel } from './price-table.js';
import { baseOf, parseModel } from '../config/providers.js';

/** One way to reach a model, ready to be called. */
export interface Deployment {
  /** LiteLLM `model_info.id`. */
  readonly id: string;
  /** The public name; may contain `*`. */
  readonly modelName: string;
  readonly provider: string;
  readonly upstreamName: string;
  /** `https://host:port` and the path before the route. */
  readonly origin: string;
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What must never be told: the credentials in `headers`. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
  readonly maxRetries?: number;
  readonly weight: number;
  readonly mockResponse?: string;
  readonly price?: Price;
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
  /** One of OpenAI's own models, by the table of known ones. */
  readonly encodesLikeOpenAi: boolean;
  readonly accessGroups: readonly string[];
}

export interface DeploymentSource {
  readonly modelName: string;
  readonly litellmParams: LitellmParams;
  readonly modelInfo: ModelInfo;
}

/** Makes a deployment of its description, or says what is wrong with it. Credentials go nowhere but into its headers. */
export function makeDeployment(
  { modelName, litellmParams, modelInfo }: DeploymentSource,
  defaultTimeoutMs: number,
): Deployment | { readonly problem: string } {
  const { provider, name } = parseModel(litellmParams.model);
  const found =
    litellmParams.mock_response === undefined
      ? baseOf(provider, apiBase(litellmParams))
      : { base: 'http://mock' };
  if ('problem' in found) return { problem: `litellm_params.model: ${found.problem}` };
  const { origin, pathname } = new URL(found.base);
  const price = configuredPrice({ ...modelInfo, ...litellmParams });
  const maxInputTokens = numberOf(modelInfo.max_input_tokens);
  const maxOutputTokens = numberOf(modelInfo.max_output_tokens) ?? numberOf(modelInfo.max_tokens);
  return Object.freeze({
    ...knownFigures(provider, modelInfo.base_model ? parseModel(modelInfo.base_model).name : name),
    id: modelInfo.id!,
    modelName,
    provider,
    upstreamName: name,
    origin,
    basePath: pathname.replace(/\/+$/, ''),
    headers: Object.freeze(headersOf(litellmParams)),
    secrets: [litellmParams.api_key, ...Object.values(litellmParams.extra_headers ?? {})].filter(
      (text) => text !== undefined,
    ),
    timeoutMs: litellmParams.timeout ? litellmParams.timeout * 1_000 : defaultTimeoutMs,
    weight: litellmParams.weight ?? 1,
    encodesLikeOpenAi: isOpenAis(provider, name),
    accessGroups: modelInfo.access_groups ?? [],
    ...(litellmParams.max_retries !== undefined && { maxRetries: litellmParams.max_retries }),
    ...(litellmParams.mock_response !== undefined && { mockResponse: litellmParams.mock_response }),
    ...(price && { price }),
    ...(maxInputTokens !== undefined && { maxInputTokens }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
  });
}

const isOpenAis = (provider: string, upstreamName: string) =>
  provider === 'openai' && knownModel(provider, upstreamName) !== undefined;

/** Price and limits from the table of known models, for what a configuration leaves open. */
export function knownFigures(
  provider: string,
  upstreamName: string,
): Pick<Deployment, 'price' | 'maxInputTokens' | 'maxOutputTokens'> {
  const { price, contextTokens } = knownModel(provider, upstreamName) ?? {};
  return {
    ...(price && { price }),
    ...(contextTokens !== undefined && { maxInputTokens: contextTokens, maxOutputTokens: contextTokens }),
  };
}

const apiBase = ({ api_base, base_url }: LitellmParams) => api_base ?? (base_url as string | undefined);

function headersOf({ api_key, organization, extra_headers }: LitellmParams): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'accept-encoding': 'identity',
    ...(api_key !== undefined && { authorization: `Bearer ${api_key}` }),
    ...(organization !== undefined && { 'openai-organization': organization }),
    ...Object.fromEntries(
      Object.entries(extra_headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    ),
  };
}

const numberOf = (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/** LiteLLM's names of prices, USD per token (or per request). */
const FIELD: Readonly<Record<Exclude<keyof Price, 'tiers'>, string>> = {
  input: 'input_cost_per_token',
  output: 'output_cost_per_token',
  cachedInput: 'cache_read_input_token_cost',
  cacheWrite: 'cache_creation_input_token_cost',
  reasoning: 'output_cost_per_reasoning_token',
  inputAudio: 'input_cost_per_audio_token',
  outputAudio: 'output_cost_per_audio_token',
  request: 'input_cost_per_request',
};
const TIERS = [128_000, 200_000, 272_000];

/** The price a configuration sets; `undefined` unless it says what a prompt or an answer costs. */
function configuredPrice(told: Readonly<Record<string, unknown>>): Price | undefined {
  const plain = levelOf(told, '');
  if (plain.input === undefined && plain.output === undefined && plain.request === undefined)
    return undefined;
  const price = { ...plain, input: plain.input ?? FREE, output: plain.output ?? FREE };
  const tiers = TIERS.flatMap((tokens) => {
    const dearer = levelOf(told, `_above_${tokens / 1_000}k_tokens`);
    return Object.keys(dearer).length ? [{ ...price, ...dearer, aboveInputTokens: tokens }] : [];
  });
  return tiers.length ? { ...price, tiers } : price;
}

const FREE = 0n as UnitPrice;

function levelOf(told: Readonly<Record<string, unknown>>, suffix: string): Partial<Omit<Price, 'tiers'>> {
  return Object.fromEntries(
    Object.entries(FIELD).flatMap(([field, name]) => {
      const usd = numberOf(told[name + suffix]);
      const price = usd === undefined ? undefined : unitPrice(usd);
      return price === undefined ? [] : [[field, price]];
    }),
  );
}
