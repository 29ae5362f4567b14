import { AddressList } from '../platform/address-list.js';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, ENVIRONMENT, readConfig } from './read-config.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'tollgate-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const MASTER = { TOLLGATE_MASTER_KEY: 'sk-master-1234' };

function read(yaml: string | undefined, env: Record<string, string> = MASTER) {
  const path = join(folder, 'config.yaml');
  if (yaml !== undefined) writeFileSync(path, yaml);
  return readConfig(
    { TOLLGATE_DATA: join(folder, 'data'), ...(yaml !== undefined && { TOLLGATE_CONFIG: path }), ...env },
    undefined,
    yaml === undefined && !env.TOLLGATE_CONFIG ? { exists: () => false, text: () => '' } : undefined,
  );
}

function problemsOf(yaml: string | undefined, env?: Record<string, string>): readonly string[] {
  try {
    read(yaml, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const REALISTIC = `
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://example.openai.azure.com/
      api_key: os.environ/AZURE_KEY
      api_version: "2024-10-21"
      rpm: 6
    model_info:
      mode: chat
      access_groups: ["beta-models"]
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OWN_KEY}
  - model_name: local
    litellm_params:
      model: hosted_vllm/llama
      api_base: http://localhost:8000/v1
      input_cost_per_token: 1e-6
      output_cost_per_token: "0.000002"
litellm_settings:
  drop_params: true
  num_retries: 3
  request_timeout: 30
  max_budget: 100
  budget_duration: 30d
  timezone: Europe/Berlin
  model_alias_map: {fast: gpt-4o}
  fallbacks: [{"gpt-4o": ["local"]}]
  cache: true
  cache_params: {type: redis, host: redis.internal, port: 6380, password: p@ss}
general_settings:
  master_key: os.environ/MASTER
  database_url: postgresql://u:p@db/litellm
  enforce_user_param: true
  enforced_params: [user, metadata.generation_name]
  apply_user_budget_to_team_keys: false
  reject_clientside_metadata_tags: true
router_settings:
  routing_strategy: simple-shuffle
  model_group_alias: {a: gpt-4o, b: {model: local, hidden: true}}
environment_variables:
  OWN_KEY: sk-own
`;

describe('readConfig', () => {
  it('starts an existing LiteLLM config.yaml', () => {
    const config = read(REALISTIC, { AZURE_KEY: 'az', MASTER: 'sk-master-1234' });
    expect(config).toMatchObject({
      masterKey: 'sk-master-1234',
      databaseUrl: 'postgresql://u:p@db/litellm',
      redisUrl: 'redis://:p%40ss@redis.internal:6380',
      general: {
        enforceUserParam: true,
        enforcedParams: ['user', 'metadata.generation_name'],
        skipUserBudgetOnTeamKey: true,
        userModelsOnTeamKeys: true,
        rejectClientsideTags: true,
      },
      litellm: {
        maxBudgetUsd: 100,
        budgetDuration: '30d',
        timezone: 'Europe/Berlin',
        modelAliases: { fast: 'gpt-4o' },
        fallbacks: { 'gpt-4o': ['local'] },
        requestTimeoutMs: 30_000,
        numRetries: 3,
        dropParams: true,
      },
      router: { modelAliases: { a: 'gpt-4o', b: 'local' }, hiddenAliases: ['b'] },
    });
    expect(config.models.map(({ modelName, litellmParams }) => [modelName, litellmParams.api_key])).toEqual([
      ['gpt-4o', 'az'],
      ['gpt-4o', 'sk-own'],
      ['local', undefined],
    ]);
    expect(config.models[2]!.litellmParams).toMatchObject({
      input_cost_per_token: 1e-6,
      output_cost_per_token: 2e-6,
    });
    expect(config.ignoredKeys).toEqual([
      'litellm_settings.cache',
      'model_list[].litellm_params.rpm',
      'router_settings.routing_strategy',
    ]);
  });

  it('lists every problem at once, each with its path', () => {
    const problems = problemsOf(
      `
litellm_settings: {timezone: Mars/Phobos, budget_duration: 5 years, max_budget: .nan}
general_settings:
  budget_exceeded_status: 418
  budget_status_by_user_agent: {agent: 500, agent/1.0: 400}
  coding_agent_budget_status: 400
  skip_user_budget_on_team_key: true
  apply_user_budget_to_team_keys: true
  master_key: os.environ/NOT_SET
`,
      { PORT: '99999999' },
    );
    expect(problems.map((problem) => problem.split(':')[0]).toSorted()).toEqual(
      [
        'general_settings.master_key',
        'PORT',
        'general_settings.budget_exceeded_status',
        'general_settings.budget_status_by_user_agent.agent',
        'general_settings.budget_status_by_user_agent.agent/1.0',
        'general_settings.coding_agent_budget_status',
        'general_settings.skip_user_budget_on_team_key',
        'litellm_settings.max_budget',
        'litellm_settings.budget_duration',
        'litellm_settings.timezone',
      ].toSorted(),
    );
  });

  it('lists every problem of a deployment that it leaves out', () => {
    const { leftOutModels } = read(`
model_list:
  - litellm_params: {model: 5, api_base: nowhere}
  - model_name: a
    litellm_params: {model: openai/a, api_key: k, input_cost_per_token: -1}
  - nonsense
`);
    expect(leftOutModels.flatMap(({ problems }) => problems).map((problem) => problem.split(':')[0])).toEqual(
      [
        'model_list[0].model_name',
        'model_list[0].litellm_params.model',
        'model_list[0].litellm_params.api_base',
        'model_list[1].litellm_params.input_cost_per_token',
        'model_list[2]',
      ],
    );
  });

  it.each([
    ['a: [', 'not valid YAML'],
    ['- a', 'must be a mapping'],
  ])('refuses %j', (yaml, problem) => expect(problemsOf(yaml)[0]).toContain(problem));

  it('names a file that is not there', () => {
    expect(problemsOf(undefined, { ...MASTER, TOLLGATE_CONFIG: join(folder, 'no.yaml') })[0]).toContain(
      'no.yaml',
    );
  });

  it.each(['password', 'sk-'])('refuses the master key %j', (key) => {
    expect(problemsOf(undefined, { TOLLGATE_MASTER_KEY: key })).not.toEqual([]);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.0.0.2', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.7', false],
    ['127.0.0.1.evil.test', false],
  ])('accepts LiteLLM’s example master key on %s: %s', (HOST, is) => {
    for (const TOLLGATE_MASTER_KEY of ['sk-1234', 'sk-12345678']) {
      const env = { TOLLGATE_MASTER_KEY, HOST };
      if (is) {
        const config = read(undefined, env);
        expect(config.masterKey).toBe(TOLLGATE_MASTER_KEY);
        expect(config.warnings).toEqual([expect.stringMatching(/^TOLLGATE_MASTER_KEY: THE MASTER KEY IS/)]);
      } else
        expect(problemsOf(undefined, env)).toEqual([
          expect.stringMatching(/^TOLLGATE_MASTER_KEY: is the example key .* listen on 127\.0\.0\.1$/),
        ]);
    }
  });

  it('takes an empty variable for a missing one, and keeps the master key it makes', () => {
    const first = read(undefined, { TOLLGATE_MASTER_KEY: '', LITELLM_MASTER_KEY: '' });
    expect(first).toMatchObject({ masterKeyOrigin: 'new', port: 4000, host: '127.0.0.1' });
    expect(first.masterKey).toMatch(/^sk-.{20,}/);
    expect(statSync(join(folder, 'data/master-key')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'data/salt-key')).mode & 0o777).toBe(0o600);
    expect(read(undefined, {})).toMatchObject({
      masterKeyOrigin: 'file',
      masterKey: first.masterKey,
      saltKey: first.saltKey,
    });
  });

  it('serves the demo without a file', () => {
    expect(read(undefined).models.map(({ modelName }) => modelName)).toEqual([
      'tollgate-demo',
      'tollgate-demo-free',
    ]);
  });

  it('is frozen', () => {
    expect(Object.isFrozen(read(undefined))).toBe(true);
  });
});

const general = (yaml: string) => read(`general_settings: ${yaml}`);

describe('min_clamp_share', () => {
  it.each([0, 0.5, 1])('may be %s', (part) =>
    expect(general(`{min_clamp_share: ${part}}`).general.minClampShare).toBe(part),
  );

  it.each([-0.1, 1.1, 'all', '.inf'])('%s stops the start', (part) =>
    expect(() => general(`{min_clamp_share: ${part}}`)).toThrow('general_settings.min_clamp_share'),
  );
});

describe('cors_allowed_origins', () => {
  it('are origins as browsers send them', () => {
    const origins = ['https://admin.example.com', 'http://localhost:3000', 'app://obsidian.md'];
    expect(general(`{cors_allowed_origins: ${JSON.stringify(origins)}}`).general.corsAllowedOrigins).toEqual(
      origins,
    );
    expect(general('{}').general.corsAllowedOrigins).toEqual([]);
  });

  it.each([
    ["['*']", "general_settings.cors_allowed_origins: '*' is not accepted"],
    ['[https://admin.example.com/]', 'is not an origin such as'],
    ['[https://Admin.example.com]', 'is not an origin such as'],
    ['[https://admin.example.com:443]', 'is not an origin such as'],
    ['["https://*.example.com"]', 'is not an origin such as'],
    ['[admin.example.com]', 'is not an origin such as'],
    ['["null"]', 'is not an origin such as'],
    ['https://admin.example.com', 'must be a list of texts'],
  ])('%s stop the start', (origins, problem) => {
    expect(() => general(`{cors_allowed_origins: ${origins}}`)).toThrow(problem);
  });
});

describe('trusted_proxies', () => {
  it('is empty unless it is set', () => {
    expect(general('{}')).toMatchObject({
      general: { trustedProxies: [], storeClientAddress: true },
      warnings: [],
    });
  });

  it('lists addresses and ranges', () => {
    const config = general('{trusted_proxies: [10.0.0.0/8, "::1"], use_x_forwarded_for: true}');
    expect(config).toMatchObject({ general: { trustedProxies: ['10.0.0.0/8', '::1'] }, warnings: [] });
  });

  it('has private addresses if LiteLLM’s flag stands alone, with a warning', () => {
    const { general: settings, warnings, ignoredKeys } = general('{use_x_forwarded_for: true}');
    const trusted = new AddressList(settings.trustedProxies);
    const addresses = [
      '127.0.0.1',
      '10.1.2.3',
      '172.31.0.1',
      '192.168.7.7',
      '::1',
      'fd00::1',
      '203.0.113.9',
      '2001:db8::1',
    ];
    expect(addresses.filter((address) => !trusted.has(address))).toEqual(['203.0.113.9', '2001:db8::1']);
    expect(warnings).toEqual([
      expect.stringMatching(/^general_settings.use_x_forwarded_for: .*trusted_proxies/),
    ]);
    expect(ignoredKeys).toEqual([]);
  });

  it.each([
    ['{trusted_proxies: [nginx]}', "general_settings.trusted_proxies: 'nginx' is neither"],
    ['{trusted_proxies: [10.0.0.0/40]}', "general_settings.trusted_proxies: '10.0.0.0/40' is neither"],
    ['{trusted_proxies: 10.0.0.0/8}', 'general_settings.trusted_proxies: must be a list'],
    ['{trusted_proxies: [10.0.0.1], use_x_forwarded_for: false}', 'use_x_forwarded_for: contradicts'],
    ['{store_client_address: never}', 'store_client_address: must be true or false'],
  ])('%s is refused', (yaml, problem) => {
    expect(problemsOf(`general_settings: ${yaml}`)).toEqual([expect.stringContaining(problem)]);
  });
});

describe('the edge', () => {
  it.each<[Record<string, string>, string, object]>([
    [{}, '{}', { rootPath: '', general: { keepaliveTimeoutMs: 620_000, drainMs: 5_000 } }],
    [
      {},
      '{keepalive_seconds: 90, drain_seconds: 0.5}',
      { general: { keepaliveTimeoutMs: 90_000, drainMs: 500 } },
    ],
    [{ KEEPALIVE_TIMEOUT: '75' }, '{keepalive_seconds: 90}', { general: { keepaliveTimeoutMs: 75_000 } }],
    [{}, '{drain_seconds: 0}', { general: { drainMs: 0 } }],
    [{ SERVER_ROOT_PATH: '/llm' }, '{}', { rootPath: '/llm' }],
    [{ SERVER_ROOT_PATH: '/a/b.c/' }, '{}', { rootPath: '/a/b.c' }],
    [{ SERVER_ROOT_PATH: '/' }, '{}', { rootPath: '' }],
  ])('%j, %s', (env, yaml, settings) => {
    expect(read(`general_settings: ${yaml}`, { ...MASTER, ...env })).toMatchObject(settings);
  });

  it.each<[Record<string, string>, string, string]>([
    [{}, '{keepalive_seconds: 0}', 'general_settings.keepalive_seconds: must be more than zero'],
    [{}, '{drain_seconds: soon}', 'general_settings.drain_seconds: must be a number'],
    [{ KEEPALIVE_TIMEOUT: '0' }, '{}', 'KEEPALIVE_TIMEOUT: must be'],
    [{ KEEPALIVE_TIMEOUT: 'long' }, '{}', 'KEEPALIVE_TIMEOUT: must be'],
    [{ SERVER_ROOT_PATH: 'llm' }, '{}', 'SERVER_ROOT_PATH: must be a path'],
    [{ SERVER_ROOT_PATH: '/a//b' }, '{}', 'SERVER_ROOT_PATH: must be a path'],
    [{ SERVER_ROOT_PATH: '/a/../b' }, '{}', 'SERVER_ROOT_PATH: must be a path'],
    [{ SERVER_ROOT_PATH: '/a?b' }, '{}', 'SERVER_ROOT_PATH: must be a path'],
  ])('%j, %s is refused', (env, yaml, problem) => {
    expect(problemsOf(`general_settings: ${yaml}`, { ...MASTER, ...env })).toEqual([
      expect.stringContaining(problem),
    ]);
  });
});

describe('OpenTelemetry’s variables', () => {
  it.each<[Record<string, string>, object | undefined]>([
    [{}, undefined],
    [{ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4318' }, undefined],
    [{ OTEL_SDK_DISABLED: 'TRUE', OTEL_TRACES_EXPORTER: 'otlp' }, undefined],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, undefined],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, { protocol: 'http/protobuf' }],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://h/x' }, { protocol: 'http/protobuf' }],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      { protocol: 'http/json' },
    ],
  ])('%j', (env, tracing) => expect(read(undefined, { ...MASTER, ...env }).tracing).toEqual(tracing));

  it.each<[Record<string, string>, string]>([
    [{ OTEL_TRACES_EXPORTER: 'jaeger' }, 'OTEL_TRACES_EXPORTER: must be otlp or none'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'OTEL_EXPORTER_OTLP_ENDPOINT: must be an http://'],
    [
      { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      'OTEL_EXPORTER_OTLP_PROTOCOL: must be one of http/protobuf, http/json',
    ],
  ])('%j is refused', (env, problem) => {
    expect(problemsOf(undefined, { ...MASTER, ...env })[0]).toContain(problem);
  });
});

describe('.env.example', () => {
  it('names exactly the variables that are read', () => {
    const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
    expect([...text.matchAll(/^# ?([A-Z_]+)=/gm)].map(([, name]) => name)).toEqual(Object.keys(ENVIRONMENT));
  });
});
