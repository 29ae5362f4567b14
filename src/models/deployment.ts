import { hash } from 'node:crypto';
import type { LitellmParams, ModelInfo } from '../config/config.js';
import { priceField, priceIn } from '../config/price-fields.js';
import {
  isFree,
  type Price,
  type PriceLevel,
  SERVICE_TIERS,
  type ServiceTier,
  type TieredPrice,
  type UnitPrice,
  UNITS,
} from '../policy/price.js';
import { imageTokens } from './image-tokens.js';
import { knownModel } from './price-table.js';
import { TEAM_MODEL_PREFIX, unknownCredential } from '../config/models.js';
import {
  azureVersion,
  baseOf,
  credentialHeaders,
  outputLimitMember,
  parseModel,
  takesStreamOptions,
} from '../config/providers.js';
import { documentedLimits } from './documented-limits.js';

/** One way to reach a model, ready to be called. */
export interface Deployment {
  /** LiteLLM `model_info.id`. */
  readonly id: string;
  /** The public name; may contain `*`. Of a team's own model a name nobody asks for. */
  readonly modelName: string;
  readonly provider: string;
  readonly upstreamName: string;
  /** `https://host:port` and the path before the route. */
  readonly origin: string;
  readonly basePath: string;
  /** Set where the deployment stands in the path, and this behind it: Azure. */
  readonly apiVersion?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What must never be told: the credentials in `headers`. */
  readonly secrets: readonly Buffer[];
  readonly timeoutMs: number;
  readonly maxRetries?: number;
  readonly weight: number;
  readonly mockResponse?: string;
  readonly price?: Price;
  readonly maxInputTokens?: number;
  /** Prompt and answer together: told as the largest prompt, or documented. */
  readonly contextTokens?: number;
  readonly maxOutputTokens?: number;
  /** Its answers may be as long as its context. */
  readonly answersFillContext?: true;
  /** It may think without being asked to. */
  readonly reasons?: true;
  /** The member of a chat's body it reads an output limit from. */
  readonly limitMember: string;
  /** Its API takes `stream_options`, so a stream may be asked for its usage. */
  readonly acceptsStreamOptions: boolean;
  /** The most tokens one image is read as. */
  readonly imageTokens?: number;
  /** One of OpenAI's own models of its current encoding, by the table of known ones. */
  readonly encodesLikeOpenAi: boolean;
  readonly accessGroups: readonly string[];
  /** What else its description says of it: `mode`, `supports_…`, `tpm`, `rpm`. */
  readonly traits: Readonly<Record<string, unknown>>;
  /** Only this team's keys may call it, and by this name. */
  readonly team?: { readonly id: string; readonly publicName: string };
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
  const unknown = unknownCredential(litellmParams);
  if (unknown !== undefined) return { problem: unknown };
  const { provider, name } = parseModel(litellmParams.model);
  const found =
    litellmParams.mock_response === undefined
      ? baseOf(provider, apiBase(litellmParams))
      : { base: 'http://mock' };
  if ('problem' in found) return { problem: `litellm_params.model: ${found.problem}` };
  const { origin, pathname } = new URL(found.base);
  const apiVersion = azureVersion(provider, found.base, litellmParams.api_version);
  const known = modelInfo.base_model
    ? knownFiguresOfBase(provider, modelInfo.base_model)
    : knownFigures(provider, name);
  const price = priceWith({ ...modelInfo, ...litellmParams }, known.price);
  const maxInputTokens = numberOf(modelInfo.max_input_tokens);
  const maxOutputTokens = numberOf(modelInfo.max_output_tokens) ?? numberOf(modelInfo.max_tokens);
  const mostOfImage = imageTokens(provider, modelInfo.base_model ?? name);
  return Object.freeze({
    ...withConfiguredLimits(known, maxInputTokens, maxOutputTokens),
    ...(modelInfo.supports_reasoning === true && { reasons: true as const }),
    ...(mostOfImage !== undefined && { imageTokens: mostOfImage }),
    id: modelInfo.id!,
    ...nameOf(modelName, modelInfo),
    provider,
    upstreamName: name,
    origin,
    basePath: pathname.replace(/\/+$/, ''),
    ...(apiVersion !== undefined && { apiVersion }),
    headers: Object.freeze(headersOf(provider, litellmParams)),
    secrets: [litellmParams.api_key, ...Object.values(litellmParams.extra_headers ?? {})].flatMap((text) =>
      text !== undefined && text.length >= MIN_SECRET_CHARS ? [Buffer.from(text)] : [],
    ),
    timeoutMs: litellmParams.timeout ? litellmParams.timeout * 1_000 : defaultTimeoutMs,
    weight: litellmParams.weight ?? 1,
    limitMember: outputLimitMember(provider, found.base, name, modelInfo.base_model),
    acceptsStreamOptions: takesStreamOptions(provider, apiVersion),
    encodesLikeOpenAi: isOpenAiModel(provider, name),
    accessGroups: modelInfo.access_groups ?? [],
    traits: { tpm: litellmParams.tpm, rpm: litellmParams.rpm, ...modelInfo },
    ...(litellmParams.max_retries !== undefined && { maxRetries: litellmParams.max_retries }),
    ...(litellmParams.mock_response !== undefined && { mockResponse: litellmParams.mock_response }),
    ...(price && { price }),
  });
}

/** Figures of a model from the tables, and what its operator told instead of them. */
function withConfiguredLimits(
  { answersFillContext, ...known }: KnownFigures,
  maxInputTokens: number | undefined,
  maxOutputTokens: number | undefined,
): KnownFigures {
  return {
    ...known,
    ...(maxInputTokens !== undefined && { maxInputTokens, contextTokens: maxInputTokens }),
    ...(maxOutputTokens !== undefined ? { maxOutputTokens } : answersFillContext && { answersFillContext }),
  };
}

/** LiteLLM `model_info.team_id`: the model is that team's alone, under a name of its own beside everyone's of the same name. */
function nameOf(publicName: string, { team_id: id }: ModelInfo): Pick<Deployment, 'modelName' | 'team'> {
  if (typeof id !== 'string' || !id) return { modelName: publicName };
  // Of fixed length at the end: no two teams' models are called the same.
  const suffix = hash('sha256', publicName, 'hex').slice(0, 32);
  return { modelName: `${TEAM_MODEL_PREFIX}${id}_${suffix}`, team: { id, publicName } };
}

/** OpenAI's models since GPT-4o. Those before it, and its embeddings, have another encoding. */
const SINCE_GPT_4O = /^(?:ft:)?(?:gpt-4o|chatgpt-4o|gpt-4\.[15]|gpt-[5-9]|o[1-9](?![a-z0-9])|codex-mini)/i;

const isOpenAiModel = (provider: string, upstreamName: string) =>
  provider === 'openai' &&
  SINCE_GPT_4O.test(upstreamName) &&
  knownModel(provider, upstreamName) !== undefined;

type KnownFigures = Pick<
  Deployment,
  'price' | 'maxInputTokens' | 'contextTokens' | 'maxOutputTokens' | 'answersFillContext' | 'reasons'
>;

/** Price and limits from the tables of known models, for what a configuration leaves open. */
export function knownFigures(provider: string, upstreamName: string): KnownFigures {
  const { price, contextTokens: window } = knownModel(provider, upstreamName) ?? {};
  const { maxInputTokens, maxOutputTokens, answersFillContext, reasons } = documentedLimits(
    provider,
    upstreamName,
  );
  const contextTokens = window ?? maxInputTokens;
  return {
    ...(price && { price }),
    ...(window !== undefined && { maxInputTokens: window }),
    ...(contextTokens !== undefined && { contextTokens }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(answersFillContext && { answersFillContext }),
    ...(reasons && !CLAUDE.test(`${provider}/${upstreamName}`) && { reasons }),
  };
}

/** Anthropic's models think only where a call asks them to. */
const CLAUDE = /(?:^|\/)anthropic\//;

/** Figures and habits of a deployment whose name stood for any, under the name it stands for now. */
export function namedDeployment(deployment: Deployment, upstreamName: string): Deployment {
  const { imageTokens: _, ...known } = deployment;
  const { provider, origin, traits, maxInputTokens, maxOutputTokens } = known;
  const { base_model: baseModel } = traits as { readonly base_model?: string };
  const mostOfImage = imageTokens(provider, baseModel ?? upstreamName);
  return Object.freeze({
    ...known,
    ...(mostOfImage !== undefined && { imageTokens: mostOfImage }),
    ...(!baseModel &&
      withConfiguredLimits(knownFigures(provider, upstreamName), maxInputTokens, maxOutputTokens)),
    ...(deployment.price && { price: deployment.price }),
    limitMember: outputLimitMember(provider, origin, upstreamName, baseModel),
    encodesLikeOpenAi: isOpenAiModel(provider, upstreamName),
    upstreamName,
  });
}

/** Those of a model's base: at its own provider, or else at the one whose model that is. Azure's `gpt-4o` is OpenAI's. */
function knownFiguresOfBase(provider: string, baseModel: string): ReturnType<typeof knownFigures> {
  const base = parseModel(baseModel);
  const own = knownFigures(provider, base.name);
  return own.price ? own : { ...own, ...knownFigures(base.provider, base.name) };
}

/** Where a deployment answers calls of one kind, whose path in OpenAI's API this is. */
export function pathAt({ basePath, apiVersion, upstreamName }: Deployment, path: string): string {
  if (apiVersion === undefined) return basePath + path;
  const inside = path === '/responses' ? '' : `/deployments/${encodeURIComponent(upstreamName)}`;
  return `${basePath}${inside}${path}?api-version=${apiVersion}`;
}

/** What is shorter is in every answer, and no secret. */
const MIN_SECRET_CHARS = 4;

const apiBase = ({ api_base, base_url }: LitellmParams) => api_base ?? (base_url as string | undefined);

function headersOf(
  provider: string,
  { api_key, organization, extra_headers }: LitellmParams,
): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream, */*;q=0.5',
    'accept-encoding': 'identity',
    ...credentialHeaders(provider, api_key),
    ...(organization !== undefined && { 'openai-organization': organization }),
    ...Object.fromEntries(
      Object.entries(extra_headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    ),
  };
}

const numberOf = (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/** One of these makes a price: the finer ones only refine it. */
const PRICE_FIELDS = [
  'input',
  'output',
  'request',
  ...UNITS.filter((unit) => unit !== 'webSearches'),
] as const;

/** The configured price, or the known one; either with what a web search costs, which is a fee beside both. */
function priceWith(told: Readonly<Record<string, unknown>>, known: Price | undefined): Price | undefined {
  const configured = configuredPrice(told);
  const price = configured ?? known;
  // What is explicitly free stays so.
  const webSearches =
    webSearchPrice(told) ?? (configured && isFree(configured) ? undefined : known?.webSearches);
  return price && webSearches !== undefined ? withWebSearches(price, webSearches) : price;
}

/** LiteLLM's price of a web search, by the size of what is found: the dearest of them. */
function webSearchPrice({ search_context_cost_per_query: bySize }: Readonly<Record<string, unknown>>) {
  if (bySize === null || typeof bySize !== 'object') return undefined;
  const prices = Object.values(bySize).flatMap((usd) => {
    const price = numberOf(usd) === undefined ? undefined : priceIn('webSearches', usd as number);
    return price === undefined ? [] : [price];
  });
  return prices.length ? prices.reduce((most, price) => (price > most ? price : most)) : undefined;
}

function withWebSearches(price: Price, webSearches: UnitPrice): Price {
  const everywhere = (level: TieredPrice): TieredPrice => ({
    ...level,
    webSearches,
    ...(level.tiers && { tiers: level.tiers.map((tier) => ({ ...tier, webSearches })) }),
  });
  return {
    ...everywhere(price),
    ...(price.serviceTiers && {
      serviceTiers: Object.fromEntries(
        Object.entries(price.serviceTiers).map(([name, level]) => [name, everywhere(level)]),
      ),
    }),
  };
}

/** The price a configuration sets; `undefined` unless it says what a prompt, an answer, a call or any other unit costs. */
function configuredPrice(told: Readonly<Record<string, unknown>>): Price | undefined {
  const set = Object.entries(told).flatMap(([name, value]) => {
    const place = priceField(name);
    const usd = numberOf(value);
    const price = place && usd !== undefined ? priceIn(place.field, usd) : undefined;
    return price === undefined ? [] : [{ ...place!, price }];
  });
  const level = (tier?: ServiceTier, above?: number): Partial<PriceLevel> =>
    Object.fromEntries(
      set
        .filter(({ serviceTier, aboveInputTokens }) => serviceTier === tier && aboveInputTokens === above)
        .map(({ field, price }) => [field, price]),
    );
  const thresholds = [...new Set(set.flatMap(({ aboveInputTokens = [] }) => aboveInputTokens))].toSorted(
    (a, b) => a - b,
  );
  const plain = level();
  if (!PRICE_FIELDS.some((field) => plain[field] !== undefined)) return undefined;
  const base = { input: FREE, output: FREE, ...plain };
  const tiered = (tier?: ServiceTier): TieredPrice => {
    // What a dearer level does not say is as below it; what a service does not say is as in the plain one.
    let below: PriceLevel = { ...base, ...level(tier) };
    const tiers = thresholds.map((aboveInputTokens) => {
      below = { ...below, ...level(undefined, aboveInputTokens), ...level(tier, aboveInputTokens) };
      return { ...below, aboveInputTokens };
    });
    return { ...base, ...level(tier), ...(tiers.length && { tiers }) };
  };
  const services = SERVICE_TIERS.filter((tier) => set.some(({ serviceTier }) => serviceTier === tier));
  return {
    ...tiered(),
    ...(services.length && {
      serviceTiers: Object.fromEntries(services.map((tier) => [tier, tiered(tier)])),
    }),
  };
}

const FREE = 0n as UnitPrice;
