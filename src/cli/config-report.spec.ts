import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, readConfig, readSettings, storedSecretProblems } from '../config/read-config.js';
import { configReport } from './config-report.js';

const folder = mkdtempSync(join(tmpdir(), 'tollgate-report-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ENV = { TOLLGATE_DATA: folder, TOLLGATE_MASTER_KEY: 'sk-master-1234', TOLLGATE_SALT_KEY: 's' };

function reportOf(yaml: string, env: Record<string, string> = {}) {
  const files = { exists: () => true, text: () => yaml };
  const read = readSettings({ ...ENV, ...env }, 'config.yaml', files);
  return configReport(read, storedSecretProblems(read));
}

const deployment = (params: string, info = 'base_model: gpt-4o') =>
  `model_list: [{model_name: m, litellm_params: {${params}}, model_info: {${info}}}]`;
const OPENAI = 'model: openai/gpt-4o, api_key: sk-x';

it('describes a file that works as a whole', () => {
  expect(
    reportOf(`${deployment(OPENAI)}\nlitellm_settings: {num_retries: 1}\nrouter_settings: {timeout: 5}`),
  ).toEqual({
    file: 'config.yaml',
    result: 'works',
    exit_code: 0,
    deployments: [
      {
        at: 'model_list[0]',
        model_name: 'm',
        result: 'works',
        provider: 'openai',
        upstream_name: 'gpt-4o',
        address: 'https://api.openai.com/v1',
        key_from: 'api_key',
        price: {
          figures: expect.objectContaining({ input_cost_per_token: 2.5e-6 }),
          sources: expect.objectContaining({ input_cost_per_token: { source: 'litellm' } }),
        },
        remarks: [],
      },
    ],
    settings: [
      { at: 'litellm_settings.num_retries', message: 'works', instead: null, result: 'works' },
      { at: 'router_settings.timeout', message: 'works', instead: null, result: 'works' },
    ],
    remarks: [],
  });
});

describe('a deployment', () => {
  it.each<[string, string, Record<string, string>, object]>([
    ['a key from its variable', deployment('model: groq/x'), { GROQ_API_KEY: 'k' }, { result: 'works', key_from: 'GROQ_API_KEY' }],
    ['a server of its own', deployment('model: hosted_vllm/x, api_base: "http://h/v1"'), {}, { result: 'works', key_from: null, address: 'http://h/v1' }],
    ['a key in a header', deployment('model: openai/x, extra_headers: {Authorization: b}'), {}, { key_from: 'extra_headers' }],
    ['every name', 'model_list: [{model_name: "*", litellm_params: {model: "*"}}]', {}, { result: 'works', provider: null, address: null }],
    ['a canned answer', deployment('model: openai/x, mock_response: hi'), {}, { result: 'works', address: null }],
  ])('with %s', (_, yaml, env, row) => expect(reportOf(yaml, env).deployments[0]).toMatchObject(row));

  it.each<[string, string, Record<string, string>, string, string, string | null]>([
    ['a provider that is not served', deployment('model: sagemaker/x'), {}, 'litellm_params.model', "the provider 'sagemaker' is not served yet", 'litellm_proxy/'],
    ['a server of one’s own without an address', deployment('model: xinference/x, api_key: k'), {}, 'litellm_params.model', 'needs an api_base, or XINFERENCE_API_BASE', null],
    ['no key', deployment('model: groq/x'), {}, 'litellm_params.api_key', 'Set GROQ_API_KEY', null],
    ['one route', deployment('model: voyage/voyage-3, api_key: k'), {}, 'litellm_params.model', 'answers at /v1/embeddings alone', null],
    ['no price', deployment(`${OPENAI}-9`.replace('gpt-4o', 'mine'), ''), {}, 'model_info', 'no price is known', 'base_model'],
    ['a member without effect', deployment(`${OPENAI}, rpm: 5`), {}, 'litellm_params.rpm', 'has no effect', 'rpm_limit'],
    ['a price nobody bills', deployment(OPENAI, 'base_model: gpt-4o, ocr_cost_per_page: 1'), {}, 'model_info.ocr_cost_per_page', 'has no effect', 'docs/configuration.md'],
    ['OpenAI’s key for another server', deployment('model: openai/x, api_base: "http://h/v1"'), { OPENAI_API_KEY: 'k' }, 'litellm_params.api_key', 'OPENAI_API_KEY is sent to h', 'api_key'],
  ])('with %s has a remark', (_, yaml, env, path, message, instead) => {
    const report = reportOf(yaml, env);
    expect(report).toMatchObject({ result: 'works_with_remarks', exit_code: 1 });
    const { remarks } = report.deployments[0]!;
    expect(remarks).toEqual([
      {
        at: `model_list[0].${path}`,
        message: expect.stringContaining(message),
        instead: instead === null ? null : expect.stringContaining(instead),
      },
    ]);
  });
}); // prettier-ignore

describe('a setting', () => {
  it.each<[string, string, string, string, string | null]>([
    ['a callback', 'litellm_settings: {callbacks: [langfuse]}', 'litellm_settings.callbacks', 'no_effect', '/metrics'],
    ['a section nobody reads', 'mcp_servers: {a: {url: x}}', 'mcp_servers', 'no_effect', 'no such routes'],
    ['a part of a setting', 'litellm_settings: {cache_params: {type: redis, host: r, x: 1}}', 'litellm_settings.cache_params.x', 'no_effect', null],
    ['a wrong value', 'litellm_settings: {num_retries: often}', 'litellm_settings.num_retries', 'stops_the_start', null],
    ['an unset variable', 'general_settings: {max_request_size_mb: os.environ/NOPE}', 'general_settings.max_request_size_mb', 'stops_the_start', null],
  ])('%s', (_, yaml, at, result, instead) => {
    const { settings, exit_code } = reportOf(`${deployment(OPENAI)}\n${yaml}`);
    const row = settings.find((setting) => setting.at === at);
    expect(row).toMatchObject({ result });
    if (instead !== null) expect(row!.instead).toContain(instead);
    expect(exit_code).toBe(result === 'no_effect' ? 1 : 2);
  });

  it('of the environment, or a secret of the data folder, may stop the start, too', () => {
    expect(reportOf(deployment(OPENAI), { PORT: 'x' }).settings).toMatchObject([{ at: 'PORT', result: 'stops_the_start' }]);
    writeFileSync(join(folder, 'master-key'), 'password');
    const { settings } = reportOf(deployment(OPENAI), { TOLLGATE_MASTER_KEY: '' });
    expect(settings).toMatchObject([{ at: join(folder, 'master-key'), message: 'must start with sk-' }]);
    rmSync(join(folder, 'master-key'));
  });
}); // prettier-ignore

it('names what is twice, and what nobody serves', () => {
  const { remarks } = reportOf(
    `${deployment(OPENAI)}\nlitellm_settings: {fallbacks: [{m: [nowhere]}], num_retries: 1, num_retries: 2}`,
  );
  expect(remarks).toEqual([
    {
      at: 'litellm_settings.num_retries',
      message: 'is there twice; the last one, on line 2, counts',
      instead: null,
    },
    {
      at: null,
      message: "aliases or fallbacks lead to 'nowhere', which no deployment serves",
      instead: 'A model_name of model_list',
    },
  ]);
});

it.each([
  'a: [',
  '[]',
  'general_settings: []',
  'model_list: {}',
  'model_list: [x]',
  'include: x',
  'general_settings: {database_url: mysql}',
  'general_settings: {litellm_jwtauth: {user_id_upsert: 7}, enable_jwt_auth: true}',
  'litellm_settings: {timezone: Mars}',
  deployment('model: sagemaker/x'),
  deployment(OPENAI),
])('says what the start does: %s', (yaml) => {
  const files = { exists: () => true, text: () => yaml };
  const starts = () => {
    try {
      readConfig(ENV, 'config.yaml', files);
      return true;
    } catch (error) {
      if (error instanceof ConfigError) return false;
      throw error;
    }
  };
  expect(reportOf(yaml).exit_code !== 2).toBe(starts());
});

it('tells no secret', () => {
  const secret = 'sk-canary-0001';
  const report = reportOf(
    [
      `general_settings: {master_key: ${secret}, database_url: "mysql://u:${secret}@h/x", nonsense: ${secret}}`,
      `litellm_settings: {langfuse_secret: ${secret}, num_retries: ${secret}}`,
      `model_list: [{model_name: a, litellm_params: {model: openai/a, api_key: ${secret}, extra_headers: {x: ${secret}}}}, {model_name: b, litellm_params: {model: bedrock/b, aws_secret_access_key: ${secret}, api_base: "http://u:${secret}@h"}}]`,
    ].join('\n'),
    { REDIS_URL: `http://:${secret}@r`, GROQ_API_KEY: secret },
  );
  expect(report.exit_code).toBe(2);
  expect(JSON.stringify(report)).not.toContain(secret);
});
