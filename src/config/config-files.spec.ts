import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from './read-config.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'tollgate-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const MASTER = {
  TOLLGATE_MASTER_KEY: 'sk-master-1234',
  TOLLGATE_SALT_KEY: 'salt',
  OPENAI_API_KEY: 'sk-provider',
};

/** Reads `yaml` as `./tollgate.yaml`, without a disk. */
function read(
  yaml: string,
  env: Record<string, string> = MASTER,
  configPath?: string,
  path = './tollgate.yaml',
) {
  const files = {
    exists: (asked: string) => asked === path,
    text: (asked: string) => {
      if (asked !== path) throw new Error('no such file');
      return yaml;
    },
  };
  return readConfig({ TOLLGATE_DATA: join(folder, 'data'), ...env }, configPath, files);
}

function problemsOf(act: () => unknown): readonly string[] {
  try {
    act();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** Returns what stops the start, or else why deployments are left out. */
function faultsOf(yaml: string): readonly string[] {
  const stops = problemsOf(() => read(yaml));
  return stops.length ? stops : read(yaml).leftOutModels.flatMap(({ problems }) => problems);
}

const model = (params: string, info = '{}') =>
  `model_list: [{model_name: a, litellm_params: {model: openai/a, ${params}}, model_info: ${info}}]`;

describe('one mistake in a file', () => {
  it.each<[string, string, string]>([
    ['another file that is not there', 'include: [b.yaml]', 'include: b.yaml: no such file'],
    ['a file to include without a list', 'include: b.yaml', 'include: must be a list of paths of files'],
    ['a prototype', '__proto__: {a: 1}', '__proto__: is not a name'],
    [
      'a prototype, deeper',
      model('__proto__: {a: 1}'),
      'model_list[0].litellm_params.__proto__: is not a name',
    ],
    [
      'a mapping in itself',
      'general_settings: &g {a: *g}',
      'general_settings.a: contains itself, by an alias',
    ],
    ['a list in itself', 'model_list: &m [*m]', 'model_list[0]: contains itself, by an alias'],
    [
      'a value of another type',
      'general_settings: !!omap [allowed_ips: [192.0.2.1]]',
      'general_settings: must be a plain mapping, list, text, number or flag',
    ],
    [
      'a secret that reads as a tag',
      'general_settings: {master_key: !secret }',
      'not valid YAML: Unresolved tag; a text that begins with ! or * needs quotes: at line 1, column 32:',
    ],
    [
      'a secret that reads as an alias',
      'general_settings: {master_key: *secret }',
      './tollgate.yaml: Unresolved alias; a text that begins with ! or * needs quotes:',
    ],
    ['variables that are none', 'environment_variables: 5', 'environment_variables: must be a mapping'],
    [
      'a variable that is no text',
      'environment_variables: {A: {b: 1}}',
      'environment_variables.A: must be text',
    ],
    [
      'a variable that is set to one nobody set',
      `${model('api_key: os.environ/A')}\nenvironment_variables: {A: os.environ/NOPE}`,
      'model_list[0].litellm_params.api_key: the environment variable A is not set',
    ],
    [
      'a reference to what every object has',
      model('api_key: os.environ/constructor'),
      'model_list[0].litellm_params.api_key: the environment variable constructor is not set',
    ],
    [
      'a database that is none',
      'general_settings: {database_url: "mysql://x"}',
      'general_settings.database_url: must be an address that starts with postgres://',
    ],
    [
      'a bound that is no duration',
      'litellm_settings: {upperbound_key_generate_params: {duration: long}}',
      'litellm_settings.upperbound_key_generate_params.duration: must be a duration such as 30s, 24h, 7d, 1mo or monthly',
    ],
    [
      'Redis without a host',
      'litellm_settings: {cache_params: {type: redis}}',
      'litellm_settings.cache_params.host: is required',
    ],
    [
      'Redis at no port',
      'litellm_settings: {cache_params: {type: redis, host: r, port: 99999}}',
      'litellm_settings.cache_params: must be an address that starts with redis://',
    ],
    [
      'an alias of nothing',
      'router_settings: {model_group_alias: {b: {hidden: true}}}',
      'router_settings.model_group_alias.b.model: is required',
    ],
    [
      'a list for a price',
      model('input_cost_per_token: [1]'),
      'model_list[0].litellm_params.input_cost_per_token: must be a number, zero or more',
    ],
    [
      'an infinite price',
      model('', '{output_cost_per_token: .inf}'),
      'model_list[0].model_info.output_cost_per_token: must be a number, zero or more',
    ],
    [
      'a price too fine to be counted',
      model('input_cost_per_token: 1e-40'),
      'model_list[0].litellm_params.input_cost_per_token: must have at most 30 decimals',
    ],
    [
      '… by the second',
      model('', '{input_cost_per_second: 1e-28}'),
      'model_list[0].model_info.input_cost_per_second: must have at most 27 decimals',
    ],
    [
      'a place for prices that is none',
      'general_settings: {price_refresh_url: "ftp://prices"}',
      'general_settings.price_refresh_url: must be an http:// or https:// address without credentials or query',
    ],
    [
      'a retention that keeps hardly anything',
      'general_settings: {maximum_spend_logs_retention_period: 12h}',
      'general_settings.spend_logs_retention: must be a day (1d) or more',
    ],
    [
      'two retentions',
      'general_settings: {maximum_spend_logs_retention_period: 30d, spend_logs_retention: 7d}',
      'general_settings.spend_logs_retention: contradicts maximum_spend_logs_retention_period',
    ],
    [
      'a pause no timer can wait',
      'general_settings: {price_refresh_hours: 1000}',
      'general_settings.price_refresh_hours: must be at most 596',
    ],
    [
      'no number in a list of fees',
      model('', '{search_context_cost_per_query: {high: dear}}'),
      'model_list[0].model_info.search_context_cost_per_query.high: must be a number, zero or more',
    ],
    [
      'half a retry',
      model('max_retries: 1.5'),
      'model_list[0].litellm_params.max_retries: must be a whole number',
    ],
    [
      'a timeout beyond what a timer can wait',
      model('timeout: 1e12'),
      'model_list[0].litellm_params.timeout: must be at most 2147483',
    ],
    [
      'an id given twice',
      'model_list: [{model_name: a, litellm_params: {model: openai/b}, model_info: {id: x}}, {model_name: a, litellm_params: {model: openai/c}, model_info: {id: x}}]',
      'model_list[1].model_info.id: is the id of model_list[0] too',
    ],
    [
      'no room for any request',
      'general_settings: {max_request_size_mb: 0}',
      'general_settings.max_request_size_mb: must be more than zero',
    ],
    [
      'a tag',
      'general_settings: !env X',
      'not valid YAML: Unresolved tag; a text that begins with ! or * needs quotes: at line 1, column 19:',
    ],
    [
      'a host that is read as a number',
      model('api_base: "http://nomic-embed-v1.5:8080/v1"'),
      "model_list[0].litellm_params.api_base: 'nomic-embed-v1.5' cannot be the name of a host: a name that ends in a number is read as an IPv4 address. Give the server another name",
    ],
    [
      'a credential of another row',
      model('litellm_credential_name: mine'),
      'model_list[0].litellm_params.litellm_credential_name: there is no credential "mine"; credentials stand in the model itself here',
    ],
  ])('%s', (_, yaml, problem) => expect(faultsOf(yaml)).toEqual([problem]));

  it.each<[string, string, string]>([
    ['a key', 'litellm_settings: {num_retries: 1, num_retries: 2}', 'litellm_settings.num_retries'],
    [
      'a key inside a list',
      'model_list:\n- model_name: a\n  litellm_params:\n    model: openai/a\n    timeout: 1\n    timeout: 2',
      'model_list[0].litellm_params.timeout',
    ],
    ['a section', 'router_settings: {timeout: 1}\nrouter_settings: {timeout: 2}', 'router_settings'],
  ])('counts the last of %s given twice, and says where it is', (_, yaml, path) => {
    const { warnings, litellm, models, router } = read(yaml);
    const line = yaml.split('\n').length;
    expect(warnings).toEqual([`${path}: is there twice; the last one, on line ${line}, counts`]);
    expect([litellm.numRetries, models[0]?.litellmParams.timeout, router.timeoutMs]).toContain(
      path === 'router_settings' ? 2_000 : 2,
    );
  });

  it('of a deployment leaves out that deployment alone', () => {
    const config = read(
      `model_list: [nonsense, {model_name: a, litellm_params: {model: openai/a, timeout: long}}, {model_name: b, litellm_params: {model: openai/b}}]`,
    );
    expect(config.models.map(({ modelName }) => modelName)).toEqual(['b']);
    expect(config.leftOutModels).toEqual([
      { at: 'model_list[0]', problems: ['model_list[0]: must be a mapping'] },
      {
        at: 'model_list[1]',
        modelName: 'a',
        problems: ['model_list[1].litellm_params.timeout: must be a number, zero or more'],
      },
    ]);
  });

  it('does not count where the environment says the same', () => {
    const { masterKey, ignoredKeys } = read('general_settings: {master_key: os.environ/NOPE}');
    expect([masterKey, ignoredKeys]).toEqual([MASTER.TOLLGATE_MASTER_KEY, ['general_settings.master_key']]);
  });

  it('does not count where it has no effect', () => {
    const { ignoredKeys } = read('litellm_settings: {langfuse_secret: os.environ/NOPE}');
    expect(ignoredKeys).toEqual(['litellm_settings.langfuse_secret']);
  });

  it.each(['[*a, *a, *a, *a, *a, *a, *a, *a]', '{<<: [*a, *a, *a, *a, *a, *a, *a, *a]}'])(
    'stops at aliases of aliases: %s',
    (doubled) => {
      const levels = Array.from(
        { length: 12 },
        (_, i) => `l${i + 1}: &l${i + 1} ${doubled.replaceAll('*a', `*l${i}`)}`,
      );
      const yaml = [`l0: &l0 {k: 1}`, ...levels].join('\n');
      expect(problemsOf(() => read(yaml))).toEqual([expect.stringContaining('Excessive alias count')]);
    },
  );

  it('never tells a secret', () => {
    const problems = problemsOf(() =>
      read('general_settings: {master_key: hunter2, database_url: "mysql://root:hunter2@db/x"}', {
        REDIS_URL: 'http://:hunter2@r',
      }),
    );
    expect(problems).toHaveLength(4);
    expect(problems.join()).not.toContain('hunter2');
  });
});

describe('what a file may say', () => {
  it('shares defaults among many models', () => {
    const entry = '  - {model_name: m, litellm_params: {<<: *shared, model: openai/m}}\n';
    const { models } = read(`shared: &shared {api_base: "http://h/v1"}\nmodel_list:\n${entry.repeat(500)}`);
    expect(models.every(({ litellmParams }) => litellmParams.api_base === 'http://h/v1')).toBe(true);
    expect(new Set(models.map(({ modelInfo }) => modelInfo.id)).size).toBe(500);
  });

  it('gives the same ids at every start, whatever the secrets', () => {
    const idWith = (key: string) => read(model(`api_key: ${key}`)).models[0]!.modelInfo.id;
    expect(idWith('one')).toBe(idWith('two'));
  });

  it('takes numbers written as text, an id that is a number, and nothing for null or empty', () => {
    const params = 'weight: "2", timeout: "1.5", max_retries: "1", input_cost_per_token: null, api_base: ""';
    const info = '{id: 7, input_cost_per_token: "1e-6", search_context_cost_per_query: {high: "0.05"}}';
    const [{ litellmParams, modelInfo } = {}] = read(model(params, info)).models;
    expect(litellmParams).toStrictEqual({ model: 'openai/a', weight: 2, timeout: 1.5, max_retries: 1 });
    expect(modelInfo).toEqual({
      id: '7',
      input_cost_per_token: 1e-6,
      search_context_cost_per_query: { high: 0.05 },
    });
  });

  it('fills an empty variable from environment_variables, and prefers one that is set', () => {
    const yaml = `${model('api_key: os.environ/K')}\nenvironment_variables: {K: file, UNUSED: null}`;
    expect(read(yaml, { ...MASTER, K: '' }).models[0]!.litellmParams.api_key).toBe('file');
    expect(read(yaml, { ...MASTER, K: 'env' }).models[0]!.litellmParams.api_key).toBe('env');
  });

  it('reaches the cache over TLS, as a user', () => {
    const cache =
      'cache_params: {type: redis, host: r, port: "6380", username: u, password: "p/w", ssl: true}';
    expect(read(`litellm_settings: {${cache}}`).redisUrl).toBe('rediss://u:p%2Fw@r:6380');
  });

  const REDIS_URL = 'redis://e:6379';
  it.each([
    ['host: r, db: 3, namespace: stage', {}, 'redis://r:6379/3', 'stage'],
    ['host: r, db: "3"', {}, 'redis://r:6379/3', undefined],
    ['host: r, db: 0', {}, 'redis://r:6379', undefined],
    ['namespace: stage', { REDIS_URL }, REDIS_URL, 'stage'],
    ['db: 3', { REDIS_URL }, `${REDIS_URL}/3`, undefined],
    ['db: 3', { REDIS_URL: `${REDIS_URL}/2` }, `${REDIS_URL}/2`, undefined],
  ])('shares a Redis by number and namespace: {%s} beside %j', (params, env, url, namespace) => {
    const config = read(`litellm_settings: {cache_params: {type: redis, ${params}}}`, { ...MASTER, ...env });
    expect([config.redisUrl, config.redisNamespace]).toEqual([url, namespace]);
    expect(config.ignoredKeys).toEqual(url.endsWith('/2') ? ['litellm_settings.cache_params.db'] : []);
  });

  it.each([
    ['db: -1', 'litellm_settings.cache_params.db: must be a number, zero or more'],
    ['db: 1.5', 'litellm_settings.cache_params.db: must be a whole number'],
    ['namespace: 5', 'litellm_settings.cache_params.namespace: must be text'],
    [`namespace: ${'n'.repeat(257)}`, 'litellm_settings.cache_params.namespace: must have at most 256 bytes'],
  ])('takes no {%s} of a Redis', (params, problem) => {
    expect(() => read(`litellm_settings: {cache_params: {type: redis, host: r, ${params}}}`)).toThrow(
      problem,
    );
  });

  it.each([
    ['litellm_settings: {fallbacks: [{a: [b]}, {a: [c]}]}', 'litellm_settings.fallbacks[1].a'],
    ['litellm_settings: {cache_params: {type: s3}}', 'litellm_settings.cache_params.type'],
    [
      'litellm_settings: {upperbound_key_generate_params: {models: [m]}}',
      'litellm_settings.upperbound_key_generate_params.models',
    ],
    [
      'litellm_settings: {default_key_generate_params: {metadata: {}}}',
      'litellm_settings.default_key_generate_params.metadata',
    ],
    [
      'litellm_settings: {cache_params: {type: redis, host: r, redis_flush_size: 5}}',
      'litellm_settings.cache_params.redis_flush_size',
    ],
    ['router_settings: {model_group_alias: {b: {model: a, x: 1}}}', 'router_settings.model_group_alias.b.x'],
    [
      'general_settings: {user_header_mappings: [{header_name: X, litellm_user_role: internal_user}]}',
      'general_settings.user_header_mappings[0].litellm_user_role',
    ],
    ['mode_list: []', 'mode_list'],
    ['litellm_settings: {cache: true}', 'litellm_settings.cache'],
    ['general_settings: {master_key: sk-another-one}', 'general_settings.master_key'],
    [model('order: 2'), 'model_list[].litellm_params.order'],
    [model('ocr_cost_per_page: 1e-8'), 'model_list[0].litellm_params.ocr_cost_per_page'],
    [model('', '{input_cost_per_tokn: 1}'), 'model_list[0].model_info.input_cost_per_tokn'],
    [model('', '{input_dbu_cost_per_token: 1}'), 'model_list[0].model_info.input_dbu_cost_per_token'],
  ])('%s is named as without effect', (yaml, path) => expect(read(yaml).ignoredKeys).toEqual([path]));

  it('enable_azure_ad_token_refresh asks for the host’s identity at Azure', () => {
    const yaml = 'litellm_settings: {enable_azure_ad_token_refresh: true}';
    expect(read(yaml)).toMatchObject({
      ignoredKeys: [],
      providerVariables: { AZURE_CREDENTIAL: 'DefaultAzureCredential' },
    });
  });

  it('names what several models have once, and nothing that says the same as the environment', () => {
    const yaml = 'model_list: [{model_name: a, litellm_params: {model: openai/a, rpm: 1, custom_llm_provider: openai}}, {model_name: b, litellm_params: {model: openai/b, rpm: 2}}, {model_name: c, litellm_params: {model: sagemaker/c, aws_region_name: x}}]';
    const master = `general_settings: {master_key: ${MASTER.TOLLGATE_MASTER_KEY}}`;
    expect(read(`${yaml}\n${master}`).ignoredKeys).toEqual(['model_list[].litellm_params.rpm']);
  }); // prettier-ignore

  it('says nothing of a price of zero, or of one that is billed', () => {
    const info =
      '{output_cost_per_pixel: 0, input_cost_per_token_above_200k_tokens_priority: 1, output_cost_per_image: 1}';
    expect(read(model('', info)).ignoredKeys).toEqual([]);
  });

  it('refreshes no prices unless it is told how often', () => {
    const ms = (yaml: string) => read(`general_settings: {${yaml}}`).general.priceRefreshMs;
    expect([ms(''), ms('price_refresh_hours: 0'), ms('price_refresh_hours: 0.5')]).toEqual([
      undefined,
      undefined,
      1_800_000,
    ]);
  });

  it('keeps every entry of the ledger unless it is told for how long, in its own words or LiteLLM’s', () => {
    const retention = (yaml: string) => read(`general_settings: {${yaml}}`).general.retention;
    const day = 86_400_000;
    expect(retention('')).toBeUndefined();
    expect(retention('spend_logs_retention: 7d')).toEqual({ keptMs: 7 * day, everyMs: day });
    expect(
      retention('maximum_spend_logs_retention_period: 30d, maximum_spend_logs_retention_interval: 1h'),
    ).toEqual({ keptMs: 30 * day, everyMs: 3_600_000 });
  });

  it('lets the first fallbacks of a name count', () => {
    expect(read('router_settings: {fallbacks: [{a: [b]}, {a: [c]}]}').router.fallbacks).toEqual({ a: ['b'] });
  });

  it('counts the largest request in whole bytes', () => {
    const { general } = read('general_settings: {max_request_size_mb: 0.3}');
    expect(Number.isInteger(general.maxRequestSizeMb * 1024 * 1024)).toBe(true);
  });
});

describe('where the file is', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['TOLLGATE_CONFIG', { ...MASTER, TOLLGATE_CONFIG: 'x.yaml' }, undefined],
    ['--config', MASTER, 'x.yaml'],
    ['--config before TOLLGATE_CONFIG', { ...MASTER, TOLLGATE_CONFIG: 'y.yaml' }, 'x.yaml'],
  ])('%s', (_, env, configPath) => expect(read('{}', env, configPath, 'x.yaml').configFile).toBe('x.yaml'));

  it('is ./tollgate.yaml unless told otherwise', () => {
    expect(read('{}').configFile).toBe('./tollgate.yaml');
  });

  it('says that a file named is not there', () => {
    expect(problemsOf(() => read('', MASTER, 'no.yaml'))).toEqual(['no.yaml: no such file']);
  });
});

describe('the data folder', () => {
  const data = () => join(folder, 'data');
  const keep = (name: string, text: string) => {
    mkdirSync(data());
    writeFileSync(join(data(), name), text);
  };

  it.each([
    ['master-key', '', /master-key: is empty/],
    ['master-key', 'password', /master-key: must start with sk-/],
    ['salt-key', '\n', /salt-key: is empty/],
  ])('refuses a %s that says %j', (name, text, problem) => {
    keep(name, text);
    expect(problemsOf(() => read('{}', {}))).toEqual([expect.stringMatching(problem)]);
  });

  it('is made for its owner alone', () => {
    read('{}', {});
    expect(statSync(data()).mode & 0o777).toBe(0o700);
  });

  it('is left alone by a start that fails', () => {
    expect(problemsOf(() => read('model_list: x', {}))).not.toEqual([]);
    expect(() => statSync(data())).toThrow('ENOENT');
  });

  it('says that it is no folder', () => {
    writeFileSync(data(), '');
    expect(problemsOf(() => read('{}', {}))).toEqual([expect.stringContaining('EEXIST')]);
  });
});

it('is frozen all the way down', () => {
  const { general, models } = read(model('extra_headers: {a: b}'));
  expect([general, models, models[0]!.litellmParams.extra_headers].every(Object.isFrozen)).toBe(true);
});
