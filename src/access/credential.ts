import type { IncomingHttpHeaders } from 'node:http';

/** What the request presents, before anybody looks it up. */
export type Presented =
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'presented'; readonly secret: string };

/** Where a credential may stand; the first header present wins. */
const HEADERS = [
  'x-litellm-api-key',
  'authorization',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
  'ocp-apim-subscription-key',
] as const;

/** Which of its teams a token is to act for, LiteLLM's header. */
export function teamAsked({ headers }: { readonly headers: IncomingHttpHeaders }): string | undefined {
  const asked = headers['x-litellm-team-id'];
  return typeof asked === 'string' && asked !== '' ? asked : undefined;
}

const SCHEME = /^bearer[ \t]+/i;
const VISIBLE = /^[\x21-\x7e]{1,16384}$/;

const malformed: Presented = {
  kind: 'malformed',
  reason: 'Malformed API Key passed in. Ensure Key has `Bearer ` prefix.',
};
const twice: Presented = { kind: 'malformed', reason: 'Two different API keys were passed in one header.' };
const absent: Presented = { kind: 'absent' };

/**
 * Reads the one credential of a request. A header that is there but malformed is never skipped for the next one,
 * and two different values of one header are refused: nobody guesses which was meant.
 */
export function presentedCredential(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): Presented {
  const name = HEADERS.find((header) => headers[header] !== undefined);
  if (!name) return absent;
  const values = valuesOf(name, rawHeaders);
  if (values.some((value) => value !== values[0])) return twice;
  const value = values[0]!.trim();
  const scheme = SCHEME.exec(value);
  if (!scheme && name === 'authorization') return malformed;
  const secret = scheme ? value.slice(scheme[0].length) : value;
  return VISIBLE.test(secret) ? { kind: 'presented', secret } : malformed;
}

/** Every value sent for a header: node keeps only the first `authorization` and joins the others. */
function valuesOf(name: string, rawHeaders: readonly string[]): string[] {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i]!;
    if (raw.length === name.length && raw.toLowerCase() === name) values.push(rawHeaders[i + 1]!);
  }
  return values;
}
