import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './redis.js';
import { eventually } from './eventually.js';

/** Tells whether a test can start its own PgBouncer. Throws in CI if it cannot. */
export function pgbouncerIsThere(): boolean {
  if (!spawnSync('pgbouncer', ['--version']).error) return true;
  if (process.env.CI) throw new Error('No pgbouncer is in the PATH');
  console.warn('Tests behind PgBouncer are skipped: no pgbouncer is in the PATH.');
  return false;
}

/** A test's own PgBouncer for one database, in transaction mode, with as little configuration as possible. */
export class PgBouncer {
  private child!: ChildProcess;

  private constructor(
    private readonly folder: string,
    private readonly target: URL,
    private readonly port: number,
    private readonly settings: Readonly<Record<string, string | number>>,
  ) {}

  static async before(url: string, settings: Record<string, string | number> = {}): Promise<PgBouncer> {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-pgbouncer-'));
    chmodSync(folder, 0o755);
    const bouncer = new PgBouncer(folder, new URL(url), await freePort(), settings);
    await bouncer.start();
    return bouncer;
  }

  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }

  /** Runs a command of its console, such as `KILL …`. */
  async command(sql: string): Promise<void> {
    const url = new URL(this.url);
    url.pathname = '/pgbouncer';
    const console_ = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 1_000 });
    console_.on('error', () => {});
    await console_.connect();
    await console_.query(sql).finally(() => console_.end());
  }

  async close(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = new Promise((done) => this.child.once('exit', done));
      this.child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async start(): Promise<void> {
    const { hostname, port, pathname, username, password } = this.target;
    const file = join(this.folder, 'pgbouncer.ini');
    const users = join(this.folder, 'users.txt');
    const name = pathname.slice(1);
    writeFileSync(users, `"${username}" "${password}"\n`, { mode: 0o644 });
    const lines = Object.entries({
      listen_addr: '127.0.0.1',
      listen_port: this.port,
      unix_socket_dir: '',
      auth_type: 'any',
      pool_mode: 'transaction',
      ...this.settings,
    }).map(([key, value]) => `${key} = ${value}`);
    // With `auth_type = any` the user comes from the database's line.
    const target = `host=${hostname} port=${port || 5432} dbname=${name} user=${username}${password && ` password=${password}`}`;
    writeFileSync(file, `[databases]\n${name} = ${target}\n[pgbouncer]\n${lines.join('\n')}\n`, {
      mode: 0o644,
    });
    const [command, ...args] =
      userInfo().uid === 0
        ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', 'pgbouncer', file]
        : ['pgbouncer', file];
    let said = '';
    this.child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await eventually(async () => {
      if (!(await this.answers())) throw new Error(`PgBouncer did not start:\n${said}`);
    });
  }

  private async answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 1_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
