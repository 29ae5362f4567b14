export const PLAIN_HTTP_URL = 'must be an http:// or https:// address without credentials or query';

/** What `PLAIN_HTTP_URL` asks for: an address that can be logged. */
export function isPlainHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash: fragment } = new URL(text);
  return /^https?:$/.test(protocol) && !username && !password && !search && !fragment;
}
