import { hash } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { SkippedRowError } from './skipped-row.error.js';

const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const BASE64 = /^[\w+/-]+={0,2}$/;

/**
 * Decrypts a text of a stored model. LiteLLM encrypts each with NaCl's secretbox under the SHA-256 of its salt key. Returns
 * a text unchanged if it is too short or no Base64. Throws SkippedRowError if none of `saltKeys` decrypts it.
 */
export function decryptText(text: string, saltKeys: readonly string[]): string {
  const box = BASE64.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  if (box.length < NONCE_BYTES + TAG_BYTES) return text;
  for (const saltKey of saltKeys) {
    const opened = open(box, saltKey);
    if (opened !== undefined) return opened;
  }
  throw new SkippedRowError(
    'cannot be decrypted. LITELLM_SALT_KEY must be what it was for LiteLLM (its master key, if it had none)',
  );
}

function open(box: Buffer, saltKey: string): string | undefined {
  try {
    const plain = xsalsa20poly1305(hash('sha256', saltKey, 'buffer'), box.subarray(0, NONCE_BYTES)).decrypt(
      box.subarray(NONCE_BYTES),
    );
    return Buffer.from(plain).toString('utf8');
  } catch {
    return undefined;
  }
}
