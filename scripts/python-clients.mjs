// Makes the virtual environment of the tests with Python clients in `.venv-clients`, unless it is there with these versions.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const requirements = join(root, 'test/harness/python-clients/requirements.txt');
const folder = join(root, '.venv-clients');
/** The copy is written last: a folder without it is not complete. */
const installed = join(folder, 'requirements.txt');

function run(command, args) {
  console.log(`> ${command} ${args.join(' ')}`);
  const { error, status } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) console.error(error.message);
  if (status !== 0) process.exit(status ?? 1);
}

const isCurrent =
  existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(requirements, 'utf8');
if (!isCurrent) {
  rmSync(folder, { recursive: true, force: true });
  run('python3', ['-m', 'venv', folder]);
  // Python compiles what is imported; all the rest would take longer.
  const options = ['--quiet', '--no-compile', '--no-deps', '--disable-pip-version-check'];
  run(join(folder, 'bin/python'), ['-m', 'pip', 'install', ...options, '-r', requirements]);
  copyFileSync(requirements, installed);
}
