import { generateKeyPair, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AUDIENCE, Issuer } from '../harness/issuer.js';
import type { JwtSettings, TrustedIssuer } from '../../src/config/config.js';
import { secretHash } from '../../src/platform/secrets.js';
import { DependencyUnavailableError } from '../../src/platform/dependency-unavailable.error.js';
import { TokenVerifier } from '../../src/jwt/token-verifier.js';

vi.mock('jose', async (original) => {
  const jose = await original<typeof import('jose')>();
  return { ...jose, jwtVerify: vi.fn(jose.jwtVerify) };
});

const TTL_MS = 600_000;
const STALE_MS = 3_600_000;
let issuer: Issuer;
let now: number;
beforeAll(async () => void (issuer = await Issuer.start()));
beforeEach(() => {
  issuer.asked.clear();
  issuer.isDown = false;
  now = Date.now();
  vi.mocked(jwtVerify).mockClear();
});
afterAll(() => issuer.close());

const settings = (issuers: readonly TrustedIssuer[]): JwtSettings => ({
  issuers,
  keysTtlMs: TTL_MS,
  keysStaleTtlMs: STALE_MS,
  leewayMs: 0,
  adminAllowedRoutes: [],
  userAllowedRoles: [],
  userIdUpsert: false,
  teamIdUpsert: false,
  upsertUserToTeam: false,
  enforceRbac: false,
  enforceTeam: false,
  roleMappings: [],
  rolePermissions: [],
});

const CLAIMS = { userId: 'sub' };
const someTokens = (
  trusted: Partial<TrustedIssuer> = { issuer: issuer.url, audiences: [AUDIENCE] },
  ...more: TrustedIssuer[]
) =>
  new TokenVerifier(
    { jwt: settings([{ keyUrls: [], claims: CLAIMS, ...trusted }, ...more]) },
    () => new Date(now),
  );

const verdict = async (tokens: TokenVerifier, token: string) => {
  const verified = await tokens.verify(secretHash(token), token);
  return 'code' in verified ? verified.code : verified.subject.userId;
};
/** Returns a token of a user that lives for a day. */
const ofMia = () => issuer.token({ sub: 'mia', exp: Math.floor(now / 1_000) + 86_400 });
const fetches = () => [...issuer.asked.values()].reduce((sum, one) => sum + one, 0);

describe('a verified token', () => {
  it('is not verified again, and is no longer known when its time is over', async () => {
    const tokens = someTokens();
    const token = await ofMia();
    const hash = secretHash(token);
    expect(tokens.known(hash)).toBeUndefined();
    expect(await verdict(tokens, token)).toBe('mia');
    expect(tokens.known(hash)?.subject.userId).toBe('mia');
    now += TTL_MS + 1;
    expect(tokens.known(hash)).toBeUndefined();
    expect(await verdict(tokens, token)).toBe('mia');
    expect(jwtVerify).toHaveBeenCalledTimes(1);
    expect(tokens.known(hash)).toBeDefined();
    now += 86_400_000;
    expect(tokens.known(hash)).toBeUndefined();
    expect(await verdict(tokens, token)).toBe('token_expired');
  });

  it('is over in its own time, however long its issuer’s keys stand, and the leeway after it', async () => {
    const short = await issuer.token({ sub: 'mia', exp: Math.floor(now / 1_000) + 60 });
    for (const leewayMs of [0, 30_000]) {
      const jwt = { ...settings([{ issuer: issuer.url, keyUrls: [], claims: CLAIMS }]), leewayMs };
      const [tokens, fresh] = [1, 2].map(() => new TokenVerifier({ jwt }, () => new Date(now))) as [TokenVerifier, TokenVerifier]; // prettier-ignore
      const begun = now;
      expect(await verdict(tokens, short)).toBe('mia');
      now += 70_000;
      expect(tokens.known(secretHash(short)) === undefined).toBe(leewayMs === 0);
      expect(await verdict(tokens, short)).toBe(leewayMs ? 'mia' : 'token_expired');
      expect(await verdict(fresh, short)).toBe(leewayMs ? 'mia' : 'token_expired');
      now += 30_000;
      expect(tokens.known(secretHash(short))).toBeUndefined();
      expect(await verdict(tokens, short)).toBe('token_expired');
      now = begun;
    }
  });

  it('has an end, and names somebody: what does not is not known afterwards either', async () => {
    const tokens = someTokens();
    const [endless, nameless] = [await issuer.token({ sub: 'mia', exp: undefined }), await issuer.token({ sub: '' })]; // prettier-ignore
    expect([await verdict(tokens, endless), await verdict(tokens, nameless)]).toEqual(['token_invalid', 'token_not_allowed']); // prettier-ignore
    for (const token of [endless, nameless]) expect(tokens.known(secretHash(token))).toBeUndefined();
    const eternal = await issuer.token({ sub: 'mia', exp: 1e300 });
    expect(await verdict(tokens, eternal)).toBe('mia');
    expect(tokens.known(secretHash(eternal))?.subject.userId).toBe('mia');
  });

  it('is known by all of it: another with the same first 200 characters is another', async () => {
    const tokens = someTokens();
    const token = await ofMia();
    expect(await verdict(tokens, token)).toBe('mia');
    const twin = token.slice(0, -4) + (token.endsWith('AAAA') ? 'BBBB' : 'AAAA');
    expect(twin.slice(0, 200)).toBe(token.slice(0, 200));
    expect(tokens.known(secretHash(twin))).toBeUndefined();
    expect(await verdict(tokens, twin)).toBe('token_invalid');
  });

  it('needs an audience among the configured, and any where none is asked for', async () => {
    const tokens = someTokens({ issuer: issuer.url, audiences: ['a', 'b'] });
    expect(await verdict(tokens, await issuer.token({ sub: 'mia', aud: ['x', 'b'] }))).toBe('mia');
    expect(await verdict(tokens, await issuer.token({ sub: 'mia', aud: 'x' }))).toBe('token_invalid');
    const any = someTokens({ issuer: issuer.url });
    expect(await verdict(any, await issuer.token({ sub: 'mia', aud: undefined }))).toBe('mia');
  });
});

describe('the keys of an issuer', () => {
  it('are discovered, or read from a key set, once however many ask at once', async () => {
    for (const keyUrls of [[], [`${issuer.url}/jwks`], [`${issuer.url}/.well-known/openid-configuration`]]) {
      issuer.asked.clear();
      const tokens = someTokens({ issuer: issuer.url, audiences: [AUDIENCE], keyUrls });
      const many = await Promise.all(
        Array.from({ length: 20 }, (_, i) => issuer.token({ sub: `user-${i}` })),
      );
      expect(new Set(await Promise.all(many.map((token) => verdict(tokens, token)))).size).toBe(20);
      expect(issuer.asked.get('/jwks')).toBe(1);
    }
  });

  it('are asked for again when a token names one nobody knows, but not for every such token', async () => {
    const tokens = someTokens();
    expect(await verdict(tokens, await ofMia())).toBe('mia');
    now += 60_000;
    await issuer.rotate();
    expect(await verdict(tokens, await ofMia())).toBe('mia');
    expect(issuer.asked.get('/jwks')).toBe(2);
    for (let i = 0; i < 20; i++)
      expect(await verdict(tokens, await issuer.token({ sub: 'mia' }, { kid: `made-up-${i}` }))).toBe(
        'token_invalid',
      );
    now += 60_000;
    const other = await generateKeyPair('RS256');
    expect(await verdict(tokens, await issuer.token({ sub: 'mia' }, {}, other.privateKey))).toBe('token_invalid'); // prettier-ignore
    expect(issuer.asked.get('/jwks')).toBe(2);
  });

  it('count no longer once they are rotated away, whatever was verified by them', async () => {
    const tokens = someTokens();
    const token = await ofMia();
    expect(await verdict(tokens, token)).toBe('mia');
    await issuer.rotate();
    now += TTL_MS + 1;
    expect(tokens.known(secretHash(token))).toBeUndefined();
    expect(await verdict(tokens, token)).toBe('token_invalid');
  });

  it('serve for a while when the issuer does not answer, then nobody is let in', async () => {
    const tokens = someTokens();
    const [token, other] = [await ofMia(), await issuer.token({ sub: 'ben', exp: 9_999_999_999 })];
    expect(await verdict(tokens, token)).toBe('mia');
    issuer.isDown = true;
    now += TTL_MS + STALE_MS - 1;
    expect(await verdict(tokens, token)).toBe('mia');
    expect(await verdict(tokens, other)).toBe('ben');
    now += 60_000;
    await expect(verdict(tokens, token)).rejects.toThrow(DependencyUnavailableError);
    await expect(verdict(tokens, other)).rejects.toThrow(DependencyUnavailableError);
    issuer.isDown = false;
    now += 60_000;
    expect(await verdict(tokens, token)).toBe('mia');
  });

  it('are asked for at most every few seconds from an issuer that does not answer', async () => {
    issuer.isDown = true;
    const tokens = someTokens();
    for (let i = 0; i < 10; i++)
      await expect(verdict(tokens, await ofMia())).rejects.toThrow(DependencyUnavailableError);
    expect(fetches()).toBe(1);
  });

  it('are those of a document that says it is this issuer’s', async () => {
    const tokens = someTokens({ issuer: `${issuer.url}/`, audiences: [AUDIENCE] });
    await expect(verdict(tokens, await issuer.token({ iss: `${issuer.url}/` }))).rejects.toThrow(
      DependencyUnavailableError,
    );
  });

  it('may be in several places; those of one issuer prove nothing for another', async () => {
    const other = await Issuer.start();
    const tokens = someTokens(undefined, {
      issuer: other.url,
      audiences: [AUDIENCE],
      keyUrls: [`${issuer.url}/nowhere`, `${other.url}/jwks`],
      claims: { userId: 'user.id' },
    });
    expect(await verdict(tokens, await other.token({ sub: 'x', user: { id: 'ben' } }))).toBe('ben');
    expect(await verdict(tokens, await ofMia())).toBe('mia');
    // The first key URL might publish the key, but it does not respond. So the outcome is an outage, not an invalid token.
    await expect(verdict(tokens, await issuer.token({ iss: other.url }))).rejects.toThrow(
      DependencyUnavailableError,
    );
    const swapped = await other.token({ iss: issuer.url, sub: 'mia' }, { kid: issuer.key.kid });
    expect(await verdict(tokens, swapped)).toBe('token_invalid');
    await other.close();
  });
});

describe('what looks like a token', () => {
  it.each([
    ['a.b.c', true],
    ['..', true],
    ['sk-a.b.c', false],
    ['a.b', false],
    ['a.b.c.d', false],
    ['a.b.c.d.e', false],
  ])('%s: %s', (secret, expected) => {
    expect(someTokens().looksLikeToken(secret)).toBe(expected);
    expect(new TokenVerifier({}, () => new Date(now)).looksLikeToken(secret)).toBe(false);
  });
});
