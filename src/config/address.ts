export const PLAIN_HTTP_URL = 'must be an http:// or https:// address without credentials or query';

/** Describes what `PLAIN_HTTP_URL` matches: an address that can be logged. */
export function isPlainHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash: fragment } = new URL(text);
  return /^https?:$/.test(protocol) && !username && !password && !search && !fragment;
}
