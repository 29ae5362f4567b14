import { hash } from 'node:crypto';
import { type WireName, wireOfName } from '../config/cloud-routes.js';
import type { CloudSettings } from '../config/cloud-settings.js';
import type { CredentialSource } from '../clouds/credential-source.js';
import { priceField } from '../config/price-fields.js';
import { PRICE_STRUCTURES } from '../config/price-structures.js';
import { checkCallDefaults } from '../config/call-defaults.js';
import { type ChatRenames, chatRenames } from '../config/chat-renames.js';
import type { LitellmParams, ModelInfo } from '../config/config.js';
import { Report, Section } from '../config/section.js';
import type { Price } from '../policy/price.js';
import { callEditFaults, type CallEdits, callEditsOf } from './call-edits.js';
import { imageTokens } from './image-tokens.js';
import { type KnownModel, knownModel, priceIn, priceMembers } from '../prices/known-model.js';
import { providerOfBareName } from './bare-name-provider.js';
import { scaledPrice } from '../prices/scaled-price.js';
import type { TableRow } from '../prices/table-row.js';
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

/** One callable endpoint of a model. */
export interface Deployment {
  /** LiteLLM `model_info.id`. */
  readonly id: string;
  /** The public name; may contain `*`. A team's own model has an internal name here. */
  readonly modelName: string;
  readonly provider: string;
  readonly upstreamName: string;
  /** Its name in the price table, if that is another one. */
  readonly pricedName?: string;
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
  /** The members of the price that the operator wrote. */
  readonly ownPrices?: TableRow;
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
  /** Names in a chat that its provider knows otherwise. Absent: none. */
  readonly chatRenames?: ChatRenames;
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
  const baseModel = modelInfo.base_model ?? litellmParams.base_model;
  const model = inRegion(knownOf(provider, route.pricedName ?? name, baseModel), base);
  const known = figuresOf(model, provider, name);
  const ownPrices = ownPriceMembers({ ...modelInfo, ...litellmParams });
  const price = priceWith(ownPrices, provider, model);
  const maxInputTokens = numberOf(modelInfo.max_input_tokens);
  const maxOutputTokens = numberOf(modelInfo.max_output_tokens) ?? numberOf(modelInfo.max_tokens);
  const maxImageTokens = imageTokens(provider, baseModel ?? name);
  const callEdits = callEditsOf(litellmParams);
  const renames = chatRenames(provider, base, name, baseModel);
  return Object.freeze({
    ...withConfiguredLimits(known, maxInputTokens, maxOutputTokens),
    ...(modelInfo.supports_reasoning === true && { reasons: true as const }),
    ...(maxImageTokens !== undefined && { imageTokens: maxImageTokens }),
    id: modelInfo.id!,
    ...nameOf(modelName, modelInfo),
    provider,
    upstreamName: name,
    ...(route.pricedName !== undefined && { pricedName: route.pricedName }),
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
    limitMember: outputLimitMember(provider, base, name, baseModel),
    ...(renames && { chatRenames: renames }),
    acceptsStreamOptions: takesStreamOptions(provider, apiVersion),
    encodesLikeOpenAi: isOpenAiModel(provider, name),
    accessGroups: modelInfo.access_groups ?? [],
    traits: {
      tpm: litellmParams.tpm,
      rpm: litellmParams.rpm,
      ...modelInfo,
      ...(baseModel !== undefined && { base_model: baseModel }),
    },
    ...(litellmParams.max_retries !== undefined && { maxRetries: litellmParams.max_retries }),
    ...(litellmParams.mock_response !== undefined && { mockResponse: litellmParams.mock_response }),
    ...(callEdits && { callEdits }),
    ...(price && { price }),
    ...(Object.keys(ownPrices).length && { ownPrices }),
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

/** Returns price and limits from the sources of known models. They apply if the configuration sets none. */
export const knownFigures = (provider: string, upstreamName: string): KnownFigures =>
  figuresOf(knownModel(provider, upstreamName), provider, upstreamName);

function figuresOf(model: KnownModel | undefined, provider: string, upstreamName: string): KnownFigures {
  const { price, maxInputTokens, maxOutputTokens, contextTokens, answersFillContext, reasons } = model ?? {};
  return {
    ...(price && { price }),
    ...(maxInputTokens !== undefined && { maxInputTokens }),
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
  const { imageTokens: _, chatRenames: __, pricedName: pattern, ...known } = deployment;
  const { provider, origin, traits, maxInputTokens, maxOutputTokens, ownPrices } = known;
  const upstreamName = upstreamNameOf(provider, requestedName);
  const pricedName = pattern?.endsWith(known.upstreamName)
    ? pattern.slice(0, -known.upstreamName.length) + upstreamName
    : undefined;
  const { base_model: baseModel } = traits as { readonly base_model?: string };
  const maxImageTokens = imageTokens(provider, baseModel ?? upstreamName);
  const wire = wireOfName(provider, upstreamName);
  const renames = chatRenames(provider, origin, upstreamName, baseModel);
  const model = inRegion(knownOf(provider, pricedName ?? upstreamName, baseModel), origin);
  return Object.freeze({
    ...known,
    ...(renames && { chatRenames: renames }),
    ...(wire && { wire }),
    ...(pricedName !== undefined && { pricedName }),
    ...(maxImageTokens !== undefined && { imageTokens: maxImageTokens }),
    ...(!baseModel &&
      withConfiguredLimits(figuresOf(model, provider, upstreamName), maxInputTokens, maxOutputTokens)),
    ...(ownPrices && { price: priceWith(ownPrices, provider, model) }),
    limitMember: outputLimitMember(provider, origin, upstreamName, baseModel),
    encodesLikeOpenAi: isOpenAiModel(provider, upstreamName),
    upstreamName,
  });
}

/**
 * Returns what is known of the model behind a deployment. A base model is looked up at the deployment's provider, then at its own:
 * Azure's `gpt-4o` is OpenAI's.
 */
export function knownOf(provider: string, name: string, baseModel?: string): KnownModel | undefined {
  if (baseModel === undefined) return knownModel(provider, name);
  const base = parseModel(baseModel);
  const own = knownModel(provider, base.name);
  if (own?.price) return own;
  return (
    knownModel(base.provider, base.name) ?? knownModel(providerOfBareName(baseModel) ?? '', baseModel) ?? own
  );
}

const UPLIFTS: readonly (readonly [host: RegExp, member: string])[] = [
  [/^us\.api\.openai\.com$/, 'regional_processing_uplift_multiplier_us'],
  [/^eu\.api\.openai\.com$/, 'regional_processing_uplift_multiplier_eu'],
  [/^[a-z0-9-]+-aiplatform\.(?:[a-z0-9-]+\.)?googleapis\.com$/, 'regional_endpoint_uplift_multiplier'],
];
const THOUSANDTHS = 1_000;

/** Returns a model at the price of the region that its address is in. */
function inRegion(model: KnownModel | undefined, base: string): KnownModel | undefined {
  const host = new URL(base).hostname;
  const [, member] = UPLIFTS.find(([hosts]) => hosts.test(host)) ?? [];
  const factor = member === undefined ? undefined : Number(model?.members[member]);
  if (!model?.price || !factor || !Number.isFinite(factor)) return model;
  const priceThousandths = BigInt(Math.round(factor * THOUSANDTHS));
  return { ...model, price: scaledPrice(model.price, priceThousandths), priceThousandths };
}

/** Returns what the sources know of the model of a deployment. */
export function modelOf({
  provider,
  upstreamName,
  pricedName,
  origin,
  traits,
}: Deployment): KnownModel | undefined {
  const { base_model: baseModel } = traits as { readonly base_model?: string };
  return inRegion(knownOf(provider, pricedName ?? upstreamName, baseModel), origin);
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

const billsSomething = (name: string) =>
  priceField(name) !== undefined || Object.hasOwn(PRICE_STRUCTURES, name);

/** Members of a file that a price is made of. */
const ownPriceMembers = (settings: Readonly<Record<string, unknown>>): TableRow =>
  Object.fromEntries(
    Object.entries(settings).filter(
      ([name, value]) => billsSomething(name) && value !== undefined && value !== null,
    ),
  );

/** Returns the members of a table's price beside the own ones. A price of reasoning that is the answer's follows the answer's. */
function restOf(members: TableRow, own: TableRow): TableRow {
  const { output_cost_per_reasoning_token: reasoning, ...others } = priceMembers(members);
  const follows = own.output_cost_per_token !== undefined && reasoning === members.output_cost_per_token;
  return reasoning === undefined || follows
    ? others
    : { ...others, output_cost_per_reasoning_token: reasoning };
}

/**
 * Returns the price of a deployment: its own members, and the rest of what the sources say about its model. A deployment that is
 * free of its own costs nothing of that rest.
 */
function priceWith(own: TableRow, provider: string, model: KnownModel | undefined): Price | undefined {
  if (!Object.keys(own).length) return model?.price;
  const configured = priceIn({ ...restOfPrice(own, model), ...own }, provider);
  return configured ? { ...configured, isConfigured: true } : model?.price;
}

/** Returns the members of the sources that count beside a deployment's own. */
export function restOfPrice(own: TableRow, model: KnownModel | undefined): TableRow {
  const isFree = own.input_cost_per_token === 0 && own.output_cost_per_token === 0;
  return isFree || own.tiered_pricing !== undefined || !model ? {} : restOf(model.members, own);
}
