import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AWS_KEY, Clouds } from '../harness/clouds.js';
import { Entra, ENTRA_TOKEN } from '../harness/entra.js';
import { eventually } from '../harness/eventually.js';
import { Gateway } from '../harness/gateway.js';

const CLAUDE = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const BODY = { max_tokens: 20, messages: [{ role: 'user', content: 'Name a river.' }] };
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  content: [{ type: 'text', text: 'Danube' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 1, output_tokens: 1 },
};
const CHAT = {
  id: 'c',
  object: 'chat.completion',
  choices: [],
  usage: { prompt_tokens: 1, completion_tokens: 1 },
};

let clouds: Clouds;
let entra: Entra;
let gateway: Gateway;
let folder: string;

beforeAll(async () => {
  [clouds, entra] = await Promise.all([Clouds.start(), Entra.start()]);
  folder = mkdtempSync(join(tmpdir(), 'tollgate-identities-'));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const { url } = clouds;
  const account = file('account.json', clouds.serviceAccount);
  const model = (name: string, litellm_params: object) => ({ model_name: name, litellm_params });
  const aws = { aws_region_name: 'eu-central-1', aws_bedrock_runtime_endpoint: url };
  const vertex = { model: 'vertex_ai/claude-sonnet-4-5', api_base: `${url}/v1` };
  gateway = await Gateway.start({
    config: {
      model_list: [
        model('adc', vertex),
        model('path', { ...vertex, vertex_credentials: account, vertex_project: 'another' }),
        model('no-file', {
          ...vertex,
          vertex_credentials: join(folder, 'nothing.json'),
          vertex_project: 'p',
        }),
        model('profile', { model: `bedrock/${CLAUDE}`, ...aws, aws_profile_name: 'gate' }),
        model('no-profile', { model: `bedrock/${CLAUDE}`, ...aws, aws_profile_name: 'nobody' }),
        model('container', { model: `bedrock/${CLAUDE}`, ...aws }),
        model('web-file', {
          model: `bedrock/${CLAUDE}`,
          ...aws,
          aws_role_name: 'arn:aws:iam::111122223333:role/web',
          aws_web_identity_token: file('web-token', 'a.b.c\n'),
          aws_sts_endpoint: `${url}/sts`,
        }),
        model('application', { model: 'azure/my-dep', api_base: url }),
        model('wrong-secret', { model: 'azure/my-dep', api_base: url, client_secret: 'another' }),
        model('azure-claude', { model: 'azure_ai/claude-sonnet-4-5', api_base: url }),
      ],
    },
    env: {
      GOOGLE_APPLICATION_CREDENTIALS: account,
      AWS_SHARED_CREDENTIALS_FILE: file(
        'credentials',
        `[gate]\naws_access_key_id = ${AWS_KEY.accessKeyId}\naws_secret_access_key = ${AWS_KEY.secretAccessKey}\n`,
      ),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token-of-the-container',
      AZURE_TENANT_ID: 'tenant-1',
      AZURE_CLIENT_ID: 'application-1',
      AZURE_CLIENT_SECRET: 'secret-of-the-application',
      AZURE_AUTHORITY_HOST: entra.url,
      NODE_EXTRA_CA_CERTS: entra.certificate,
    },
  });
  clouds.answer = ({ path }) => ({ body: path.includes('chat') ? CHAT : MESSAGE });
});
afterAll(async () => {
  await gateway.close();
  await Promise.all([clouds.close(), entra.close()]);
  rmSync(folder, { recursive: true });
});

const call = async (model: string, path = '/v1/messages') => {
  const before = clouds.calls.length;
  const { status } = await gateway.admin('POST', path, { ...BODY, model });
  return { status, sent: clouds.calls.slice(before)[0] };
};

describe('an identity of the host', () => {
  it.each([
    ['adc', '/v1/projects/proj-1/'],
    ['path', '/v1/projects/another/'],
  ])('Google, %s', async (model, path) => {
    const { status, sent } = await call(model);
    expect(status).toBe(200);
    expect(sent!.path.startsWith(path)).toBe(true);
    expect(sent!.headers.authorization).toMatch(/^Bearer token-number-/);
  });

  it.each([
    ['profile', AWS_KEY.accessKeyId],
    ['container', 'ASIATOLLGATEROLE0001'],
    ['web-file', 'ASIATOLLGATEROLE0001'],
  ])('AWS, %s', async (model, id) => {
    const { status, sent } = await call(model);
    expect(status).toBe(200);
    expect(sent!.headers.authorization).toContain(`Credential=${id}/`);
  });

  it('Entra ID: the application of the variables, with no question to any other host', async () => {
    const { status, sent } = await call('application', '/v1/chat/completions');
    const { authorization, 'api-key': key } = sent!.headers;
    expect([status, authorization, key]).toEqual([200, `Bearer ${ENTRA_TOKEN}`, undefined]);
    const claude = await call('azure-claude');
    expect([claude.status, claude.sent!.headers.authorization]).toEqual([200, `Bearer ${ENTRA_TOKEN}`]);
    expect(entra.paths.every((path) => path.startsWith('/tenant-1/'))).toBe(true);
  });
});

describe('an identity that is wrong', () => {
  it.each([
    ['no-file', '/v1/messages', /no-file: no credential.*nothing\.json/],
    ['no-profile', '/v1/messages', /no-profile: no credential.*nobody/],
    ['wrong-secret', '/v1/chat/completions', /wrong-secret: no credential.*AADSTS7000215/s],
  ])('%s: its calls are 503 and send nothing; all others work', async (model, path, words) => {
    const { status, sent } = await call(model, path);
    expect([status, sent]).toEqual([503, undefined]);
    await eventually(() => expect(gateway.logs).toMatch(words));
    expect((await call('adc')).status).toBe(200);
  });

  it('no log has a secret', () => {
    for (const secret of [AWS_KEY.secretAccessKey, 'secret-of-the-application', 'PRIVATE KEY', ENTRA_TOKEN])
      expect(gateway.logs).not.toContain(secret);
    expect(gateway.logs).not.toMatch(/token-number-/);
  });
});
