import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';

/** Reads a secret of the data folder (mode 0600), or makes it on the first start. Throws if the file exists but is empty. */
export function keptSecret(
  folder: string,
  name: string,
  make: () => string,
): { secret: string; isNew: boolean } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  try {
    const secret = make();
    writeFileSync(path, secret, { mode: 0o600, flag: 'wx', flush: true });
    chmodSync(path, 0o600);
    return { secret, isNew: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return { secret: storedSecretText(folder, name), isNew: false };
}

/** Returns a secret of the data folder. Throws if there is none, or an empty one. */
export function storedSecretText(folder: string, name: string): string {
  const secret = readFileSync(join(folder, name), 'utf8').trim();
  if (!secret) throw new Error('is empty. Restore it, or delete it to have a new one made');
  return secret;
}

export const newSaltKey = () => randomBytes(32).toString('base64url');
