import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { stringify } from 'yaml';
import {
  type LedgerContents,
  expectBalancedLedger,
  readBooks,
  readPostgresBooks,
  runSql,
} from './ledger-reader.js';
import { migratedPostgres, migratedSqlite } from './templates.js';
import { RedisServer } from './redis.js';
import type { Upstream } from './upstream.js';
import { MAIN } from './fresh-build.js';
import { eventually } from './eventually.js';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  /** The JSON body; undefined if the response has none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- Answers are judged by the tests' expectations.
  readonly body: any;
}

export interface GatewayOptions {
  readonly upstream?: Upstream;
  /** Sections of the configuration file; they override the defaults. */
  readonly config?: Record<string, unknown>;
  readonly env?: Record<string, string>;
  /** A data folder to reuse. It is not removed at the end. */
  readonly dataFolder?: string;
}

const START_LIMIT_MS = 120_000;

/** Returns deployments on the test's upstream, with simple prices: $0.001 per token of input or of output. */
export const testModels = (url: string) => [
  model('m-out', url, { input_cost_per_token: 0, output_cost_per_token: 0.001 }),
  model('m-in', url, { input_cost_per_token: 0.001, output_cost_per_token: 0 }),
  model('m-free', url, { input_cost_per_token: 0, output_cost_per_token: 0 }),
  model('m-unpriced', url, {}),
  model('m-deny', url, { input_cost_per_token: 0, output_cost_per_token: 0.001 }),
  model('m-embed', url, { input_cost_per_token: 0.000001, output_cost_per_token: 0 }),
];

export const model = (
  name: string,
  url: string,
  info: Record<string, unknown>,
  params: Record<string, unknown> = {},
) => ({
  model_name: name,
  litellm_params: {
    model: `openai/up-${name}`,
    api_base: url,
    api_key: 'sk-provider-key-of-the-tests',
    ...params,
  },
  model_info: { id: `d-${name}`, max_input_tokens: 100_000, max_output_tokens: 100_000, ...info },
});

/** A real gateway process. Tests send requests to its real listener. */
export class Gateway {
  logs = '';
  url = '';
  readonly masterKey: string;
  readonly dataFolder: string;
  private process!: ChildProcess;
  private afterwards = async (): Promise<void> => {};
  /** No other process writes to its database. */
  private isAlone: boolean;
  private readonly agent = new Agent({ connections: 512, headersTimeout: 60_000, bodyTimeout: 60_000 });

  private constructor(private readonly options: GatewayOptions) {
    this.masterKey = options.env?.TOLLGATE_MASTER_KEY ?? `sk-master-${randomBytes(9).toString('hex')}`;
    this.isAlone = !options.env?.DATABASE_URL;
    this.dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'tollgate-test-'));
  }

  /** Starts a gateway on SQLite. In the tests' project `postgres` it has its own PostgreSQL database and Redis. */
  static async start(options: GatewayOptions = {}): Promise<Gateway> {
    if (process.env.TESTS_ON !== 'postgres' || options.env?.DATABASE_URL) return Gateway.booted(options);
    const [{ url, drop }, redis] = await Promise.all([migratedPostgres(), RedisServer.start()]);
    const env = { ...options.env, DATABASE_URL: url, REDIS_URL: redis.url };
    const gateway = await Gateway.booted({ ...options, env });
    gateway.isAlone = true;
    gateway.afterwards = async () => {
      await redis.close();
      await drop();
    };
    return gateway;
  }

  private static async booted(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    // A data folder of the test is used as it is.
    if (!options.dataFolder && !options.env?.DATABASE_URL) await migratedSqlite(gateway.dataFolder);
    await gateway.boot(0);
    return gateway;
  }

  /** Starts the gateway again on the same folder and port. */
  async restart(): Promise<void> {
    await this.boot(Number(new URL(this.url).port));
  }

  private async boot(port: number): Promise<void> {
    const file = join(this.dataFolder, 'config.yaml');
    const { upstream, config = {}, env = {} } = this.options;
    upstream?.usedBy.add(env.DATABASE_URL ?? this.dataFolder);
    const models = upstream ? { model_list: testModels(upstream.url) } : {};
    // A slow machine must not count as an overloaded gateway.
    const general_settings = {
      max_event_loop_delay_ms: 0,
      drain_seconds: 0,
      ...(config.general_settings as object),
    };
    if (upstream || Object.keys(config).length)
      writeFileSync(file, stringify({ ...models, ...config, general_settings }));
    const { PATH } = process.env;
    this.process = spawn(process.execPath, [MAIN], {
      cwd: this.dataFolder,
      env: {
        PATH,
        PORT: String(port),
        TOLLGATE_DATA: this.dataFolder,
        TOLLGATE_MASTER_KEY: this.masterKey,
        ...(upstream || Object.keys(config).length ? { TOLLGATE_CONFIG: file } : {}),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const child = this.process;
    await new Promise<void>((done, failed) => {
      const timer = setTimeout(
        () => failed(new Error(`The gateway did not start:\n${this.logs}`)),
        START_LIMIT_MS,
      );
      let heard = '';
      const hear = (bytes: Buffer) => {
        this.logs += bytes.toString();
        heard += bytes.toString();
        const [, url] = /listening on (http:[^\s"]+)/.exec(heard) ?? [];
        if (!url) return;
        this.url = url;
        clearTimeout(timer);
        done();
      };
      child.stdout!.on('data', hear);
      child.stderr!.on('data', hear);
      child.once('exit', (code) => {
        clearTimeout(timer);
        failed(new Error(`The gateway exited with ${code}:\n${this.logs}`));
      });
    });
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const bytes =
      body === undefined || Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await request(this.url + path, {
      method: method as 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      dispatcher: this.agent,
      ...(bytes !== undefined && { body: bytes as string }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, body: json(text) };
  }

  as(
    key: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.send(method, path, body, { authorization: `Bearer ${key}`, ...headers });
  }

  admin(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.as(this.masterKey, method, path, body);
  }

  /** Sends an admin write that must succeed. Returns its response. */
  async create(path: string, body: unknown): Promise<Answer['body']> {
    const { status, text, body: answer } = await this.admin('POST', path, body);
    if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`);
    return answer;
  }

  async createKey(fields: object = {}): Promise<string> {
    return (await this.create('/key/generate', fields)).key as string;
  }

  /** Creates a key whose life has ended. A key cannot be created so. */
  async createExpiredKey(): Promise<string> {
    const key = await this.createKey();
    await this.create('/key/update', { key, duration: '0s' });
    return key;
  }

  chat(key: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
    return this.as(
      key,
      'POST',
      '/v1/chat/completions',
      { messages: [{ role: 'user', content: 'hi' }], ...body },
      headers,
    );
  }

  async spendOf(key: string): Promise<number> {
    return (await this.admin('GET', `/key/info?key=${key}`)).body.info.spend as number;
  }

  /** Runs `tollgate verify-ledger` on this gateway's data. Returns exit code and output. */
  verifyLedger(): { code: number | null; printed: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'verify-ledger'], {
      cwd: this.dataFolder,
      env: {
        PATH: process.env.PATH,
        TOLLGATE_DATA: this.dataFolder,
        TOLLGATE_MASTER_KEY: this.masterKey,
        ...this.options.env,
      },
      encoding: 'utf8',
    });
    return { code: status, printed: stdout + stderr };
  }

  /** Returns the ledger as the database has it, once no entry is open and every balance is up to date. */
  async books(): Promise<LedgerContents> {
    const { DATABASE_URL: url } = this.options.env ?? {};
    return eventually(async () => {
      const { books, deltas } = url
        ? await readPostgresBooks(url)
        : { books: readBooks(this.dataFolder), deltas: 0 };
      const open = books.entries.filter(({ state }) => state === 'open').length;
      if (open || deltas) throw new Error(`${open} entries are still open, ${deltas} deltas are not folded.`);
      return books;
    });
  }

  /** Runs a statement on its database, even if the gateway does not run. Returns the rows. */
  sql(statement: string): Promise<Record<string, unknown>[]> {
    return runSql(this.options.env?.DATABASE_URL ?? this.dataFolder, statement);
  }

  async kill9(): Promise<void> {
    const gone = this.gone();
    this.process.kill('SIGKILL');
    await gone;
  }

  /** Closes the reader of its log. */
  stopReading(): void {
    this.process.stdout!.destroy();
    this.process.stderr!.destroy();
  }

  /** Freezes the process: it exists and does nothing. */
  freeze(): void {
    this.process.kill('SIGSTOP');
  }

  thaw(): void {
    this.process.kill('SIGCONT');
  }

  /** Sends a signal and returns the exit code, once the process has ended. */
  async terminate(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const gone = this.gone();
    this.process.kill(signal);
    return gone;
  }

  /** Ends the gateway. Expects the books of a running gateway to be true, after any test. */
  async close(): Promise<void> {
    const { upstream, dataFolder } = this.options;
    try {
      if (!this.isRunning) return;
      if (this.isAlone)
        expectBalancedLedger(await this.books(), upstream?.usedBy.size === 1 ? upstream : undefined);
    } finally {
      if (this.isRunning) await this.kill9();
      await this.agent.destroy();
      if (!dataFolder) rmSync(this.dataFolder, { recursive: true, force: true });
      await this.afterwards();
    }
  }

  private get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  private gone(): Promise<number | null> {
    return new Promise((done) => this.process.once('exit', (code) => done(code)));
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
