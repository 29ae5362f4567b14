import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { oncePerRun } from './once-per-run.js';

const ROOT = resolve(import.meta.dirname, '../..');

/** Path of the built gateway. Importing this module builds it first if `src/` is newer than `dist/`. */
export const MAIN = join(ROOT, 'dist/bundle/tollgate.js');
/** Folder of the compiled modules, one file each. */
export const MODULES = join(ROOT, 'dist/src');

await oncePerRun('build', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/setup.mjs', '--build-only'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`The build failed, so nothing can be tested:\n${stdout}${stderr}`);
});
