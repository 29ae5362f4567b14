/** Texts that look like a key. A word such as `api_key_invalid` has no digit. */
const KEY = /\b(?:(?:sk|pk|rk|csk|gsk|hf|pplx|xai|AIza)[-_]|(?:key|api)[-_](?=[\w-]*[\d*]))[\w*-]{8,}/g;
const BEARER = /\b(Bearer|Basic) +[\w.~+/=*-]{8,}/gi;
/** A long text with a digit. Names of errors have none. */
const LONG_TOKEN = /\b(?=[A-Za-z_-]*\d)[\w-]{32,}/g;
const ADDRESS = /\bhttps?:\/\/\S+/g;
const MASK = '****';

/** Masks the deployment's credentials and everything that looks like a secret or an address in the text of an upstream. */
export function withoutSecrets(text: string, secrets: readonly Buffer[]): string {
  return secrets
    .reduce((safe, secret) => safe.replaceAll(secret.toString(), MASK), text)
    .replace(ADDRESS, MASK)
    .replace(BEARER, `$1 ${MASK}`)
    .replace(KEY, MASK)
    .replace(LONG_TOKEN, MASK);
}

/** Replaces a deployment's credentials in a response by as many asterisks, because an upstream may echo its request. */
export function masked(bytes: Buffer, secrets: readonly Buffer[]): Buffer {
  let safe = bytes;
  for (const secret of secrets) {
    for (let at = safe.indexOf(secret); at >= 0; at = safe.indexOf(secret, at + 1)) {
      if (safe === bytes) safe = Buffer.from(bytes);
      safe.fill('*', at, at + secret.length);
    }
  }
  return safe;
}
