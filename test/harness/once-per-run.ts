import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the folder that the workers of a test run share; `global-setup.ts` makes and removes it. */
export const runFolder = (): string => process.env.TEST_RUN_FOLDER!;

/** Runs `make` once per test run, even if several workers ask; the others wait until it is done. Rejects if it fails. */
export async function oncePerRun(name: string, make: () => Promise<void> | void): Promise<void> {
  const done = join(runFolder(), `${name}.done`);
  const lock = join(runFolder(), `${name}.lock`);
  while (!existsSync(done)) {
    if (!takeLock(lock)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    try {
      if (!existsSync(done)) await make();
      writeFileSync(done, '');
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
}

/** Takes a lock. Returns false while another worker has it. */
function takeLock(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
