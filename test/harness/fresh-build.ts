import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const LOCK = join(ROOT, 'node_modules/.tollgate-build');
/** A lock this old belongs to a process that died: no build takes so long. */
const STALE_LOCK_MS = 10 * 60_000;

/** The built gateway. Importing this module builds it first where `src/` is newer than `dist/`. */
export const MAIN = join(ROOT, 'dist/bundle/tollgate.js');
/** Folder of the compiled modules, one file each. */
export const MODULES = join(ROOT, 'dist/src');

await build();

/** Builds once, however many test workers ask at the same time. Throws when the build fails. */
async function build(): Promise<void> {
  while (!locked()) await new Promise((done) => setTimeout(done, 100));
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/setup.mjs', '--build-only'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`The build failed, so nothing can be tested:\n${stdout}${stderr}`);
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

function locked(): boolean {
  try {
    mkdirSync(LOCK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (
      existsSync(LOCK) &&
      Date.now() - (statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? 0) > STALE_LOCK_MS
    )
      rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}
