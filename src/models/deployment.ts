import { hash } from 'node:crypto';
import { type WireName, wireOfName } from '../config/cloud-routes.js';
import type { CloudSettings } from '../config/cloud-settings.js';
import type { CredentialSource } from '../clouds/credential-source.js';
import { checkCallDefaults } from '../config/call-defaults.js';
import type { LitellmParams, ModelInfo } from '../config/config.js';
import { priceField, priceIn } from '../config/price-fields.js';
import { Report, Section } from '../config/section.js';
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
import { callEditFaults, type CallEdits, callEditsOf } from './call-edits.js';
import { imageTokens } from './image-tokens.js';
import { knownModel } from './price-table.js';
import { TEAM_MODEL_PREFIX, unknownCredential } from '../config/models.js';
import {
  credentialHeaders,
  isRoutedByName,
  outputLimitMember,
  parseModel,
  type ProviderRoute,
  type ProviderVariables,
  routeForName,
  routeOf,
  takesStreamOptions,
  upstreamNameOf,
} from '../config/providers.js';
import { documentedLimits } from './documented-limits.js';

/** One callable endpoint of a model. */
export interface Deployment {
  /** LiteLLM `model_info.id`. */
  readonly id: string;
  /** The public name; may contain `*`. A team's own model has an internal name here. */
  readonly modelName: string;
  readonly provider: string;
  readonly upstreamName: string;
  /** `https://host:port` and the path before the route. */
  readonly origin: string;
  readonly basePath: string;
  /** Azure's API version. If it is set, the path has the deployment's name. */
  readonly apiVersion?: string;
  /** How the provider's own API takes calls. Absent: as OpenAI's or Anthropic's own. */
  readonly wire?: WireName;
  /** The model's id in the paths of its wire, if it is not `upstreamName`. */
  readonly modelId?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Credentials in `headers`. They must never be shown: `secretsOf` returns them with those of `credential`. */
  readonly secrets: readonly Buffer[];
  /** Source of the headers with a cloud's credential. Absent: `headers` has the credential. */
  readonly credential?: CredentialSource;
  readonly timeoutMs: number;
  readonly maxRetries?: number;
  readonly weight: number;
  readonly mockResponse?: string;
  /** Its changes to the bodies of calls. Absent: bodies are sent as the client wrote them. */
  readonly callEdits?: CallEdits;
  readonly price?: Price;
  readonly maxInputTokens?: number;
  /** Maximum of prompt and answer together: the configured maximum prompt, or the documented window. */
  readonly contextTokens?: number;
  readonly maxOutputTokens?: number;
  /** True if answers may fill the whole context. */
  readonly answersFillContext?: true;
  /** True if the model may reason without a request to do so. */
  readonly reasons?: true;
  /** The member of a chat's body that limits the output. */
  readonly limitMember: string;
  /** True if its API accepts `stream_options`, by which a client asks for usage. */
  readonly acceptsStreamOptions: boolean;
  /** Maximum tokens of one image in a prompt. */
  readonly imageTokens?: number;
  /** True if the price table has it as a model of OpenAI with the current encoding. */
  readonly encodesLikeOpenAi: boolean;
  readonly accessGroups: readonly string[];
  /** Further members of its configuration: `mode`, `supports_…`, `tpm`, `rpm`. */
  readonly traits: Readonly<Record<string, unknown>>;
  /** The team that owns it, and the name under which its keys call it. */
  readonly team?: { readonly id: string; readonly publicName: string };
  /** The same deployment for one upstream name, whose prefix names its provider. Absent: the provider is fixed. */
  readonly forName?: (upstreamName: string) => Deployment | undefined;
}

export interface DeploymentSource {
  readonly modelName: string;
  readonly litellmParams: LitellmParams;
  readonly modelInfo: ModelInfo;
}

/** Returns the source of an identity's credential, for the deployment of this name. Undefined if it may not use this identity. */
export type CredentialSourceFor = (
  identity: CloudSettings,
  deployment: string,
) => CredentialSource | undefined;

/** Returns all secrets that a deployment's requests may carry. */
export const secretsOf = ({ secrets, credential }: Deployment): readonly Buffer[] =>
  credential ? [...secrets, ...credential.secrets] : secrets;

/**
 * Builds a deployment from its configuration, or returns the problem. `variables`: the providers' own environment
 * variables. Without `credentialFor`, a deployment with a cloud's identity has no credential.
 */
export function makeDeployment(
  source: DeploymentSource,
  defaultTimeoutMs: number,
  variables: ProviderVariables = {},
  credentialFor?: CredentialSourceFor,
): Deployment | { readonly problem: string } {
  const { litellmParams } = source;
  const unknown = unknownCredential(litellmParams);
  if (unknown !== undefined) return { problem: `litellm_params.litellm_credential_name: ${unknown}` };
  const report = new Report();
  checkCallDefaults(new Section(litellmParams, 'litellm_params', report));
  const faults = report.problems.length ? report.problems : callEditFaults(litellmParams);
  if (faults.length) return { problem: faults.join('; ') };
  if (source.modelName.includes('*') && starsIn(litellmParams.model) > starsIn(source.modelName))
    return { problem: `litellm_params.model: has more * than model_name '${source.modelName}'` };
  if (litellmParams.mock_response === undefined && isRoutedByName(litellmParams)) {
    const forName = (model: string) => {
      const found = routeForName(litellmParams, model, variables);
      return (
        found &&
        deploymentAt(found.route, { ...source, litellmParams: found.params }, defaultTimeoutMs, credentialFor)
      );
    };
    const route = { provider: 'openai', name: litellmParams.model, base: 'http://by-name' };
    return Object.freeze({ ...deploymentAt(route, source, defaultTimeoutMs), forName });
  }
  const route = routeOf(litellmParams, variables);
  if ('problem' in route) return { problem: `litellm_params.${route.at}: ${route.problem}` };
  const deployment = deploymentAt(route, source, defaultTimeoutMs, credentialFor);
  if (route.identity && credentialFor && !deployment.credential)
    return {
      problem: 'a model of the database with an address of its own must name its credential beside it',
    };
  return deployment;
}

const starsIn = (name: string) => name.split('*').length - 1;

function deploymentAt(
  route: ProviderRoute,
  { modelName, litellmParams, modelInfo }: DeploymentSource,
  defaultTimeoutMs: number,
  credentialFor?: CredentialSourceFor,
): Deployment {
  const { provider, name, base, apiVersion, apiKey, identity } = route;
  const credential = identity && credentialFor?.(identity, modelName);
  const { origin, pathname } = new URL(base);
  const known = modelInfo.base_model
    ? knownFiguresOfBase(provider, modelInfo.base_model)
    : knownFigures(provider, name);
  const price = priceWith({ ...modelInfo, ...litellmParams }, known.price);
  const maxInputTokens = numberOf(modelInfo.max_input_tokens);
  const maxOutputTokens = numberOf(modelInfo.max_output_tokens) ?? numberOf(modelInfo.max_tokens);
  const maxImageTokens = imageTokens(provider, modelInfo.base_model ?? name);
  const callEdits = callEditsOf(litellmParams);
  return Object.freeze({
    ...withConfiguredLimits(known, maxInputTokens, maxOutputTokens),
    ...(modelInfo.supports_reasoning === true && { reasons: true as const }),
    ...(maxImageTokens !== undefined && { imageTokens: maxImageTokens }),
    id: modelInfo.id!,
    ...nameOf(modelName, modelInfo),
    provider,
    upstreamName: name,
    origin,
    basePath: pathname.replace(/\/+$/, ''),
    ...(apiVersion !== undefined && { apiVersion }),
    headers: Object.freeze(headersOf(route, litellmParams)),
    secrets: [apiKey, ...Object.values(litellmParams.extra_headers ?? {})].flatMap((text) =>
      text !== undefined && text.length >= MIN_SECRET_CHARS ? [Buffer.from(text)] : [],
    ),
    ...(credential && { credential }),
    ...(route.wire && { wire: route.wire }),
    ...(route.modelId !== undefined && { modelId: route.modelId }),
    timeoutMs: litellmParams.timeout ? litellmParams.timeout * 1_000 : defaultTimeoutMs,
    weight: litellmParams.weight ?? 1,
    limitMember: outputLimitMember(provider, base, name, modelInfo.base_model),
    acceptsStreamOptions: takesStreamOptions(provider, apiVersion),
    encodesLikeOpenAi: isOpenAiModel(provider, name),
    accessGroups: modelInfo.access_groups ?? [],
    traits: { tpm: litellmParams.tpm, rpm: litellmParams.rpm, ...modelInfo },
    ...(litellmParams.max_retries !== undefined && { maxRetries: litellmParams.max_retries }),
    ...(litellmParams.mock_response !== undefined && { mockResponse: litellmParams.mock_response }),
    ...(callEdits && { callEdits }),
    ...(price && { price }),
  });
}

/** Replaces figures of the tables by configured limits. */
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

/** Returns the names of a deployment. A model with `model_info.team_id` belongs to that team and gets an internal name. */
function nameOf(publicName: string, { team_id: id }: ModelInfo): Pick<Deployment, 'modelName' | 'team'> {
  if (typeof id !== 'string' || !id) return { modelName: publicName };
  // The suffix has a fixed length, so the models of two teams never have the same name.
  const suffix = hash('sha256', publicName, 'hex').slice(0, 32);
  return { modelName: `${TEAM_MODEL_PREFIX}${id}_${suffix}`, team: { id, publicName } };
}

/** OpenAI's models since GPT-4o. Older models and embeddings have another encoding. */
const SINCE_GPT_4O = /^(?:ft:)?(?:gpt-4o|chatgpt-4o|gpt-4\.[15]|gpt-[5-9]|o[1-9](?![a-z0-9])|codex-mini)/i;

const isOpenAiModel = (provider: string, upstreamName: string) =>
  provider === 'openai' &&
  SINCE_GPT_4O.test(upstreamName) &&
  knownModel(provider, upstreamName) !== undefined;

type KnownFigures = Pick<
  Deployment,
  'price' | 'maxInputTokens' | 'contextTokens' | 'maxOutputTokens' | 'answersFillContext' | 'reasons'
>;

/** Returns price and limits from the tables of known models. They apply if the configuration sets none. */
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

/** Anthropic's models, which reason only if a call asks for it. */
const CLAUDE = /(?:^|\/)anthropic\//;

/** Returns a wildcard deployment with the properties of one upstream name. */
export function namedDeployment(deployment: Deployment, requestedName: string): Deployment {
  const { imageTokens: _, ...known } = deployment;
  const { provider, origin, traits, maxInputTokens, maxOutputTokens } = known;
  const upstreamName = upstreamNameOf(provider, requestedName);
  const { base_model: baseModel } = traits as { readonly base_model?: string };
  const maxImageTokens = imageTokens(provider, baseModel ?? upstreamName);
  const wire = wireOfName(provider, upstreamName);
  return Object.freeze({
    ...known,
    ...(wire && { wire }),
    ...(maxImageTokens !== undefined && { imageTokens: maxImageTokens }),
    ...(!baseModel &&
      withConfiguredLimits(knownFigures(provider, upstreamName), maxInputTokens, maxOutputTokens)),
    ...(deployment.price && { price: deployment.price }),
    limitMember: outputLimitMember(provider, origin, upstreamName, baseModel),
    encodesLikeOpenAi: isOpenAiModel(provider, upstreamName),
    upstreamName,
  });
}

/** Returns the figures of a base model at this provider, or else at its original one. Azure's `gpt-4o` is OpenAI's. */
function knownFiguresOfBase(provider: string, baseModel: string): ReturnType<typeof knownFigures> {
  const base = parseModel(baseModel);
  const own = knownFigures(provider, base.name);
  return own.price ? own : { ...own, ...knownFigures(base.provider, base.name) };
}

/** Returns a deployment's path for a call type with this path in OpenAI's API. */
export function pathAt({ basePath, apiVersion, upstreamName }: Deployment, path: string): string {
  if (apiVersion === undefined) return basePath + path;
  const inside = path.startsWith('/responses') ? '' : `/deployments/${encodeURIComponent(upstreamName)}`;
  return `${basePath}${inside}${path}?api-version=${apiVersion}`;
}

/** Minimum length of a secret. A shorter text may occur in any response. */
const MIN_SECRET_CHARS = 4;

function headersOf(route: ProviderRoute, { extra_headers }: LitellmParams): Record<string, string> {
  const { organization } = route;
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream, */*;q=0.5',
    'accept-encoding': 'identity',
    ...credentialHeaders(route),
    ...(organization !== undefined && { 'openai-organization': organization }),
    ...Object.fromEntries(
      Object.entries(extra_headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    ),
  };
}

const numberOf = (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/** Fields that make a price. All others only refine one. */
const PRICE_FIELDS = [
  'input',
  'output',
  'request',
  ...UNITS.filter((unit) => unit !== 'webSearches'),
] as const;

/** Returns the configured price, or else the known one. Adds the fee of web searches. */
function priceWith(settings: Readonly<Record<string, unknown>>, known: Price | undefined): Price | undefined {
  const configured = configuredPrice(settings);
  const price = configured ? { ...configured, isConfigured: true as const } : known;
  // An explicitly free model stays free.
  const webSearches =
    webSearchPrice(settings) ?? (configured && isFree(configured) ? undefined : known?.webSearches);
  return price && webSearches !== undefined ? withWebSearches(price, webSearches) : price;
}

/** Returns the highest of LiteLLM's web search prices by context size. */
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

/** Returns the configured price. Undefined if the configuration has no price of a prompt, an answer, a call or another unit. */
function configuredPrice(settings: Readonly<Record<string, unknown>>): Price | undefined {
  const set = Object.entries(settings).flatMap(([name, value]) => {
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
    // A level inherits missing prices from the level below, and a service tier from the plain price.
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
