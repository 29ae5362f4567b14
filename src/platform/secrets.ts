import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** Returns the stored form of a virtual key: its SHA-256 in hex. */
export function secretHash(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/** Returns the hash of a key named raw (`sk-…`) or by its hash. It is never used for a credential. */
export function keyHashOf(keyOrHash: string): string {
  return keyOrHash.startsWith('sk-') ? secretHash(keyOrHash) : keyOrHash;
}

/**
 * Returns a new virtual key in LiteLLM's form: `sk-` and 22 url-safe characters (128 bits). Errors name a key by its hash or
 * its hint. Neither contains `404`, which Terraform's provider would take for the status (see `newId`).
 */
export function newVirtualKey(): string {
  for (;;) {
    const secret = `sk-${randomBytes(16).toString('base64url')}`;
    if (!`${secretHash(secret)} ${keyHint(secret)}`.includes('404')) return secret;
  }
}

/** Returns the public hint of a key: `sk-...` and at most its last four characters; fewer of a short key. */
export function keyHint(secret: string): string {
  return secret.length < 12 ? 'sk-...' : `sk-...${secret.slice(-4)}`;
}

/** Returns a test against one secret. It compares digests, so its time says nothing about either text. */
export function secretMatcher(secret: string): (presentedHash: string) => boolean {
  const expected = Buffer.from(secretHash(secret));
  return (presentedHash) =>
    presentedHash.length === expected.length && timingSafeEqual(Buffer.from(presentedHash), expected);
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

/** Decrypts what `seal` encrypted. Throws if it was altered or encrypted with another salt key. */
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
 * Returns a function that makes message authentication codes (HMAC-SHA-256, base64url) for one purpose. Only the salt key
 * makes valid codes, and a code of one purpose is not valid for another.
 */
export function macMaker(purpose: string, saltKey: string): (text: string) => string {
  const key = hash('sha256', `tollgate:mac:${purpose}:${saltKey}`, 'buffer');
  return (text) => createHmac('sha256', key).update(text).digest('base64url');
}

/** Compares two codes in constant time. */
export function isSameMac(actual: string, expected: string): boolean {
  const [a, b] = [Buffer.from(actual), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Names of members that hold credentials … */
const SECRET = /(?:key|secret|token|password|credentials?|extra_headers)$/i;
/** … and names that only look like one. */
const NO_SECRET = /cost|max_tokens|_tokens$|per_token/i;

/** Tells whether a member with this name holds a credential. */
export const isSecretName = (name: string): boolean => SECRET.test(name) && !NO_SECRET.test(name);
