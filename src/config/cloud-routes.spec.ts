import { describe, expect, it } from 'vitest';
import { type ProviderVariables, type RouteParams, routeOf } from './providers.js';

const KEY = { aws_access_key_id: 'AKID', aws_secret_access_key: 'secret' };
const ACCOUNT = '{"type":"service_account","project_id":"of-the-account","private_key":"k"}';

/** Returns what a route says, or its problem. */
function shown(params: RouteParams, variables: ProviderVariables = {}) {
  const route = routeOf(params, variables);
  if ('problem' in route) return `${route.at}: ${route.problem}`;
  const { base, name, wire, modelId, identity, apiKey } = route;
  return { base, name, wire, modelId, identity, apiKey };
}

describe('bedrock/', () => {
  const AT = (region: string) => `https://bedrock-runtime.${region}.amazonaws.com`;

  it.each<[string, object, ProviderVariables, object]>([
    [
      'anthropic.claude-x-v1:0',
      { aws_region_name: 'eu-west-1' },
      {},
      { base: AT('eu-west-1'), name: 'anthropic.claude-x-v1:0', wire: 'bedrockClaude' },
    ],
    ['us-west-2/anthropic.claude-x-v1:0', {}, {}, { base: AT('us-west-2'), name: 'anthropic.claude-x-v1:0' }],
    ['us-west-2/anthropic.claude-x-v1:0', { aws_region_name: 'us-west-2' }, {}, { base: AT('us-west-2') }],
    [
      'converse/us.amazon.nova-pro-v1:0',
      {},
      { AWS_REGION: 'us-east-1' },
      { base: AT('us-east-1'), name: 'us.amazon.nova-pro-v1:0', wire: 'bedrock' },
    ],
    [
      'invoke/us.anthropic.claude-x',
      {},
      { AWS_DEFAULT_REGION: 'us-east-1' },
      { name: 'us.anthropic.claude-x', wire: 'bedrockClaude' },
    ],
    [
      'arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-x',
      {},
      {},
      { base: AT('us-east-1'), wire: 'bedrockClaude' },
    ],
    [
      'arn:aws-us-gov:bedrock:us-gov-west-1:1:inference-profile/us-gov.anthropic.claude-x',
      {},
      {},
      { base: AT('us-gov-west-1') },
    ],
    [
      'anthropic.claude-x',
      { model_id: 'arn:aws:bedrock:eu-west-3:1:application-inference-profile/abc' },
      {},
      {
        base: AT('eu-west-3'),
        name: 'anthropic.claude-x',
        modelId: 'arn:aws:bedrock:eu-west-3:1:application-inference-profile/abc',
      },
    ],
    ['anthropic.claude-x', { aws_region_name: 'cn-north-1' }, {}, { base: `${AT('cn-north-1')}.cn` }],
    [
      'anthropic.claude-x',
      { aws_region_name: 'eu-west-1', aws_bedrock_runtime_endpoint: 'https://vpce.example' },
      {},
      { base: 'https://vpce.example' },
    ],
    [
      'anthropic.claude-x',
      { aws_region_name: 'eu-west-1', api_key: 'bearer' },
      {},
      { apiKey: 'bearer', identity: undefined },
    ],
    [
      'anthropic.claude-x',
      { aws_region_name: 'eu-west-1' },
      { AWS_BEARER_TOKEN_BEDROCK: 'bearer' },
      { apiKey: 'bearer' },
    ],
    [
      'anthropic.claude-x',
      { aws_region_name: 'eu-west-1', ...KEY },
      { AWS_BEARER_TOKEN_BEDROCK: 'bearer' },
      { apiKey: undefined, identity: { accessKeyId: 'AKID' } },
    ],
    [
      'anthropic.claude-x',
      { aws_region_name: 'eu-west-1', ...KEY },
      { AWS_ACCESS_KEY_ID: 'other', AWS_SECRET_ACCESS_KEY: 'o', AWS_SESSION_TOKEN: 'of the other' },
      { identity: { cloud: 'aws', region: 'eu-west-1', accessKeyId: 'AKID', secretAccessKey: 'secret' } },
    ],
    [
      'anthropic.claude-x',
      { aws_region_name: 'eu-west-1' },
      { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: 'c' },
      {
        identity: {
          cloud: 'aws',
          region: 'eu-west-1',
          accessKeyId: 'a',
          secretAccessKey: 'b',
          sessionToken: 'c',
        },
      },
    ],
    [
      'anthropic.claude-x',
      { aws_region_name: 'eu-west-1', aws_profile_name: 'gate' },
      { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
      { identity: { cloud: 'aws', region: 'eu-west-1', profile: 'gate' } },
    ],
    [
      'anthropic.claude-x',
      {
        aws_region_name: 'eu-west-1',
        aws_role_name: 'arn:r',
        aws_session_name: 's',
        aws_external_id: 'e',
        ...KEY,
      },
      {},
      { identity: { role: 'arn:r', sessionName: 's', externalId: 'e', accessKeyId: 'AKID' } },
    ],
  ])('%s with %j and %j', (name, params, variables, expected) => {
    expect(shown({ model: `bedrock/${name}`, ...params }, variables)).toMatchObject(expected);
  });

  it.each<[string, object, string]>([
    ['eu.anthropic.claude-x', {}, 'aws_region_name: is missing'],
    [
      'us-west-2/anthropic.claude-x',
      { aws_region_name: 'eu-west-1' },
      'aws_region_name: is eu-west-1, but the model names us-west-2',
    ],
    [
      'arn:aws:bedrock:us-east-1:1:inference-profile/x',
      { aws_region_name: 'eu-west-1' },
      'aws_region_name: is eu-west-1, but the model names us-east-1',
    ],
    ['anthropic.claude-x', { aws_region_name: 'eu-west-1/../x' }, 'is no region'],
    [
      'anthropic.claude-x',
      { aws_region_name: 'eu-west-1', aws_access_key_id: 'A' },
      'aws_secret_access_key: is missing',
    ],
    [
      'anthropic.claude-x',
      { aws_region_name: 'eu-west-1', aws_secret_access_key: 'A' },
      'aws_access_key_id: is missing',
    ],
    [
      'anthropic.claude-x',
      { aws_region_name: 'eu-west-1', api_base: 'https://api.openai.com' },
      'api_base: is another provider',
    ],
  ])('%s with %j: %s', (name, params, problem) => {
    expect(shown({ model: `bedrock/${name}`, ...params })).toContain(problem);
  });
});

describe('vertex_ai/', () => {
  const AT = (host: string, project: string, location: string) =>
    `https://${host}/v1/projects/${project}/locations/${location}`;

  it.each<[string, object, ProviderVariables, object]>([
    [
      'claude-x@1',
      { vertex_project: 'p', vertex_location: 'europe-west1' },
      {},
      {
        base: AT('europe-west1-aiplatform.googleapis.com', 'p', 'europe-west1'),
        name: 'claude-x@1',
        wire: 'vertexClaude',
        identity: { cloud: 'google' },
      },
    ],
    [
      'gemini-x',
      { vertex_ai_project: 'p', vertex_ai_location: 'global' },
      {},
      { base: AT('aiplatform.googleapis.com', 'p', 'global'), wire: 'vertexGemini' },
    ],
    [
      'gemini-x',
      { vertex_project: 'p', vertex_location: 'eu' },
      {},
      { base: AT('aiplatform.eu.rep.googleapis.com', 'p', 'eu') },
    ],
    [
      'meta/llama',
      { vertex_project: 'p' },
      {},
      {
        base: AT('us-central1-aiplatform.googleapis.com', 'p', 'us-central1'),
        name: 'meta/llama',
        wire: 'vertexPartner',
      },
    ],
    [
      'gemini-x',
      { vertex_credentials: ACCOUNT },
      {},
      {
        base: AT('us-central1-aiplatform.googleapis.com', 'of-the-account', 'us-central1'),
        identity: { cloud: 'google', credentials: ACCOUNT },
      },
    ],
    [
      'gemini-x',
      { vertex_credentials: JSON.parse(ACCOUNT) as object },
      {},
      { identity: { credentials: ACCOUNT } },
    ],
    [
      'gemini-x',
      {},
      { VERTEXAI_PROJECT: 'v', VERTEXAI_LOCATION: 'asia-east1', VERTEXAI_CREDENTIALS: ACCOUNT },
      {
        base: AT('asia-east1-aiplatform.googleapis.com', 'v', 'asia-east1'),
        identity: { credentials: ACCOUNT },
      },
    ],
    [
      'gemini-x',
      { vertex_project: 'p', api_base: 'https://proxy.example/v1/' },
      {},
      { base: AT('proxy.example', 'p', 'us-central1') },
    ],
  ])('%s with %j and %j', (name, params, variables, expected) => {
    expect(shown({ model: `vertex_ai/${name}`, ...params }, variables)).toMatchObject(expected);
  });

  it.each<[object, string]>([
    [{}, 'vertex_project: is missing'],
    [{ vertex_project: 'a/../b' }, 'vertex_project: has characters'],
    [{ vertex_project: 'p', vertex_location: 'evil.example/' }, 'vertex_location: has characters'],
    [{ vertex_project: 'p', vertex_credentials: '{"half": ' }, 'vertex_credentials: is no JSON'],
    [{ vertex_project: 'p', api_base: 'https://api.openai.com/v1' }, 'api_base: is another provider'],
  ])('%j: %s', (params, problem) => {
    expect(shown({ model: 'vertex_ai/gemini-x', ...params })).toContain(problem);
  });
});

describe('azure', () => {
  const model = { model: 'azure/dep', api_base: 'https://r.openai.azure.com' };
  const application = { tenant_id: 't', client_id: 'c', client_secret: 's' };

  it.each<[object, ProviderVariables, object | undefined]>([
    [
      application,
      {},
      {
        cloud: 'entra',
        scope: 'https://cognitiveservices.azure.com/.default',
        tenantId: 't',
        clientId: 'c',
        clientSecret: 's',
      },
    ],
    [{ ...application, azure_scope: 'api://x/.default' }, {}, { scope: 'api://x/.default' }],
    [
      {},
      { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 's' },
      { tenantId: 't', clientSecret: 's' },
    ],
    [{}, { AZURE_CREDENTIAL: 'DefaultAzureCredential' }, { cloud: 'entra' }],
    [{ client_id: 'managed' }, {}, { clientId: 'managed' }],
    [{ ...application, api_key: 'k' }, {}, undefined],
    [{ ...application, azure_ad_token: 'token' }, {}, undefined],
    [{ tenant_id: 't' }, {}, undefined],
  ])('%j and %j', (params, variables, identity) => {
    const route = shown({ ...model, ...params }, variables) as { identity?: object };
    if (identity) expect(route.identity).toMatchObject(identity);
    else expect(route.identity).toBeUndefined();
  });
});
