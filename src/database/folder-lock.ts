import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';

/** A data folder this process alone may use. */
interface FolderLock {
  release(): void;
}

/**
 * Locks the data folder for this process, or throws when another one has it. The lock is the operating system's, taken
 * through an SQLite file, so the death of a process frees it in the same instant.
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
