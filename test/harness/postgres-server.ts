import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './redis.js';
import { eventually } from './eventually.js';

const DEBIAN = '/usr/lib/postgresql';

/** Returns the folder of `initdb` and `postgres`; undefined if they are not installed. */
function binaries(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted().toReversed() : [];
  return versions
    .map((version) => join(DEBIAN, version, 'bin'))
    .find((path) => existsSync(join(path, 'initdb')));
}

/** Tells whether a test can start its own PostgreSQL. Throws in CI if it cannot. */
export function postgresCanBeStarted(): boolean {
  if (binaries()) return true;
  if (process.env.CI) throw new Error(`No PostgreSQL server is installed under ${DEBIAN}`);
  console.warn('Tests that stop PostgreSQL are skipped: no server is installed.');
  return false;
}

/** A test's own PostgreSQL server, which can be killed, frozen and starved. */
export class PostgresServer {
  private child!: ChildProcess;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-postgres-'));
    chmodSync(folder, 0o777);
    const server = new PostgresServer(folder, await freePort());
    const { status, stderr } = spawnSync(...asPostgres('initdb', ['-D', server.data, '-A', 'trust', '-U', 'postgres', '--no-sync']), { encoding: 'utf8' }); // prettier-ignore
    if (status) throw new Error(stderr);
    await server.startAgain();
    return server;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  async startAgain(): Promise<void> {
    const settings = ['listen_addresses=127.0.0.1', `port=${this.port}`, `unix_socket_directories=`, 'fsync=off', 'max_connections=60']; // prettier-ignore
    const args = ['-D', this.data, ...settings.flatMap((setting) => ['-c', setting])];
    this.child = spawn(...asPostgres('postgres', args), { stdio: 'ignore', detached: true });
    await eventually(() => this.query('SELECT 1'));
  }

  /** Kills the server as a power failure would. */
  async kill(): Promise<void> {
    const gone = new Promise((done) => this.child.once('exit', done));
    this.signal('SIGKILL');
    await gone;
  }

  /** Freezes the server: it takes connections and does nothing. */
  freeze(): void {
    this.signal('SIGSTOP');
  }

  thaw(): void {
    this.signal('SIGCONT');
  }

  async query(sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 1_000 });
    try {
      await client.connect();
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.thaw();
      await this.kill();
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get data(): string {
    return join(this.folder, 'data');
  }

  /** Sends a signal to every process of the server; each connection has one. */
  private signal(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    const all = spawnSync('ps', ['-o', 'pid=', '-s', String(pid)], { encoding: 'utf8' }).stdout.split('\n');
    const children = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).stdout;
    const ids = new Set([...all.map(Number), ...descendants(pid!, children)]);
    for (const id of ids) {
      try {
        if (id) process.kill(id, signal);
      } catch {
        // The process has already ended.
      }
    }
  }
}

function descendants(pid: number, table: string): number[] {
  const pairs = table.split('\n').map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const found = [pid];
  for (const parent of found) found.push(...pairs.filter(([, of]) => of === parent).map(([id]) => id));
  return found;
}

/** PostgreSQL refuses to run as root. */
function asPostgres(binary: string, args: readonly string[]): [string, string[]] {
  const path = join(binaries()!, binary);
  return userInfo().uid === 0 ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', path, ...args]] : [path, [...args]]; // prettier-ignore
}
