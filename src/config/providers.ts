import { addressFault } from './address.js';
import { bedrockRoute, entraIdentity, isOfHost, vertexRoute, type WireName } from './cloud-routes.js';
import type { CloudSettings } from './cloud-settings.js';
import { isKnownProvider, keysOfHost, NOT_SERVED, type ProviderFacts, SERVED } from './provider-facts.js';

/** Values of the environment variables that providers' keys and addresses have, by name. */
export type ProviderVariables = Readonly<Record<string, string>>;

/** Routes of providers with an API of their own. */
const SPOKEN: Readonly<Record<string, readonly string[]>> = {
  anthropic: ['/messages', '/messages/count_tokens'],
  cohere: ['/chat/completions', '/embeddings', '/rerank'],
  cohere_chat: ['/chat/completions', '/embeddings', '/rerank'],
  voyage: ['/embeddings'],
};
/** Routes that OpenAI-compatible APIs do not have. */
const OF_GEMINI = ['/generateContent', '/countTokens', '/embedContent'];
const ONLY_THEIRS = new Set([...SPOKEN.anthropic!, ...OF_GEMINI, '/converse']);
/** Routes by the way a cloud takes calls. */
const SPOKEN_BY_WIRE: Readonly<Partial<Record<WireName, readonly string[]>>> = {
  azureClaude: ['/messages', '/messages/count_tokens'],
  vertexClaude: ['/messages', '/messages/count_tokens'],
  gemini: ['/chat/completions', '/embeddings', ...OF_GEMINI],
  vertexGemini: ['/chat/completions', '/generateContent', '/countTokens'],
  vertexPartner: ['/chat/completions'],
  bedrockClaude: ['/messages', '/converse'],
  bedrock: ['/converse'],
  cohere: SPOKEN.cohere!,
};

/** Makers with APIs of both forms, OpenAI's and Anthropic's, by where the second is. */
const MESSAGES_WIRES: Readonly<Record<string, WireName>> = {
  deepseek: 'messagesBelowAnthropic',
  minimax: 'messagesBelowAnthropic',
  moonshot: 'messagesBelowAnthropic',
  zai: 'messagesBelowAnthropic',
  coralbricks: 'messagesBeside',
  cortecs: 'messagesBeside',
  edenai: 'messagesBeside',
  inferenceapis: 'messagesBeside',
  meta: 'messagesBeside',
  prism: 'messagesBeside',
  sail: 'messagesBeside',
  tencent: 'messagesBeside',
};

/** Tells whether calls at this path can be passed to this provider. */
export function speaks(
  { provider, wire }: { readonly provider: string; readonly wire?: WireName },
  path: string,
): boolean {
  const spoken = wire ? SPOKEN_BY_WIRE[wire] : SPOKEN[provider];
  if (spoken) return spoken.includes(path);
  return !ONLY_THEIRS.has(path) || (wire !== undefined && path === '/messages');
}

/** An API to which calls are translated, by the package that speaks it. */
export type TargetApi = 'anthropic';

/** The API of a provider that does not speak OpenAI's chat. */
const CHAT_TARGETS: Readonly<Record<string, TargetApi>> = {
  anthropic: 'anthropic',
  azureClaude: 'anthropic',
  vertexClaude: 'anthropic',
};

/** Returns the API to which calls at this path are translated. Undefined if their bytes pass, or if nothing serves them. */
export function targetApi(
  deployment: { readonly provider: string; readonly wire?: WireName },
  path: string,
): TargetApi | undefined {
  if (speaks(deployment, path)) return undefined;
  const { provider, wire = provider } = deployment;
  return path === '/chat/completions' && Object.hasOwn(CHAT_TARGETS, wire) ? CHAT_TARGETS[wire] : undefined;
}

/** Tells whether calls at this path are answered: their bytes pass, or they are translated. */
export const answers = (
  deployment: { readonly provider: string; readonly wire?: WireName },
  path: string,
): boolean => speaks(deployment, path) || targetApi(deployment, path) !== undefined;

interface ParsedModel {
  readonly provider: string;
  /** Name of the model at the upstream. */
  readonly name: string;
}

/** Splits `<provider>/<name>`. A bare name, or one whose prefix is no provider, is read as OpenAI's. */
export function parseModel(model: string): ParsedModel {
  const slash = model.indexOf('/');
  const prefix = slash < 0 ? '' : model.slice(0, slash);
  return isKnownProvider(prefix)
    ? { provider: prefix, name: model.slice(slash + 1) }
    : { provider: 'openai', name: model };
}

/** The members of `litellm_params` that decide where calls go. */
export interface RouteParams {
  readonly model: string;
  readonly api_base?: string;
  readonly api_key?: string;
  readonly api_version?: string;
  readonly organization?: string;
  readonly extra_headers?: Readonly<Record<string, string>>;
  readonly [other: string]: unknown;
}

/** Target of the calls of a deployment, with its credential. */
export interface ProviderRoute {
  readonly provider: string;
  /** Name of the model at the upstream. */
  readonly name: string;
  readonly base: string;
  /** The name under which price tables have the model, with its region. Absent: `name`. */
  readonly pricedName?: string;
  /** Absent: calls carry no key. */
  readonly apiKey?: string;
  /** The environment variable that the key is from. */
  readonly keyVariable?: string;
  readonly apiVersion?: string;
  readonly organization?: string;
  /** The identity whose credential calls carry instead of a key. */
  readonly identity?: CloudSettings;
  /** How the cloud takes calls. Absent: at the path of their type, below `base`. */
  readonly wire?: WireName;
  /** The model's id in paths, if it is not its name. */
  readonly modelId?: string;
  /** True if `apiKey` is a token of Entra ID. */
  readonly isToken?: true;
}

export interface RouteProblem {
  /** The member of `litellm_params`, or the environment variable, that is wrong. */
  readonly at: string;
  readonly problem: string;
}

/**
 * Returns where calls go, or why they cannot go anywhere. What `litellm_params` leave open comes from the provider's own
 * variables. A variable's key goes to no host of another provider.
 */
export function routeOf(
  params: RouteParams,
  variables: ProviderVariables = {},
): ProviderRoute | RouteProblem {
  const parsed = providerOf(params);
  if ('problem' in parsed) return parsed;
  const { provider } = parsed;
  const name = upstreamNameOf(provider, parsed.name);
  if (params.mock_response !== undefined) return { provider, name, base: 'http://mock' };
  if (provider === 'vertex_ai' || provider === 'vertex_ai_beta')
    return atOwnHost(vertexRoute(name, params, variables), params);
  if (provider === 'bedrock') return atOwnHost(bedrockRoute(name, params, variables), params);
  const facts = SERVED[provider]!;
  const address = addressOf(provider, name, params, facts, variables);
  if ('problem' in address) return address;
  const { base } = address;
  const messagesWire = MESSAGES_WIRES[provider];
  const { version, organization } = facts;
  const keyVariable = params.api_key === undefined ? keyVariableFor(base, facts, variables) : undefined;
  const key = params.api_key ?? (keyVariable === undefined ? undefined : variables[keyVariable]);
  const isAzure = provider === 'azure' || provider === 'azure_ai';
  const token = isAzure && key === undefined ? azureToken(params, variables) : undefined;
  const apiKey = key ?? token;
  const identity = isAzure && apiKey === undefined ? entraIdentity(params, variables) : undefined;
  const ownOrganization =
    params.organization ??
    (keyVariable === undefined || organization === undefined ? undefined : variables[organization]);
  const apiVersion = azureVersion(
    provider,
    base,
    params.api_version ?? (version === undefined ? undefined : variables[version]),
  );
  return {
    provider,
    name,
    base,
    ...(apiKey !== undefined && { apiKey }),
    ...(keyVariable !== undefined && { keyVariable }),
    ...(apiVersion !== undefined && { apiVersion }),
    ...(ownOrganization !== undefined && { organization: ownOrganization }),
    ...(token !== undefined && { isToken: true as const }),
    ...(identity && { identity }),
    ...(provider === 'azure_ai' && isClaude(name) && { wire: 'azureClaude' as const }),
    ...(provider === 'gemini' && { wire: 'gemini' as const }),
    ...(messagesWire && { wire: messagesWire }),
    ...((provider === 'cohere' || provider === 'cohere_chat') && { wire: 'cohere' as const }),
  };
}

/** Hosts to which a cloud's own identities go. */
const HOSTS_OF_CLOUDS: Readonly<Record<string, RegExp>> = {
  vertex_ai: /(?:^|\.)googleapis\.com\.?$/,
  bedrock: /(?:^|\.)(?:amazonaws\.com(?:\.cn)?|api\.aws)\.?$/,
};

/** Returns the route, unless it would take an identity that the deployment does not name to another provider. */
function atOwnHost(route: ProviderRoute | RouteProblem, params: RouteParams): ProviderRoute | RouteProblem {
  if ('problem' in route) return route;
  const { provider, base, identity, apiKey } = route;
  const isNamed = identity ? !isOfHost(identity) : apiKey !== undefined && apiKey === params.api_key;
  const isElsewhere =
    keysOfHost(base) !== undefined && !HOSTS_OF_CLOUDS[provider]!.test(new URL(base).hostname);
  return isElsewhere && !isNamed
    ? { at: 'api_base', problem: `is another provider's, which gets no identity of this host` }
    : route;
}

/** Returns the name under which a provider knows a model that LiteLLM's files write in another way. */
export function upstreamNameOf(provider: string, name: string): string {
  if (provider === 'fireworks_ai' && !/[/#*]/.test(name)) return `accounts/fireworks/models/${name}`;
  // The router of Hugging Face takes the provider behind the name.
  const parts = provider === 'huggingface' ? name.split('/') : [];
  return parts.length === 3 && !name.includes('*') ? `${parts[1]}/${parts[2]}:${parts[0]}` : name;
}

const isClaude = (name: string) => name.startsWith('claude-');

/** Returns a token of Entra ID that a setting holds. */
const azureToken = ({ azure_ad_token: own }: RouteParams, variables: ProviderVariables): string | undefined =>
  (typeof own === 'string' && own) || variables.AZURE_AD_TOKEN || undefined;

/**
 * Tells whether the model's provider is that of each requested name: `*`, `gpt-*`. LiteLLM routes such a name by its
 * prefix.
 */
export const isRoutedByName = ({ model, custom_llm_provider: custom }: RouteParams): boolean =>
  !custom && model.split('/', 1)[0]!.includes('*');

/**
 * Returns the route of one name at a deployment of `*`, undefined if no provider serves it. A key, organization or header of
 * a deployment without an address is OpenAI's, so it goes to no other provider. A server on this host must be named.
 */
export function routeForName<T extends RouteParams>(
  { api_key, organization, extra_headers, ...others }: T,
  model: string,
  variables: ProviderVariables,
): { readonly route: ProviderRoute; readonly params: T } | undefined {
  const hasAddress = others.api_base !== undefined || others.base_url !== undefined;
  const ofOpenAi = { api_key, organization, extra_headers };
  const parsed = providerOf({ model });
  const isOfOpenAi = !('problem' in parsed) && parsed.provider === 'openai';
  const params = { ...others, ...((hasAddress || isOfOpenAi) && ofOpenAi), model } as unknown as T;
  const route = routeOf(params, variables);
  if ('problem' in route || missingKey(route, params)) return undefined;
  const { identity } = route;
  if (
    identity &&
    isOfHost(identity) &&
    !(identity.cloud === 'google' && variables.GOOGLE_APPLICATION_CREDENTIALS)
  )
    return undefined;
  const { bases } = SERVED[route.provider]!;
  const isNamed = hasAddress || bases.some((variable) => variables[variable]);
  return isNamed || !isOnThisHost(route.base) ? { route, params } : undefined;
}

const isOnThisHost = (base: string) => /^(?:localhost|127\.0\.0\.1)$/.test(new URL(base).hostname);

/** Names of OpenAI's own models, fine-tuned ones included. `gpt-oss` and others of that prefix are not OpenAI's to serve. */
const NAMES_OF_OPENAI =
  /^(?:ft:|(?:gpt|o)-?\d|gpt-(?:image|audio|realtime|transcribe|live)|chatgpt-|text-(?:embedding|moderation|davinci|curie|babbage|ada)|omni-|davinci|babbage|dall-e|whisper-|tts-|sora-|codex-|computer-use-)/;
/** Bare names of other makers' models, as LiteLLM routes them. */
const NAMES_OF_OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^claude-/, 'anthropic'],
  [/^(?:rerank|embed)-/, 'cohere'],
  [/^command-/, 'cohere_chat'],
  [/^gemini-/, 'vertex_ai'],
  [
    /^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|cohere|mistral|ai21|deepseek|stability|qwen|openai)\./,
    'bedrock',
  ],
  [/^jamba-/, 'ai21_chat'],
];

function providerOf(params: RouteParams): ParsedModel | RouteProblem {
  const { model, custom_llm_provider: custom, api_base, base_url, mock_response } = params;
  const slash = model.indexOf('/');
  const prefix = slash < 0 ? undefined : model.slice(0, slash);
  const rest = model.slice(slash + 1);
  if (typeof custom === 'string' && custom)
    return served(custom, prefix === custom ? rest : model, params, 'custom_llm_provider');
  if (prefix !== undefined && isKnownProvider(prefix)) return served(prefix, rest, params, 'model');
  if (prefix === undefined && !NAMES_OF_OPENAI.test(model)) {
    const [, other] = NAMES_OF_OTHERS.find(([names]) => names.test(model)) ?? [];
    if (other === 'anthropic' || (other !== undefined && !api_base && !base_url))
      return served(other, model, params, 'model');
  }
  // A server at an address of its own has names of its own.
  const isOpenAi = prefix === undefined && NAMES_OF_OPENAI.test(model);
  if (isOpenAi || api_base || base_url || mock_response !== undefined)
    return { provider: 'openai', name: model };
  return {
    at: 'model',
    problem:
      prefix === undefined
        ? `does not say which provider serves '${model}'. Write it before the name: openai/${model}`
        : `'${prefix}' is no provider that is known. Write the provider before the name, such as openai/${model}, or name an api_base`,
  };
}

/** Returns the provider if it is served. */
function served(
  provider: string,
  name: string,
  { mock_response }: RouteParams,
  at: string,
): ParsedModel | RouteProblem {
  if (Object.hasOwn(SERVED, provider) || mock_response !== undefined) return { provider, name };
  if (NOT_SERVED.has(provider)) return { at, problem: `the provider '${provider}' is not served yet` };
  return { at, problem: `'${provider}' is no provider that is known` };
}

function addressOf(
  provider: string,
  name: string,
  params: RouteParams,
  { base: usual, bases, account }: ProviderFacts,
  variables: ProviderVariables,
): { readonly base: string } | RouteProblem {
  const writtenBase = params.api_base ?? (params.base_url as string | undefined);
  const variable = writtenBase === undefined ? bases.find((one) => variables[one]) : undefined;
  const own = variable === undefined ? writtenBase : variables[variable];
  const fault = variable === undefined ? undefined : addressFault(variables[variable]!);
  if (fault !== undefined) return { at: 'api_base', problem: `from ${variable} ${fault}` };
  const ofAccount =
    own === undefined && account
      ? (params[account.member] ?? variables[account.variables.find((one) => variables[one])!])
      : undefined;
  if (ofAccount !== undefined && !(typeof ofAccount === 'string' && ACCOUNT.test(ofAccount)))
    return { at: account!.member, problem: 'has characters that no address has' };
  const base = own ?? (ofAccount === undefined ? usual : account!.base(ofAccount));
  return base === null
    ? {
        at: 'model',
        problem: `the provider '${provider}' needs an api_base${orVariable([...bases, ...(account?.variables ?? [])])}`,
      }
    : { base: (OWN_BASE[provider] ?? asItIs)(base, name) };
}

/** An account or a region as one label of an address. */
const ACCOUNT = /^[a-z0-9](?:[\w.-]{0,120}[a-z0-9])?$/i;

const orVariable = (names: readonly string[]) => (names.length ? `, or ${names.join(' or ')}` : '');

/** Returns the variable whose key goes to this address: one of the provider's own. */
function keyVariableFor(
  base: string,
  { keys }: ProviderFacts,
  variables: ProviderVariables,
): string | undefined {
  const owned = keysOfHost(base);
  return keys.find((name) => variables[name] && (owned?.has(name) ?? true));
}

/** Tells whether a name belongs to another provider, by the prefix that LiteLLM's files write. */
export const hasOtherPrefix = (name: string, provider: string): boolean =>
  name.includes('/') && isKnownProvider(name.split('/', 1)[0]!) && !name.startsWith(`${provider}/`);

/** Hosts that serve OpenAI's own models, whatever a deployment calls them. */
const HOSTS_OF_OPENAI = /(?:^|\.)(?:openai\.com|openai\.azure\.com|services\.ai\.azure\.com)\.?$/;

export const isHostOfOpenAi = (address: string): boolean => HOSTS_OF_OPENAI.test(new URL(address).hostname);

const CREDENTIAL_HEADERS = new Set(['authorization', 'x-api-key', 'api-key']);

/**
 * Returns the problem if a call would reach a provider without any key. An own server, or a company's proxy, may need
 * none.
 */
export function missingKey(route: ProviderRoute, { extra_headers }: RouteParams): RouteProblem | undefined {
  const { provider, base, apiKey, identity } = route;
  if (apiKey !== undefined || identity || base === 'http://mock') return undefined;
  if (provider !== 'azure' && provider !== 'azure_ai' && !keysOfHost(base)) return undefined;
  if (Object.keys(extra_headers ?? {}).some((name) => CREDENTIAL_HEADERS.has(name.toLowerCase())))
    return undefined;
  const keys = SERVED[provider]!.keys.filter((name) => keysOfHost(base)?.has(name) ?? true);
  return {
    at: 'api_key',
    problem: `is missing, and ${new URL(base).hostname} answers no call without one${keys.length ? `. Set ${keys.join(' or ')}, or write it` : ''}`,
  };
}

const asItIs = (base: string) => base;

const withV1 = (base: string) => base.replace(/\/+$/, '').replace(/(?:\/v1)?$/, '/v1');

/** Returns the base of chats that stands beside a base of Anthropic's form. */
const besideAnthropic = (base: string, end: string) =>
  base.replace(/\/anthropic(?:\/v1)?(?:\/messages)?\/*$/, end);

const hasPath = (base: string) => new URL(base).pathname !== '/';

function cohereBase(base: string): string {
  const own = base.replace(/\/+$/, '').replace(/\/(?:chat|rerank|embed)(?:\/completions)?$/, '');
  return own.replace(/(?:\/compatibility)?(?:\/v[12])?$/, '/v2');
}

/** Returns the base of an API with or without the part that precedes every route, as LiteLLM's files write it. */
const OWN_BASE: Readonly<Record<string, (base: string, name: string) => string>> = {
  anthropic: (base) => base.replace(/\/+$/, '').replace(/(?:\/v1)?(?:\/messages)?$/, '/v1'),
  // Ollama's API of OpenAI's form is under /v1. LiteLLM's files name the address without it.
  ollama: (base) => withV1(base.replace(/\/api(?:\/(?:chat|generate|embed|embeddings))?\/*$/, '')),
  ollama_chat: (base) => withV1(base.replace(/\/api(?:\/(?:chat|generate|embed|embeddings))?\/*$/, '')),
  mistral: (base) => withV1(base),
  // A base of either API of these makers.
  minimax: (base) => withV1(besideAnthropic(base, '')),
  deepseek: (base) => besideAnthropic(base, ''),
  moonshot: (base) => besideAnthropic(base, '/v1'),
  zai: (base) => besideAnthropic(base, '/paas/v4'),
  cometapi: (base) => withV1(base),
  heroku: (base) => withV1(base),
  oobabooga: (base) => withV1(base),
  huggingface: (base) => withV1(base.replace(/(?:\/v1)?\/chat\/completions\/*$/, '')),
  // A base of Cohere's own API, of its compatible one, or LiteLLM's whole address.
  cohere: cohereBase,
  cohere_chat: cohereBase,
  cloudflare: (base) => base.replace(/\/+$/, '').replace(/\/ai\/run$/, '/ai/v1'),
  databricks: (base) => (hasPath(base) ? base : `${base.replace(/\/+$/, '')}/serving-endpoints`),
  snowflake: (base) => (hasPath(base) ? base : `${base.replace(/\/+$/, '')}/api/v2/cortex/v1`),
  // A model of one customer has an address of its own.
  baseten: (base, name) =>
    base === SERVED.baseten!.base && /^[a-z0-9]{8}$/.test(name)
      ? `https://model-${name}.api.baseten.co/environments/production/sync/v1`
      : base,
  // LiteLLM's files name the address of Google's own API.
  gemini: (base) => base.replace(/\/+$/, '').replace(/(?:\/v1(?:beta)?)?(?:\/openai)?$/, '/v1beta/openai'),
  // Claude has its maker's API there, other models OpenAI's.
  azure_ai: (base, name) => {
    const resource = base.replace(/\/+$/, '');
    if (isClaude(name)) return resource.replace(/(?:\/anthropic)?(?:\/v1)?(?:\/messages)?$/, '/anthropic/v1');
    const hasPath = new URL(resource).pathname !== '/';
    return hasPath || !new URL(resource).hostname.endsWith('.services.ai.azure.com')
      ? resource.replace(/\/chat\/completions$/, '')
      : `${resource}/models`;
  },
  azure: (base) =>
    AZURE_V1.test(base) ? base : base.replace(/\/+$/, '').replace(/(?:\/openai(?:\/.*)?)?$/, '/openai'),
};

/** Tells whether an address is Azure's newer API, which is OpenAI's own: the model in the body, no version in the query. */
const AZURE_V1 = /\/openai\/v1\/*$/;
const AZURE_DEFAULT_VERSION = '2024-10-21';

/** Returns the API version that every call to an Azure resource must name; undefined elsewhere. */
export const azureVersion = (
  provider: string,
  base: string,
  apiVersion = AZURE_DEFAULT_VERSION,
): string | undefined => (provider === 'azure' && !AZURE_V1.test(base) ? apiVersion : undefined);

/** Returns the header that carries the provider's key. */
export function credentialHeaders(route: ProviderRoute): Record<string, string> {
  const { provider, base, apiKey, keyVariable, wire, isToken } = route;
  if (wire === 'azureClaude' || wire === 'vertexClaude') {
    const carrier: Record<string, string> = isToken
      ? { authorization: `Bearer ${apiKey}` }
      : apiKey === undefined
        ? {}
        : { 'x-api-key': apiKey };
    return { 'anthropic-version': '2023-06-01', ...carrier };
  }
  if (provider === 'anthropic' && keyVariable !== 'ANTHROPIC_AUTH_TOKEN')
    return { 'anthropic-version': '2023-06-01', ...(apiKey !== undefined && { 'x-api-key': apiKey }) };
  if (provider === 'anthropic')
    return { 'anthropic-version': '2023-06-01', authorization: `Bearer ${apiKey}` };
  if (apiKey === undefined) return {};
  if (provider === 'snowflake') return snowflakeHeaders(apiKey);
  if (provider === 'sarvam') return { authorization: `Bearer ${apiKey}`, 'api-subscription-key': apiKey };
  const isAzureKey = provider === 'azure' || (provider === 'azure_ai' && isHostOfOpenAi(base));
  return isAzureKey && !isToken ? { 'api-key': apiKey } : { authorization: `Bearer ${apiKey}` };
}

/** Returns the headers of a key of Snowflake. LiteLLM writes an access token as `pat/<token>`. */
function snowflakeHeaders(apiKey: string): Record<string, string> {
  const isPat = apiKey.startsWith('pat/');
  return {
    authorization: `Bearer ${isPat ? apiKey.slice('pat/'.length) : apiKey}`,
    'x-snowflake-authorization-token-type': isPat ? 'PROGRAMMATIC_ACCESS_TOKEN' : 'KEYPAIR_JWT',
  };
}

/** OpenAI's models that refuse `max_tokens`. */
const REASONS = /^(?:ft:)?(?:o[1-9](?:-|$)|gpt-[5-9]|codex-)/;

/** Tells whether a model of OpenAI, or the model behind a deployment of it, is a reasoning one. */
export const isReasoningModel = (name: string, baseModel = name): boolean =>
  REASONS.test(parseModel(baseModel).name) || REASONS.test(name);

/**
 * Returns the member from which a provider reads an output limit in a chat. OpenAI reads `max_completion_tokens`, for its
 * reasoning models nothing else, and so does Snowflake. Every other API reads `max_tokens`, also a server at its own address that calls itself
 * OpenAI's. On Azure a model has the name of its deployment, so `baseModel` identifies it.
 */
export function outputLimitMember(provider: string, base: string, name: string, baseModel = name): string {
  if (provider === 'snowflake') return 'max_completion_tokens';
  const isReasoning = isReasoningModel(name, baseModel);
  if (provider === 'azure') return isReasoning ? 'max_completion_tokens' : 'max_tokens';
  if (provider !== 'openai') return 'max_tokens';
  return isReasoning || isHostOfOpenAi(base) ? 'max_completion_tokens' : 'max_tokens';
}

/** Providers that refuse `stream_options`. They report a stream's usage without it. */
const TELL_USAGE_UNASKED = new Set(['mistral', 'codestral']);
/** The first version of Azure's API with `stream_options`. */
const AZURE_FIRST_VERSION = '2024-09-01';

/** Tells whether a provider takes `stream_options`. */
export const takesStreamOptions = (provider: string, azureApiVersion: string | undefined): boolean =>
  !TELL_USAGE_UNASKED.has(provider) &&
  (azureApiVersion === undefined || !(azureApiVersion < AZURE_FIRST_VERSION));

/** Tells whether a segment of a path leads to another path. */
export const isDots = (segment: string): boolean => segment === '.' || segment === '..';
