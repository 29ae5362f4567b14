import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { newVirtualKey } from '../platform/secrets.js';
import { isPlainHttpUrl, PLAIN_HTTP_URL } from './address.js';
import type { Config } from './config.js';
import { keptSecret, newSaltKey, storedSecretText } from './data-folder.js';
import { demoModels } from './demo.js';
import { readJwtSettings } from './jwt.js';
import { readModels } from './models.js';
import { reportMissingRestrictions } from './restrictions.js';
import { Report, Section, type SectionText } from './section.js';
import { readGeneralSettings, readLitellmSettings, readRouterSettings } from './settings.js';
import { readTracing } from './tracing.js';
import { type Files, readWithIncluded } from './included-files.js';
import { PROVIDER_VARIABLES } from './provider-facts.js';
import { type Env, withEnvironment } from './yaml-file.js';

/** The configuration is unusable. The message lists every problem. */
export class ConfigError extends Error {
  constructor(
    readonly problems: readonly string[],
    /** Warnings that a successful start would have logged. */
    readonly jsonLogs = false,
  ) {
    super(`The configuration is invalid:\n- ${problems.join('\n- ')}`);
  }
}

/** Every environment variable that is read, and its meaning. */
export const ENVIRONMENT = {
  TOLLGATE_CONFIG:
    'Path of the configuration file (LiteLLM config.yaml). Default ./tollgate.yaml if it exists.',
  TOLLGATE_DATA: 'The data folder. Default ./data.',
  HOST: 'Address to listen on. Default 127.0.0.1.',
  PORT: 'Port to listen on; 0 takes any. Default 4000.',
  TOLLGATE_MASTER_KEY:
    'The administrator’s key (sk-…). Generated and kept in the data folder if there is none.',
  LITELLM_MASTER_KEY: 'The same, under LiteLLM’s name.',
  LITELLM_MODEL_COST_MAP_URL:
    'File or address of prices in LiteLLM’s format. They come before the known ones. Default: none.',
  SERVER_ROOT_PATH:
    'Prefix of every path, e.g. /llm, if the proxy in front leaves it on. Default: none. Paths without it work, too.',
  KEEPALIVE_TIMEOUT: 'Seconds that an idle connection of a client stays open. Default 620.',
  DATABASE_URL: 'postgres://… Default: an SQLite file in the data folder.',
  REDIS_URL: 'redis://… Default: none.',
  TOLLGATE_SALT_KEY: 'Encrypts stored provider keys. Generated and kept in the data folder if there is none.',
  LITELLM_SALT_KEY: 'The same, under LiteLLM’s name.',
  JWT_PUBLIC_KEY_URL: 'Where the keys of JWTs are published (JWKS or OIDC discovery); several by comma.',
  JWT_AUDIENCE: 'Whom JWTs must be meant for; several by comma.',
  JWT_ISSUER: 'Who must have issued JWTs.',
  OTEL_EXPORTER_OTLP_ENDPOINT:
    'Where OpenTelemetry traces go, e.g. http://localhost:4318. Default: nowhere, and nothing is traced.',
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'The same for traces only, with the whole path.',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf or http/json. Default http/protobuf.',
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'The same for traces only.',
  OTEL_TRACES_EXPORTER: 'otlp or none. otlp alone sends to http://localhost:4318.',
  OTEL_SDK_DISABLED: 'true: nothing is traced.',
  JSON_LOGS:
    'true: every line that is logged is one JSON object. Default: json_logs of the file, else false.',
} as const;

/** The most bytes of a file. A device or a pipe without end stops there. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

const onDisk: Files = { exists: existsSync, text: textOnDisk };

function textOnDisk(path: string): string {
  const file = openSync(path, 'r');
  try {
    const pieces: Buffer[] = [];
    for (let size = 0; ;) {
      const piece = Buffer.alloc(64 * 1024);
      const bytes = readSync(file, piece);
      if (!bytes) return Buffer.concat(pieces).toString('utf8');
      pieces.push(piece.subarray(0, bytes));
      size += bytes;
      if (size > MAX_FILE_BYTES) throw new Error('has more than 16 MB');
    }
  } finally {
    closeSync(file);
  }
}

const DEFAULT_FILE = './tollgate.yaml';
const MIN_MASTER_KEY_CHARS = 8;
const MAX_NAMESPACE_BYTES = 256;

/** Settings of environment and file, before a secret that neither names is read from the data folder or generated. */
export interface ReadSettings {
  readonly report: Report;
  /** The file as a whole, `include` and environment resolved. */
  readonly file: Section;
  readonly masterKey: SectionText | undefined;
  readonly saltKey: string | undefined;
  readonly settings: Omit<Config, 'masterKey' | 'masterKeyOrigin' | 'saltKey'>;
}

/**
 * Reads environment and file, and is the only reader of either. Writes nothing. `configPath`: the value of `--config`, which
 * precedes `TOLLGATE_CONFIG`.
 */
export function readSettings(
  env: Env = process.env,
  configPath?: string,
  files: Files = onDisk,
): ReadSettings {
  const report = new Report();
  const said = (name: keyof typeof ENVIRONMENT) => env[name] || undefined;
  const environmentText = (name: keyof typeof ENVIRONMENT): SectionText | undefined =>
    env[name] ? { text: env[name], at: name } : undefined;
  const path =
    configPath ?? said('TOLLGATE_CONFIG') ?? (files.exists(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
  const content = withEnvironment(
    path === undefined ? {} : readWithIncluded(path, files, report),
    env,
    report,
  );
  const file = new Section(content.settings, '', report);
  const providerVariables = Object.fromEntries(
    [...PROVIDER_VARIABLES].flatMap((name) => {
      const value = Object.hasOwn(content.env, name) ? content.env[name] : undefined;
      return value ? [[name, value] as const] : [];
    }),
  );
  const general = file.section('general_settings');
  const litellm = file.section('litellm_settings');
  const router = file.section('router_settings');

  const dataFolder = said('TOLLGATE_DATA') ?? './data';
  const databaseUrl = addressOf(
    preferred(environmentText('DATABASE_URL'), general, 'database_url'),
    ['postgres:', 'postgresql:'],
    report,
  );
  const cache = readCacheParams(litellm, environmentText('REDIS_URL'));
  const redisUrl = addressOf(cache.address, ['redis:', 'rediss:'], report);
  const givenMasterKey = preferred(
    environmentText('TOLLGATE_MASTER_KEY') ?? environmentText('LITELLM_MASTER_KEY'),
    general,
    'master_key',
  );
  const host = said('HOST') ?? '127.0.0.1';
  if (givenMasterKey) checkMasterKey(givenMasterKey, host, report);
  // LiteLLM's word for it: without a key, Azure gets the token of the host's identity.
  if (litellm.flag('enable_azure_ad_token_refresh'))
    providerVariables.AZURE_CREDENTIAL ??= 'DefaultAzureCredential';
  const { models, leftOut } =
    path === undefined ? { models: demoModels, leftOut: [] } : readModels(file, providerVariables);
  const settings = {
    host,
    port: portOf(said('PORT'), report),
    rootPath: rootPathOf(said('SERVER_ROOT_PATH'), report),
    models,
    leftOutModels: leftOut,
    ...costMapOf(said('LITELLM_MODEL_COST_MAP_URL'), report),
    providerVariables,
    general: readGeneralSettings(general, environmentText('KEEPALIVE_TIMEOUT')),
    litellm: readLitellmSettings(litellm),
    router: readRouterSettings(router),
  };
  const jwt = readJwtSettings(general, {
    keysUrl: environmentText('JWT_PUBLIC_KEY_URL'),
    audience: environmentText('JWT_AUDIENCE'),
    issuer: environmentText('JWT_ISSUER'),
  });
  const jsonLogs = flagOf('JSON_LOGS', said('JSON_LOGS'), report) ?? litellm.flag('json_logs') ?? false;
  litellm.raw('json_logs');
  const tracing = readTracing(
    {
      disabled: environmentText('OTEL_SDK_DISABLED'),
      exporter: environmentText('OTEL_TRACES_EXPORTER'),
      endpoint:
        environmentText('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ??
        environmentText('OTEL_EXPORTER_OTLP_ENDPOINT'),
      protocol:
        environmentText('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ??
        environmentText('OTEL_EXPORTER_OTLP_PROTOCOL'),
    },
    report,
  );
  const startWithout = reportMissingRestrictions(file, {
    general_settings: general,
    litellm_settings: litellm,
    router_settings: router,
  });
  for (const section of [file, general, litellm, router]) section.ignoreTheRest();
  return {
    report,
    file,
    masterKey: givenMasterKey,
    saltKey: said('TOLLGATE_SALT_KEY') ?? said('LITELLM_SALT_KEY'),
    settings: {
      ...settings,
      ...(jwt && { jwt }),
      ...(tracing && { tracing }),
      dataFolder,
      ignoredKeys: report.ignored,
      warnings: report.warnings,
      startWithout,
      jsonLogs,
      ...(databaseUrl !== undefined && { databaseUrl }),
      ...(redisUrl !== undefined && { redisUrl }),
      ...(cache.namespace !== undefined && { redisNamespace: cache.namespace }),
      ...(path !== undefined && { configFile: path }),
    },
  };
}

/**
 * Returns the frozen configuration of a start: what `readSettings` reads, with the secrets of the data folder. Throws one
 * `ConfigError` that lists every problem.
 */
export function readConfig(env: Env = process.env, configPath?: string, files: Files = onDisk): Config {
  const { report, settings, masterKey: environmentKey, saltKey } = readSettings(env, configPath, files);
  if (report.problems.length) throw new ConfigError([...new Set(report.problems)], settings.jsonLogs);
  const { dataFolder } = settings;
  // A start that fails must leave no files behind.
  const masterKey = environmentKey
    ? { secret: environmentKey.text, isNew: undefined }
    : storedSecret(dataFolder, 'master-key', newVirtualKey, masterKeyProblems);
  return frozen({
    ...settings,
    masterKey: masterKey.secret,
    masterKeyOrigin: masterKey.isNew === undefined ? 'environment' : masterKey.isNew ? 'new' : 'file',
    saltKey: saltKey ?? storedSecret(dataFolder, 'salt-key', newSaltKey).secret,
  });
}

/** Returns the problems with secrets that an earlier start left in the data folder. Writes nothing. */
export function storedSecretProblems({ masterKey, saltKey, settings }: ReadSettings): string[] {
  const at = (name: string) => join(settings.dataFolder, name);
  const problemsOf = (name: string, more: (secret: SectionText) => string[]) => {
    if (!existsSync(at(name))) return [];
    try {
      return more({ text: storedSecretText(settings.dataFolder, name), at: at(name) });
    } catch (error) {
      return [`${at(name)}: ${(error as Error).message}`];
    }
  };
  return [
    ...(masterKey ? [] : problemsOf('master-key', masterKeyProblems)),
    ...(saltKey === undefined ? problemsOf('salt-key', () => []) : []),
  ];
}

/** Returns a value of the environment, which precedes the file's. */
function preferred(said: SectionText | undefined, section: Section, key: string): SectionText | undefined {
  if (said && section.isUnset(key)) {
    section.ignore(key);
    return said;
  }
  const inFile = section.described(key);
  if (said && inFile && said.text !== inFile.text) section.ignore(key);
  return said ?? inFile;
}

/** Keys of LiteLLM's documentation and examples. Everybody knows them. */
const EXAMPLE_MASTER_KEY = /^sk-1234(?:5(?:6(?:7(?:8(?:90?)?)?)?)?)?$/;

/**
 * Reports a master key that is none. LiteLLM's example key opens the gateway to everybody who can reach it, so it counts on
 * a loopback address alone.
 */
function checkMasterKey(key: SectionText, host: string, report: Report): void {
  if (!EXAMPLE_MASTER_KEY.test(key.text)) report.problems.push(...masterKeyProblems(key));
  else if (isLoopback(host))
    report.warnings.push(
      `${key.at}: THE MASTER KEY IS THE EXAMPLE OF LITELLM'S DOCUMENTATION. Every program on this host that knows it is an admin. It is accepted on ${host} only; choose another before anybody else can reach the gateway`,
    );
  else
    report.problems.push(
      `${key.at}: is the example key of LiteLLM's documentation, and the gateway would listen on ${host}. Choose a long random key that starts with sk-, or listen on 127.0.0.1`,
    );
}

/** Tells whether an address to listen on is reachable from this host alone. */
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

function masterKeyProblems({ text, at }: SectionText): string[] {
  return [
    ...(text.startsWith('sk-') ? [] : [`${at}: must start with sk-`]),
    ...(text.length < MIN_MASTER_KEY_CHARS
      ? [`${at}: must have at least ${MIN_MASTER_KEY_CHARS} characters`]
      : []),
  ];
}

/** Reads a secret of the data folder. A failure is a problem of the configuration. */
function storedSecret(
  folder: string,
  name: string,
  make: () => string,
  problemsOf: (environmentText: SectionText) => string[] = () => [],
): { secret: string; isNew: boolean } {
  const at = join(folder, name);
  const found = foundOrMade(() => keptSecret(folder, name, make), at);
  const problems = problemsOf({ text: found.secret, at });
  if (problems.length) throw new ConfigError(problems);
  return found;
}

function foundOrMade<T>(make: () => T, at: string): T {
  try {
    return make();
  } catch (error) {
    throw new ConfigError([`${at}: ${(error as Error).message}`]);
  }
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}

function addressOf(
  environmentText: SectionText | undefined,
  protocols: readonly string[],
  report: Report,
): string | undefined {
  if (!environmentText) return undefined;
  if (URL.canParse(environmentText.text) && protocols.includes(new URL(environmentText.text).protocol))
    return environmentText.text;
  report.problems.push(`${environmentText.at}: must be an address that starts with ${protocols[0]}//`);
  return undefined;
}

/** Reads the address of Redis and the prefix of its names. */
interface CacheParams {
  readonly address?: SectionText | undefined;
  readonly namespace?: string | undefined;
}

/**
 * Reads LiteLLM's `cache_params` of a Redis cache. Beside `REDIS_URL` only the namespace counts, and the number of the
 * database if the address names none.
 */
function readCacheParams(litellm: Section, said: SectionText | undefined): CacheParams {
  // The gateway caches no responses of models.
  if (litellm.flag('cache')) litellm.ignore('cache');
  const params = litellm.section('cache_params');
  const type = params.text('type') ?? (said ? 'redis' : 'local');
  if (type !== 'redis') {
    if (type !== 'local') params.ignore('type');
    params.ignoreTheRest();
    return { address: said };
  }
  const namespace = params.text('namespace');
  if (namespace !== undefined && Buffer.byteLength(namespace) > MAX_NAMESPACE_BYTES)
    params.problem('namespace', `must have at most ${MAX_NAMESPACE_BYTES} bytes`);
  if (said) {
    const hasNumber = !URL.canParse(said.text) || /[^/]/.test(new URL(said.text).pathname);
    const text = hasNumber ? said.text : atDatabase(said.text, params.wholeNumber('db'));
    params.ignoreTheRest();
    return { address: { ...said, text }, namespace };
  }
  const host = params.requiredText('host');
  const port = params.wholeNumber('port') ?? 6379;
  const db = params.wholeNumber('db');
  const [user, password] = ['username', 'password'].map((key) => encodeURIComponent(params.text(key) ?? ''));
  const scheme = params.flag('ssl') ? 'rediss' : 'redis';
  params.ignoreTheRest();
  if (!host) return { namespace };
  const login = user || password ? `${user}:${password}@` : '';
  const address = `${scheme}://${login}${host}:${port}`;
  // An invalid address is reported as it is.
  const text = URL.canParse(address) ? atDatabase(address, db) : address;
  return { address: { text, at: 'litellm_settings.cache_params' }, namespace };
}

/** Returns the address of a Redis with this database number. */
function atDatabase(address: string, db: number | undefined): string {
  if (!db) return address;
  const url = new URL(address);
  url.pathname = `/${db}`;
  return url.href;
}

function flagOf(name: string, said: string | undefined, report: Report): boolean | undefined {
  const text = said?.toLowerCase();
  if (text === undefined || text === 'true' || text === 'false')
    return text === undefined ? undefined : text === 'true';
  report.problems.push(`${name}: must be true or false`);
  return undefined;
}

/** Reads the prefix that is taken off paths. A slash at its end, and a slash alone, mean nothing. */
function rootPathOf(text: string | undefined, report: Report): string {
  const path = (text ?? '').replace(/\/+$/, '');
  if (path === '' || /^(?:\/[\w.~-]*[\w~-][\w.~-]*)+$/.test(path)) return path;
  report.problems.push('SERVER_ROOT_PATH: must be a path such as /llm');
  return '';
}

function portOf(text: string | undefined, report: Report): number {
  const port = Number(text ?? 4000);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  report.problems.push('PORT: must be a whole number from 0 to 65535');
  return 0;
}

/** Reads the place of the operator's cost map. Whatever is no address is the path of a file. */
function costMapOf(place: string | undefined, report: Report): { readonly costMapUrl?: string } {
  if (place === undefined) return {};
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(place) && !isPlainHttpUrl(place))
    report.problems.push(`LITELLM_MODEL_COST_MAP_URL: ${PLAIN_HTTP_URL}`);
  return { costMapUrl: place };
}
