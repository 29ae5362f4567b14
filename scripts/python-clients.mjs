// Makes the virtual environments of the tests with Python clients in `.venv-clients`, unless they are there with these versions.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const requirements = join(root, 'test/harness/python-clients');
const folder = join(root, '.venv-clients');

async function run(command, args) {
  console.log(`> ${command} ${args.join(' ')}`);
  const status = await new Promise((done) =>
    spawn(command, args, { stdio: 'inherit' })
      .once('error', ({ message }) => {
        console.error(message);
        done(1);
      })
      .once('close', done),
  );
  if (status !== 0) process.exit(status ?? 1);
}

/** Each list of versions is one environment: some clients need openai 2, others openai 3. */
async function make(list) {
  const environment = join(folder, list.replace('.txt', ''));
  await run('python3', ['-m', 'venv', environment]);
  // Python compiles what is imported; all the rest would take longer.
  const options = ['--quiet', '--no-compile', '--no-deps', '--disable-pip-version-check'];
  const python = join(environment, 'bin/python');
  await run(python, ['-m', 'pip', 'install', ...options, '-r', join(requirements, list)]);
  // The copy is written last: an environment without it is not complete.
  copyFileSync(join(requirements, list), join(folder, list));
}

const isCurrent = (list) =>
  existsSync(join(folder, list)) &&
  readFileSync(join(folder, list), 'utf8') === readFileSync(join(requirements, list), 'utf8');

const lists = readdirSync(requirements).filter((name) => name.endsWith('.txt'));
if (!lists.every(isCurrent)) {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all(lists.map(make));
}
