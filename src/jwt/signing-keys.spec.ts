import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { DependencyUnavailableError } from '../platform/dependency-unavailable.error.js';
import { SigningKeys } from './signing-keys.js';

const LIFE = { keysTtlMs: 600_000, keysStaleTtlMs: 3_600_000 };
const DISCOVERY = '/.well-known/openid-configuration';

let place: Server;
let keySet: string;
let answer: { status?: number; headers?: Record<string, string>; body: string };
let now: number;
beforeAll(async () => {
  const { publicKey } = await generateKeyPair('RS256');
  keySet = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' }] });
  place = createServer(({ url }, response) => {
    const { status = 200, headers, body } = url === '/right' ? { body: keySet } : answer;
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((done) => place.listen(0, '127.0.0.1', done));
});
afterAll(() => place.close());
afterEach(() => vi.unstubAllGlobals());

const at = (path: string, base = `http://127.0.0.1:${(place.address() as AddressInfo).port}`) => {
  now = 0;
  return new SigningKeys(base + path, LIFE, () => new Date(now), base);
};
const versionAt = (...where: Parameters<typeof at>) => at(...where).current().then(({ version }) => version); // prettier-ignore

it('are read from the place that was configured', async () => {
  answer = { body: keySet };
  expect(await versionAt('/keys')).toBe(1);
});

it.each<[string, () => typeof answer]>([
  ['sends somewhere else', () => ({ status: 302, headers: { location: '/right' }, body: '' })],
  ['says that something went wrong', () => ({ status: 500, body: keySet })],
  ['answers more than a megabyte', () => ({ body: keySet.replace('{', `{"x":"${'x'.repeat(1024 * 1024)}",`) })],
  ['answers what is no JSON', () => ({ body: 'keys' })],
])('are not those of a place that %s', async (_, answerOf) => {
  answer = answerOf();
  await expect(versionAt('/keys')).rejects.toThrow(DependencyUnavailableError);
}); // prettier-ignore

it.each<[string | undefined, boolean]>([
  ['file:///etc/passwd', true],
  ['http://keys.example/jwks', true],
  [undefined, true],
  ['https://keys.example/jwks', false],
])('that a safe place says are at %s: refused %s', async (url, refused) => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (from: string) => {
    asked.push(from);
    return new Response(from.endsWith(DISCOVERY) ? JSON.stringify({ issuer: 'https://issuer.example', jwks_uri: url }) : keySet); // prettier-ignore
  });
  const version = versionAt(DISCOVERY, 'https://issuer.example');
  if (refused) await expect(version).rejects.toThrow(DependencyUnavailableError);
  else expect(await version).toBe(1);
  expect(asked).toEqual([`https://issuer.example${DISCOVERY}`, ...(refused ? [] : [url])]);
});

it('that changed make everything be verified again', async () => {
  answer = { body: keySet };
  const keys = at('/keys');
  const { version } = await keys.current();
  expect(keys.stands(version)).toBe(true);
  now += LIFE.keysTtlMs + 1;
  expect(keys.stands(version)).toBe(false);
  await keys.current();
  expect(keys.stands(version)).toBe(true);
  answer = { body: JSON.stringify({ keys: [] }) };
  now += LIFE.keysTtlMs + 1;
  expect((await keys.current()).version).not.toBe(version);
  expect(keys.stands(version)).toBe(false);
});

it('are others only if they changed', async () => {
  answer = { body: keySet };
  const keys = at('/keys');
  const { version } = await keys.current();
  now += 60_000;
  expect(await keys.renewed(version)).toBeUndefined();
  answer = { body: JSON.stringify({ keys: [] }) };
  now += 60_000;
  expect((await keys.renewed(version))?.version).not.toBe(version);
});
