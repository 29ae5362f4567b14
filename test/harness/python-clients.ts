import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, '.venv-clients');
const programs = join(import.meta.dirname, 'python-clients');

/** Returns the versions of the Python packages by their names. */
export const pythonVersions = (): Record<string, string> =>
  Object.fromEntries(
    readFileSync(join(programs, 'requirements.txt'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('=='))
      .map((line) => line.split('==') as [string, string]),
  );

/** Tells whether `scripts/python-clients.mjs` installed these versions. Throws in CI if not, so no test is skipped silently. */
export function pythonClientsAreThere(): boolean {
  const [installed, required] = [folder, programs].map((path) => join(path, 'requirements.txt'));
  if (existsSync(installed!) && readFileSync(installed!, 'utf8') === readFileSync(required!, 'utf8'))
    return true;
  if (process.env.CI) throw new Error('The Python clients are not installed: npm run python-clients.');
  return false;
}

/** Result of one check in `python-clients/`. */
export interface CheckResult {
  readonly value?: unknown;
  /** The traceback, if it raised. */
  readonly raised?: string;
}

/** The program with all checks. It imports its clients at once, and runs the checks when it knows the gateway. */
export class PythonClients {
  private printed = '';
  private errors = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;

  constructor() {
    const { PATH, HOME } = process.env;
    this.child = spawn(join(folder, 'bin/python'), [join(programs, 'main.py')], {
      env: { PATH, HOME, PYTHONPYCACHEPREFIX: join(folder, 'pycache') },
      stdio: 'pipe',
    });
    this.child.stdout!.on('data', (bytes: Buffer) => (this.printed += bytes.toString()));
    this.child.stderr!.on('data', (bytes: Buffer) => (this.errors += bytes.toString()));
    this.ended = new Promise((done) => this.child.once('close', done));
  }

  /** Runs the checks. Returns the result of each by its name, `client.check`. */
  async results(url: string, keys: Record<string, string>): Promise<Record<string, CheckResult>> {
    this.child.stdin!.on('error', () => {});
    this.child.stdin!.end(JSON.stringify({ url, keys }));
    if ((await this.ended) !== 0) throw new Error(`The Python program failed:\n${this.errors}`);
    return JSON.parse(this.printed.trim().split('\n').at(-1)!) as Record<string, CheckResult>;
  }

  async close(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
