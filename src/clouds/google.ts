import { readFile } from 'node:fs/promises';
import type { GoogleSettings } from '../config/cloud-settings.js';
import { type Cloud, type Token, withBearer } from './cloud.js';
import { CredentialError } from './credential-source.js';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
/** The address that the library asks, whatever the credential's own `token_uri` says. */
const TOKEN_ADDRESS = 'https://oauth2.googleapis.com/token';
/** Life of a token whose end is not known. */
const UNKNOWN_LIFE_MS = 10 * 60_000;

/** Returns Google's cloud: a service account, another credential of a file, or the application default. */
export const google = ({ credentials }: GoogleSettings): Cloud<Token> =>
  withBearer(async () => {
    const { GoogleAuth } = await import('google-auth-library');
    const json = credentials === undefined ? undefined : objectIn(await textOf(credentials));
    const tokenAddress = json?.token_uri;
    const auth = new GoogleAuth({
      scopes: [SCOPE],
      ...(json && { credentials: json }),
      ...(typeof tokenAddress === 'string' &&
        tokenAddress !== TOKEN_ADDRESS && {
          clientOptions: { transporterOptions: { fetchImplementation: askingAt(tokenAddress) } },
        }),
    });
    const client = await auth.getClient();
    const { token } = await client.getAccessToken();
    if (!token) throw new CredentialError('Google gave no access token.');
    return { value: token, expiresAtMs: client.credentials.expiry_date ?? Date.now() + UNKNOWN_LIFE_MS };
  });

/** Returns the JSON of a credential: the setting itself, or the file that it names. */
const textOf = async (credentials: string): Promise<string> =>
  credentials.trimStart().startsWith('{') ? credentials : readFile(credentials, 'utf8');

function objectIn(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new CredentialError('The credential is no JSON.');
  }
}

/** Returns a `fetch` that asks for tokens at this address. */
const askingAt =
  (tokenAddress: string): typeof fetch =>
  (target, init) =>
    fetch(String(target) === TOKEN_ADDRESS ? tokenAddress : target, init);
