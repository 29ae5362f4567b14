import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { BoundedMap } from '../cache/bounded-map.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config, type JwtSettings, type TrustedIssuer } from '../config/config.js';
import { DependencyUnavailableError } from '../platform/dependency-unavailable.error.js';
import { subjectOf, type IssuerRules, type UnknownSubject, type TokenSubject } from './claims.js';
import { discoveryOf, type KeySet, SigningKeys } from './signing-keys.js';

/** A verified token, with the identities that it names. */
export interface VerifiedToken {
  /** Hash of the whole token. It identifies the token here and in caches. */
  readonly hash: string;
  readonly subject: TokenSubject;
  readonly expiresAt: Date;
}

/** A token that is not accepted, with a reason for the client. */
export interface RefusedToken {
  readonly code: UnknownSubject['code'] | 'token_expired';
  readonly reason: string;
}

interface Known {
  readonly token: VerifiedToken;
  readonly keys: SigningKeys;
  readonly version: number;
}

interface Proven {
  readonly payload: JWTPayload;
  readonly version: number;
}

interface Trust extends TrustedIssuer {
  readonly keys: readonly SigningKeys[];
  /** Settings for this issuer's tokens. */
  readonly rules: IssuerRules;
}

const MAX_KNOWN = 100_000;
const MAX_DATE_MS = 8.64e15;
/** Accepted algorithms: neither `none` nor any with a shared secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']; // prettier-ignore

/**
 * Verifies tokens with the keys of configured issuers. Nothing in a token decides where its keys are. A known token is not
 * verified again until its issuer's keys change or it expires.
 */
@Injectable()
export class TokenVerifier {
  private readonly settings: JwtSettings | undefined;
  private readonly trusted: readonly Trust[];
  private readonly seen = new BoundedMap<string, Known>(MAX_KNOWN);

  constructor(
    @Inject(CONFIG) { jwt }: Pick<Config, 'jwt'>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.settings = jwt;
    this.trusted = (jwt?.issuers ?? []).map((trust) => ({
      ...trust,
      keys: keysOf(trust, jwt!, clock),
      rules: { ...jwt!, ...trust },
    }));
  }

  /**
   * Tells whether a secret has the form of a token, three parts with dots between, and tokens are accepted at all. A
   * virtual key never has it.
   */
  looksLikeToken(secret: string): boolean {
    return this.settings !== undefined && !secret.startsWith('sk-') && secret.split('.', 4).length === 3;
  }

  /** Returns the token of this hash, if it is unexpired and the keys that verified it are still valid. */
  known(hash: string): VerifiedToken | undefined {
    const known = this.seen.get(hash);
    const stands = known && known.token.expiresAt > this.clock() && known.keys.stands(known.version);
    return stands ? known.token : undefined;
  }

  /** Verifies a token. Throws `DependencyUnavailableError` if its issuer's keys cannot be read. */
  async verify(hash: string, secret: string): Promise<VerifiedToken | RefusedToken> {
    const known = this.seen.get(hash);
    if (known && known.token.expiresAt > this.clock()) {
      const { version } = await known.keys.current();
      if (version === known.version) return known.token;
    }
    this.seen.delete(hash);
    const trust = this.trustFor(secret);
    if (!trust) return invalid('its issuer is not trusted here');
    let failure: unknown;
    for (const keys of trust.keys) {
      try {
        return await this.verifiedBy(keys, trust, hash, secret);
      } catch (error) {
        // An address that does not answer outweighs another that does not know the key.
        if (!(failure instanceof DependencyUnavailableError)) failure = error;
        if (!isOfKeys(error)) break;
      }
    }
    return refusalOf(failure);
  }

  private trustFor(secret: string): Trust | undefined {
    const issuer = issuerOf(secret);
    return (
      this.trusted.find((trust) => trust.issuer !== undefined && trust.issuer === issuer) ??
      this.trusted.find((trust) => trust.issuer === undefined)
    );
  }

  private async verifiedBy(
    keys: SigningKeys,
    trust: Trust,
    hash: string,
    secret: string,
  ): Promise<VerifiedToken | RefusedToken> {
    const { payload, version } = await this.proven(keys, trust, secret);
    const subject = subjectOf(payload, trust.claims, trust.rules);
    if ('code' in subject) return subject;
    const expiresAt = new Date(Math.min(payload.exp! * 1_000 + this.settings!.leewayMs, MAX_DATE_MS));
    const token = { hash, subject: Object.freeze(subject), expiresAt };
    this.seen.set(hash, { token, keys, version });
    return token;
  }

  /**
   * Verifies a token with these keys. For an unknown key it asks the issuer once more, because the issuer may have a new
   * key.
   */
  private async proven(keys: SigningKeys, trust: Trust, secret: string): Promise<Proven> {
    const keySet = await keys.current();
    try {
      return await this.provenBy(keySet, trust, secret);
    } catch (error) {
      const others = error instanceof errors.JWKSNoMatchingKey && (await keys.renewed(keySet.version));
      if (!others) throw error;
      return this.provenBy(others, trust, secret);
    }
  }

  private async provenBy(
    { keyFor, version }: KeySet,
    { issuer, audiences }: Trust,
    secret: string,
  ): Promise<Proven> {
    const { payload } = await jwtVerify(secret, keyFor, {
      algorithms: ALGORITHMS,
      requiredClaims: ['exp'],
      clockTolerance: this.settings!.leewayMs / 1_000,
      currentDate: this.clock(),
      ...(issuer !== undefined && { issuer }),
      ...(audiences && { audience: [...audiences] }),
    });
    return { payload, version };
  }
}

function keysOf({ issuer, keyUrls }: TrustedIssuer, life: JwtSettings, clock: Clock): SigningKeys[] {
  if (keyUrls.length) return keyUrls.map((url) => new SigningKeys(url, life, clock));
  return [new SigningKeys(discoveryOf(issuer!), life, clock, issuer)];
}

/** Returns the issuer that an unverified token claims, only to find the keys that must prove it. */
function issuerOf(secret: string): unknown {
  try {
    return decodeJwt(secret).iss;
  } catch {
    return undefined;
  }
}

/** Tells whether the keys at another address may verify the token. */
const isOfKeys = (error: unknown) =>
  error instanceof DependencyUnavailableError ||
  error instanceof errors.JWKSNoMatchingKey ||
  error instanceof errors.JWSSignatureVerificationFailed;

const invalid = (reason: string): RefusedToken => ({
  code: 'token_invalid',
  reason: `Invalid JWT: ${reason}.`,
});

/** Returns the refusal for a failure, without any content of the token. Rethrows a failure that is not about the token. */
function refusalOf(failure: unknown): RefusedToken {
  if (failure instanceof errors.JWTExpired)
    return { code: 'token_expired', reason: 'Expired JWT: its lifetime is over.' };
  if (failure instanceof errors.JWTClaimValidationFailed)
    return invalid(`its claim ${failure.claim} is missing or not what it must be`);
  if (failure instanceof errors.JWSSignatureVerificationFailed) return invalid('its signature is wrong');
  if (failure instanceof errors.JWKSNoMatchingKey || failure instanceof errors.JWKSMultipleMatchingKeys)
    return invalid('it is signed by no key of its issuer');
  if (failure instanceof errors.JOSEAlgNotAllowed) return invalid('its algorithm is not allowed');
  if (failure instanceof errors.JOSEError) return invalid('it cannot be read');
  throw failure;
}
