import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** What is stored and looked up of a virtual key: its SHA-256 in hex. */
export function secretHash(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/** The hash of a key given raw (`sk-…`) or already as its hash: both are accepted where a key is *named*, never as a credential. */
export function keyHashOf(keyOrHash: string): string {
  return keyOrHash.startsWith('sk-') ? secretHash(keyOrHash) : keyOrHash;
}

/** A new virtual key, LiteLLM's form: `sk-` and 22 url-safe characters (128 bits). */
export function newVirtualKey(): string {
  return `sk-${randomBytes(16).toString('base64url')}`;
}

/** How a key may be told: `sk-...` and at most its last four characters; less of a short one. */
export function keyHint(secret: string): string {
  return secret.length < 12 ? 'sk-...' : `sk-...${secret.slice(-4)}`;
}

/** A test against one secret, in a time that says nothing about either: digests are compared. */
export function secretMatcher(secret: string): (presentedHash: string) => boolean {
  const wanted = Buffer.from(secretHash(secret));
  return (presentedHash) =>
    presentedHash.length === wanted.length && timingSafeEqual(Buffer.from(presentedHash), wanted);
}

const sealingKey = (saltKey: string) => hash('sha256', `tollgate:seal:${saltKey}`, 'buffer');

/** Encrypts with AES-256-GCM: `v1.<nonce>.<tag>.<ciphertext>`, base64url. */
export function seal(plain: string, saltKey: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(saltKey), nonce);
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return ['v1', nonce, cipher.getAuthTag(), sealed]
    .map((part) => (typeof part === 'string' ? part : part.toString('base64url')))
    .join('.');
}

/** Opens what `seal` made. Throws when it was altered or sealed under another salt key. */
export function unseal(text: string, saltKey: string): string {
  const [version, nonce, tag, sealed] = text.split('.');
  if (version !== 'v1' || !nonce || !tag || sealed === undefined) throw new Error('Not a sealed value.');
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(saltKey), Buffer.from(nonce, 'base64url'));
  decipher.setAuthTag(Buffer.from(tag, 'base64url'));
  return Buffer.concat([decipher.update(Buffer.from(sealed, 'base64url')), decipher.final()]).toString(
    'utf8',
  );
}

/**
 * Makes message authentication codes (HMAC-SHA-256, base64url) for one purpose. Nobody without the salt key can make one,
 * and a code of one purpose does not fit another.
 */
export function macMaker(purpose: string, saltKey: string): (text: string) => string {
  const key = hash('sha256', `tollgate:mac:${purpose}:${saltKey}`, 'buffer');
  return (text) => createHmac('sha256', key).update(text).digest('base64url');
}

/** Compares two codes in a time that says nothing about either. */
export function isSameMac(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Names of credentials … */
const SECRET = /(?:key|secret|token|password|credentials?|extra_headers)$/i;
/** … and what only sounds like one. */
const NO_SECRET = /cost|max_tokens|_tokens$|per_token/i;

/** Is a member of this name a credential? */
export const isSecretName = (name: string): boolean => SECRET.test(name) && !NO_SECRET.test(name);
