import type { IncomingHttpHeaders } from 'node:http';

/** The credential that a request presents, before it is looked up. */
export type PresentedCredential =
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'presented'; readonly secret: string };

/** Headers that may carry the credential. The first header present wins. */
const HEADERS = [
  'x-litellm-api-key',
  'authorization',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
  'ocp-apim-subscription-key',
] as const;

/** Returns the team that a token of several teams acts for, from LiteLLM's header. */
export function requestedTeamId({ headers }: { readonly headers: IncomingHttpHeaders }): string | undefined {
  const asked = headers['x-litellm-team-id'];
  return typeof asked === 'string' && asked !== '' ? asked : undefined;
}

/** Tells whether a client of AWS signed its request. That names no caller of the gateway, and is dropped. */
const isSignature = (value: string) => value.startsWith('AWS4-HMAC-SHA256 ');

const SCHEME = /^bearer[ \t]+/i;
const VISIBLE = /^[\x21-\x7e]{1,16384}$/;

const malformed: PresentedCredential = {
  kind: 'malformed',
  reason: 'Malformed API Key passed in. Ensure Key has `Bearer ` prefix.',
};
const twice: PresentedCredential = {
  kind: 'malformed',
  reason: 'Two different API keys were passed in one header.',
};
const absent: PresentedCredential = { kind: 'absent' };

/**
 * Reads the one credential of a request. A malformed header is refused, even if a later header is valid. Two different
 * values of one header are refused, because the choice between them would be a guess.
 */
export function presentedCredential(
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
): PresentedCredential {
  const name = HEADERS.find(
    (header) =>
      headers[header] !== undefined && !(header === 'authorization' && isSignature(headers[header])),
  );
  if (!name) return absent;
  const values = valuesOf(name, rawHeaders);
  if (values.some((value) => value !== values[0])) return twice;
  const value = values[0]!.trim();
  const scheme = SCHEME.exec(value);
  if (!scheme && name === 'authorization') return malformed;
  const secret = scheme ? value.slice(scheme[0].length) : value;
  return VISIBLE.test(secret) ? { kind: 'presented', secret } : malformed;
}

/**
 * Returns every value sent for a header. Node keeps only the first `authorization` and joins the values of other headers.
 */
function valuesOf(name: string, rawHeaders: readonly string[]): string[] {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i]!;
    if (raw.length === name.length && raw.toLowerCase() === name) values.push(rawHeaders[i + 1]!);
  }
  return values;
}
