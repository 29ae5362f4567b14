export const PLAIN_HTTP_URL = 'must be an http:// or https:// address without credentials or query';

/** Describes what `PLAIN_HTTP_URL` matches: an address that can be logged. */
export function isPlainHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash: fragment } = new URL(text);
  return /^https?:$/.test(protocol) && !username && !password && !search && !fragment;
}

/** A host whose last label is a number, such as `embed-v1.5`, without being an IPv4 address. */
const NUMBER_AT_END = /^https?:\/\/([^/?#@]*\.(?:\d+|0x[\da-f]*)\.?)(?::\d*)?(?:[/?#]|$)/i;

/** Returns what is wrong with an address, undefined if it is one that can be called and logged. */
export function addressFault(text: string): string | undefined {
  if (isPlainHttpUrl(text)) return undefined;
  const [, host] = NUMBER_AT_END.exec(text) ?? [];
  return host === undefined
    ? PLAIN_HTTP_URL
    : `'${host}' cannot be the name of a host: a name that ends in a number is read as an IPv4 address. Give the server another name`;
}
