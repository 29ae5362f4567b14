// Runs before `npm start` and `npm test`: installs and builds what is missing or out of date, and nothing else. --build also
// builds. --build-only builds and installs nothing; the tests use it before they start a gateway.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

const newest = (folder) =>
  Math.max(
    ...readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => modified(join(entry.parentPath, entry.name))),
  );

function run(command, args) {
  console.log(`> ${command} ${args.join(' ')}`);
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const buildsOnly = process.argv.includes('--build-only');

if (!buildsOnly && modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  // The compiler is a dev dependency, so dev dependencies are installed even if NODE_ENV is `production`.
  run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
}

if (buildsOnly || process.argv.includes('--build')) {
  const sources = Math.max(
    newest('src'),
    modified('ormconfig.ts'),
    modified('tsconfig.json'),
    modified('nest-cli.json'),
  );
  if (modified('dist/src/main.js') < sources) {
    run(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json']);
    run(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build']);
  }
  const parts = Math.max(
    modified('dist/src/main.js'),
    modified('scripts/bundle.mjs'),
    modified('package-lock.json'),
  );
  if (modified('dist/bundle/tollgate.js') < parts) run(process.execPath, ['scripts/bundle.mjs']);
}
