import type { FinishedRequest } from './credential-source.js';
import type { Expiring } from './renewed-value.js';

/** How one cloud gives a credential, and how a request carries it. */
export interface Cloud<T extends Expiring> {
  /** Fetches a credential. Its errors name no secret. */
  readonly fetch: () => Promise<T>;
  /** Returns the parts of a credential that must never be shown. */
  readonly secretsOf: (credential: T) => readonly string[];
  readonly headersFor: (
    credential: T,
    origin: string,
    request: FinishedRequest,
  ) => Readonly<Record<string, string>>;
}

/** A bearer token. */
export interface Token extends Expiring {
  readonly value: string;
}

/** Returns a cloud whose requests carry a bearer token. */
export const withBearer = (fetch: () => Promise<Token>): Cloud<Token> => ({
  fetch,
  secretsOf: ({ value }) => [value],
  headersFor: ({ value }) => ({ authorization: `Bearer ${value}` }),
});
