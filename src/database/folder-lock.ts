import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';

/** A data folder that only this process may use. */
interface FolderLock {
  release(): void;
}

/**
 * Locks the data folder for this process. Throws if another process has it. The operating system holds the lock,
 * through an SQLite file, so it is freed at once when the process dies.
 */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = new Libsql(join(folder, 'lock.db'));
  try {
    file.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    if ((error as { code?: unknown }).code !== 'SQLITE_BUSY')
      throw new Error(`The data folder ${folder} cannot be written: ${(error as Error).message}`, {
        cause: error,
      });
    throw new Error(
      `The data folder ${folder} is in use by another process. One process per folder; set TOLLGATE_DATA to use another one.`,
    );
  }
  return { release: () => file.close() };
}
