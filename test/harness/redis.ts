import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Tells whether a redis-server can be started. Throws in CI if there is none, so no test is skipped silently. */
export function redisIsThere(): boolean {
  const { error } = spawnSync('redis-server', ['--version']);
  if (!error) return true;
  if (process.env.CI) throw error;
  console.warn(`Redis tests are skipped: ${error.message}`);
  return false;
}

/** A test's own Redis server, which can be stopped, slowed and started again. */
export class RedisServer {
  private constructor(
    private readonly port: number,
    private child: ChildProcess,
  ) {}

  static async start(): Promise<RedisServer> {
    const port = await freePort();
    return new RedisServer(port, await started(port));
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.port };
  }

  async stop(): Promise<void> {
    const gone = new Promise((done) => this.child.once('exit', done));
    this.child.kill('SIGKILL');
    await gone;
  }

  /** Starts an empty server on the same port. */
  async startAgain(): Promise<void> {
    this.child = await started(this.port);
  }

  /** Freezes the server: it takes connections and commands, and does nothing. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  command(...words: string[]): void {
    spawnSync('redis-cli', ['-p', String(this.port), ...words]);
  }

  /** Runs a command. Returns the lines of the reply. */
  ask(...words: string[]): string[] {
    const { stdout } = spawnSync('redis-cli', ['-p', String(this.port), ...words], { encoding: 'utf8' });
    return stdout.split('\n').filter(Boolean);
  }

  /** Returns the names of all keys in one of its databases. */
  keys(db = 0): string[] {
    return this.ask('-n', String(db), 'KEYS', '*').toSorted();
  }

  async close(): Promise<void> {
    this.thaw();
    if (this.child.exitCode === null && this.child.signalCode === null) await this.stop();
  }
}

async function started(port: number): Promise<ChildProcess> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise<void>((ready, failed) => {
    child.once('exit', (code) => failed(new Error(`redis-server exited with ${code}`)));
    child.stdout!.on('data', (bytes: Buffer) => {
      if (bytes.toString().includes('Ready to accept connections')) ready();
    });
  });
  return child;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
