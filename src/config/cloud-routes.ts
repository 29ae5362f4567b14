import { readFileSync } from 'node:fs';
import type { AwsSettings, CloudSettings, EntraSettings } from './cloud-settings.js';
import type { ProviderRoute, ProviderVariables, RouteParams, RouteProblem } from './providers.js';

/** How a cloud takes calls: under which paths, and in whose form. */
export type WireName =
  | 'azureClaude'
  | 'gemini'
  | 'vertexClaude'
  | 'vertexGemini'
  | 'vertexPartner'
  | 'bedrockClaude'
  | 'bedrock'
  | 'cohere'
  | 'messagesBelowAnthropic'
  | 'messagesBeside';

/** Variables of the clouds, beside those of `provider-facts.ts`. */
export const CLOUD_VARIABLES = [
  'VERTEXAI_CREDENTIALS', 'VERTEXAI_PROJECT', 'VERTEXAI_LOCATION', 'VERTEX_LOCATION', 'VERTEXAI_API_BASE',
  'GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_CLOUD_PROJECT',
  'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION_NAME', 'AWS_REGION',
  'AWS_DEFAULT_REGION', 'AWS_PROFILE', 'AWS_PROFILE_NAME', 'AWS_ROLE_NAME', 'AWS_SESSION_NAME', 'AWS_EXTERNAL_ID',
  'AWS_WEB_IDENTITY_TOKEN', 'AWS_STS_ENDPOINT', 'AWS_BEDROCK_RUNTIME_ENDPOINT', 'AWS_BEARER_TOKEN_BEDROCK',
  'AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET', 'AZURE_AD_TOKEN', 'AZURE_SCOPE', 'AZURE_CREDENTIAL',
] as const; // prettier-ignore

type Settings = Readonly<Record<string, unknown>>;

/** Returns the first of these that is set: settings, then environment variables. */
function setting(
  params: Settings,
  variables: ProviderVariables,
  names: readonly string[],
  envNames: readonly (typeof CLOUD_VARIABLES)[number][] = [],
): string | undefined {
  const own = names.map((name) => params[name]).find((value) => typeof value === 'string' && value !== '');
  return (own as string | undefined) ?? envNames.map((name) => variables[name]).find(Boolean);
}

const problem = (at: string, text: string): RouteProblem => ({ at, problem: text });

/** Returns the parts that are set. */
const present = <T extends Settings>(parts: T) =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  };

/** Returns how a cloud takes calls of this model. Undefined for all other providers. */
export function wireOfName(provider: string, name: string): WireName | undefined {
  if (provider === 'bedrock')
    return /anthropic\.claude|(?:^|\/)claude/.test(name) ? 'bedrockClaude' : 'bedrock';
  if (provider !== 'vertex_ai') return undefined;
  if (name.startsWith('claude-')) return 'vertexClaude';
  return name.includes('/') ? 'vertexPartner' : 'vertexGemini';
}

const PART = /^[\w.:-]{1,128}$/;
const DEFAULT_LOCATION = 'us-central1';

/** Returns the route of a model at Vertex AI. */
export function vertexRoute(
  name: string,
  params: RouteParams,
  variables: ProviderVariables,
): ProviderRoute | RouteProblem {
  const written = params.vertex_credentials ?? params.vertex_ai_credentials;
  const credentials =
    typeof written === 'object' && written !== null
      ? JSON.stringify(written)
      : setting(
          params,
          variables,
          ['vertex_credentials', 'vertex_ai_credentials'],
          ['VERTEXAI_CREDENTIALS', 'GOOGLE_APPLICATION_CREDENTIALS'],
        );
  const isJson = credentials?.trimStart().startsWith('{');
  const json = isJson ? objectIn(credentials!) : objectOf(credentials);
  if (isJson && !json) return problem('vertex_credentials', 'is no JSON');
  const projectId = json?.project_id ?? json?.quota_project_id;
  const project =
    setting(params, variables, ['vertex_project', 'vertex_ai_project'], ['VERTEXAI_PROJECT']) ??
    (typeof projectId === 'string' ? projectId : undefined) ??
    variables.GOOGLE_CLOUD_PROJECT;
  if (project === undefined)
    return problem('vertex_project', 'is missing: write it, or set VERTEXAI_PROJECT');
  if (!PART.test(project)) return problem('vertex_project', 'has characters no project has');
  const location =
    setting(
      params,
      variables,
      ['vertex_location', 'vertex_ai_location'],
      ['VERTEXAI_LOCATION', 'VERTEX_LOCATION'],
    ) ?? DEFAULT_LOCATION;
  if (!/^[a-z0-9-]{1,64}$/.test(location))
    return problem('vertex_location', 'has characters no location has');
  const host =
    setting(params, variables, ['api_base', 'base_url'], ['VERTEXAI_API_BASE']) ?? vertexHost(location);
  return {
    provider: 'vertex_ai',
    name,
    base: `${host.replace(/\/+$/, '')}/projects/${project}/locations/${location}`,
    wire: wireOfName('vertex_ai', name)!,
    identity: { cloud: 'google', ...(credentials !== undefined && { credentials }) },
  };
}

/** Returns the object of a file. A file that cannot be read is reported when its credential is fetched. */
function objectOf(path: string | undefined): Settings | undefined {
  try {
    return path === undefined ? undefined : objectIn(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function vertexHost(location: string): string {
  if (location === 'global') return 'https://aiplatform.googleapis.com/v1';
  if (location === 'eu' || location === 'us') return `https://aiplatform.${location}.rep.googleapis.com/v1`;
  return `https://${location}-aiplatform.googleapis.com/v1`;
}

function objectIn(text: string): Settings | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' ? (value as Settings) : undefined;
  } catch {
    return undefined;
  }
}

/** Ways of asking that LiteLLM's names of Bedrock's models may begin with. */
const WAYS = /^(?:converse_like|converse|invoke)\//;
const REGION = /^[a-z]{2,4}(?:-[a-z]+)+-\d$/;
const ARN = /^arn:aws[\w-]*:bedrock:([a-z0-9-]+):/;

/** Returns the route of a model at Bedrock. Its region must be known: data leave no region unasked. */
export function bedrockRoute(
  fullName: string,
  params: RouteParams,
  variables: ProviderVariables,
): ProviderRoute | RouteProblem {
  const withoutWay = fullName.replace(WAYS, '');
  const slash = withoutWay.indexOf('/');
  const regionInName =
    slash > 0 && REGION.test(withoutWay.slice(0, slash)) ? withoutWay.slice(0, slash) : undefined;
  const name = regionInName === undefined ? withoutWay : withoutWay.slice(slash + 1);
  const ownId = setting(params, {}, ['model_id']);
  const ofName = regionInName ?? ARN.exec(ownId ?? name)?.[1];
  const ofSetting = setting(params, {}, ['aws_region_name']);
  if (ofSetting !== undefined && ofName !== undefined && ofSetting !== ofName)
    return problem('aws_region_name', `is ${ofSetting}, but the model names ${ofName}`);
  const region =
    ofSetting ??
    ofName ??
    setting({}, variables, [], ['AWS_REGION_NAME', 'AWS_REGION', 'AWS_DEFAULT_REGION']);
  if (region === undefined)
    return problem('aws_region_name', 'is missing: write it, or set AWS_REGION. No region is assumed');
  if (!REGION.test(region)) return problem('aws_region_name', `'${region.slice(0, 64)}' is no region`);
  const base =
    setting(
      params,
      variables,
      ['aws_bedrock_runtime_endpoint', 'api_base', 'base_url'],
      ['AWS_BEDROCK_RUNTIME_ENDPOINT'],
    ) ?? `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  const route = {
    provider: 'bedrock',
    name,
    pricedName: `${region}/${name}`,
    base,
    wire: wireOfName('bedrock', `${name} ${ownId ?? ''}`)!,
    ...(ownId !== undefined && { modelId: ownId }),
  } as const;
  const identity = awsIdentity(region, params, variables);
  if ('problem' in identity) return identity;
  const hasOwnIdentity = ['aws_access_key_id', 'aws_role_name', 'aws_profile_name'].some(
    (member) => setting(params, {}, [member]) !== undefined,
  );
  const bearer =
    setting(params, {}, ['api_key']) ??
    (hasOwnIdentity ? undefined : variables.AWS_BEARER_TOKEN_BEDROCK || undefined);
  return bearer === undefined ? { ...route, identity } : { ...route, apiKey: bearer };
}

function awsIdentity(
  region: string,
  params: RouteParams,
  variables: ProviderVariables,
): AwsSettings | RouteProblem {
  const own = setting(params, {}, ['aws_access_key_id']);
  const ownSecret = setting(params, {}, ['aws_secret_access_key']);
  if ((own === undefined) !== (ownSecret === undefined))
    return problem(
      own === undefined ? 'aws_access_key_id' : 'aws_secret_access_key',
      'is missing: an access key has two parts',
    );
  const profile = setting(params, variables, ['aws_profile_name'], ['AWS_PROFILE_NAME', 'AWS_PROFILE']);
  const isFromVariables = own === undefined && profile === undefined;
  const secret = ownSecret ?? (isFromVariables ? variables.AWS_SECRET_ACCESS_KEY : undefined);
  const key = own ?? (isFromVariables && secret ? variables.AWS_ACCESS_KEY_ID : undefined);
  const token =
    own === undefined
      ? isFromVariables && key
        ? variables.AWS_SESSION_TOKEN
        : undefined
      : setting(params, {}, ['aws_session_token']);
  return {
    cloud: 'aws',
    region,
    ...present({
      accessKeyId: key,
      secretAccessKey: key && secret,
      sessionToken: token,
      profile: key === undefined ? profile : undefined,
      role: setting(params, variables, ['aws_role_name'], ['AWS_ROLE_NAME']),
      sessionName: setting(params, variables, ['aws_session_name'], ['AWS_SESSION_NAME']),
      externalId: setting(params, variables, ['aws_external_id'], ['AWS_EXTERNAL_ID']),
      webIdentityToken: setting(params, variables, ['aws_web_identity_token'], ['AWS_WEB_IDENTITY_TOKEN']),
      stsEndpoint: setting(params, variables, ['aws_sts_endpoint'], ['AWS_STS_ENDPOINT']),
    }),
  };
}

const AZURE_SCOPE = 'https://cognitiveservices.azure.com/.default';

/**
 * Returns the identity at Entra ID of a deployment without a key. Undefined if it has none. The host's own identity must be
 * asked for: by a client id alone, or by LiteLLM's AZURE_CREDENTIAL or `enable_azure_ad_token_refresh`.
 */
export function entraIdentity(params: RouteParams, variables: ProviderVariables): EntraSettings | undefined {
  const tenantId = setting(params, variables, ['tenant_id'], ['AZURE_TENANT_ID']);
  const clientId = setting(params, variables, ['client_id'], ['AZURE_CLIENT_ID']);
  const clientSecret = setting(params, variables, ['client_secret'], ['AZURE_CLIENT_SECRET']);
  const isApplication = tenantId !== undefined && clientId !== undefined && clientSecret !== undefined;
  const isHost = clientSecret === undefined && (clientId !== undefined || !!variables.AZURE_CREDENTIAL);
  if (!isApplication && !isHost) return undefined;
  const scope = setting(params, variables, ['azure_scope'], ['AZURE_SCOPE']) ?? AZURE_SCOPE;
  return { cloud: 'entra', scope, ...present({ tenantId, clientId, clientSecret }) };
}

const ADDRESSES = ['api_base', 'base_url', 'aws_bedrock_runtime_endpoint', 'aws_sts_endpoint'];

/** Tells whether a deployment names an address. */
export const namesAddress = (params: Settings): boolean =>
  ADDRESSES.some((name) => params[name] !== undefined && params[name] !== null && params[name] !== '');

/** Tells whether an identity is the host's own, or lies in one of its files. */
export function isOfHost(identity: CloudSettings): boolean {
  switch (identity.cloud) {
    case 'google':
      return !identity.credentials?.trimStart().startsWith('{');
    case 'aws':
      return identity.accessKeyId === undefined;
    case 'entra':
      return identity.clientSecret === undefined;
  }
}
