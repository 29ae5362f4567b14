import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, '.venv-clients');
const programs = join(import.meta.dirname, 'python-clients');

/** Environments by the `openai` in them. `langchain-openai` needs openai 2, `openai-agents` and `pydantic-ai` need openai 3. */
export const PYTHON_ENVIRONMENTS = ['openai-2', 'openai-3'] as const;
export type PythonEnvironment = (typeof PYTHON_ENVIRONMENTS)[number];

/** Returns the Python packages as they are written in the lists: `name==version`. */
export const pythonPackages = (): string[] =>
  PYTHON_ENVIRONMENTS.flatMap((environment) =>
    readFileSync(join(programs, `${environment}.txt`), 'utf8').split('\n'),
  ).filter((line) => line.includes('=='));

/** Tells whether `scripts/python-clients.mjs` installed these versions. Throws in CI if not, so no test is skipped silently. */
export function pythonClientsAreThere(): boolean {
  const areThere = PYTHON_ENVIRONMENTS.every((environment) => {
    const [installed, required] = [folder, programs].map((path) => join(path, `${environment}.txt`));
    return existsSync(installed!) && readFileSync(installed!, 'utf8') === readFileSync(required!, 'utf8');
  });
  if (!areThere && process.env.CI)
    throw new Error('The Python clients are not installed: npm run python-clients.');
  return areThere;
}

/** Result of one check in `python-clients/`. */
export interface CheckResult {
  readonly value?: unknown;
  /** The traceback, if it raised. */
  readonly raised?: string;
}

/** The program with the checks of one environment. It imports its clients at once, and runs the checks when it knows the gateway. */
export class PythonClients {
  private printed = '';
  private errors = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;

  constructor(environment: PythonEnvironment) {
    const { PATH, HOME } = process.env;
    const python = join(folder, environment, 'bin/python');
    this.child = spawn(python, [join(programs, 'main.py'), environment], {
      env: { PATH, HOME, PYTHONPYCACHEPREFIX: join(folder, environment, 'pycache') },
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
