import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AwsSettings } from '../config/cloud-settings.js';
import type { Cloud } from './cloud.js';
import type { FinishedRequest } from './credential-source.js';
import type { Expiring } from './renewed-value.js';

type Signer = typeof import('aws4');
type Providers = typeof import('@aws-sdk/credential-providers');
type Provider = ReturnType<Providers['fromTemporaryCredentials']>;
type Key = Awaited<ReturnType<Provider>>;

/** An identity of AWS, with what signs in its name. */
interface Identity extends Expiring {
  readonly key: Key;
  readonly signer: Signer;
}

const SESSION_NAME = 'tollgate';

/** Returns AWS: an access key, a profile, a role, a token of another identity provider, or the identity of the host. */
export const aws = (settings: AwsSettings): Cloud<Identity> => ({
  async fetch() {
    const [providers, { default: signer }] = await Promise.all([
      import('@aws-sdk/credential-providers'),
      import('aws4') as unknown as Promise<{ default: Signer }>,
    ]);
    const key = await (await providerOf(settings, providers))();
    return { key, signer, expiresAtMs: key.expiration?.getTime() };
  },
  secretsOf: ({ key: { accessKeyId, secretAccessKey, sessionToken } }) => [
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? [] : [sessionToken]),
  ],
  headersFor: ({ key, signer }, origin, request) =>
    signatureOf(signer, key, settings.region, origin, request),
});

/** Returns the one provider that the settings name. None is asked instead of another: a role that cannot be assumed fails. */
async function providerOf(settings: AwsSettings, providers: Providers): Promise<Provider> {
  const { region, role, externalId, stsEndpoint, webIdentityToken } = settings;
  const clientConfig = { region, ...(stsEndpoint !== undefined && { endpoint: stsEndpoint }) };
  const roleSessionName = settings.sessionName ?? SESSION_NAME;
  if (webIdentityToken !== undefined && role !== undefined)
    return providers.fromWebToken({
      roleArn: role,
      webIdentityToken: await tokenIn(webIdentityToken),
      roleSessionName,
      clientConfig,
    });
  const own = ownProvider(settings, providers);
  if (role === undefined) return own;
  return providers.fromTemporaryCredentials({
    masterCredentials: own,
    params: {
      RoleArn: role,
      RoleSessionName: roleSessionName,
      ...(externalId !== undefined && { ExternalId: externalId }),
    },
    clientConfig,
  });
}

function ownProvider(
  { accessKeyId, secretAccessKey, sessionToken, profile, region }: AwsSettings,
  providers: Providers,
): Provider {
  if (accessKeyId !== undefined && secretAccessKey !== undefined)
    return async () => ({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
    });
  if (profile !== undefined) return providers.fromIni({ profile, clientConfig: { region } });
  return providers.fromNodeProviderChain({ clientConfig: { region } });
}

/** Returns a token, which the setting holds itself or in a file. A token of three parts is no path. */
const tokenIn = async (setting: string): Promise<string> =>
  /^[\w-]+\.[\w-]+\.[\w-]+$/.test(setting) ? setting : (await readFile(setting, 'utf8')).trim();

/** Signs a request (Signature Version 4). */
function signatureOf(
  signer: Signer,
  { accessKeyId, secretAccessKey, sessionToken }: Key,
  region: string,
  origin: string,
  { path, headers, body }: FinishedRequest,
): Record<string, string> {
  const { headers: all } = signer.sign(
    {
      service: 'bedrock',
      region,
      method: 'POST',
      path,
      headers: {
        host: new URL(origin).host,
        'content-type': headers['content-type'] ?? 'application/json',
        'x-amz-content-sha256': hashOf(body),
      },
    },
    { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
  );
  const { Authorization, 'X-Amz-Date': date, 'X-Amz-Security-Token': token } = all as Record<string, string>;
  return {
    authorization: Authorization!,
    'x-amz-date': date!,
    'x-amz-content-sha256': String(all!['x-amz-content-sha256']),
    ...(token !== undefined && { 'x-amz-security-token': token }),
  };
}

function hashOf(body: FinishedRequest['body']): string {
  const hash = createHash('sha256');
  for (const piece of Buffer.isBuffer(body) ? [body] : (body as readonly Buffer[])) hash.update(piece);
  return hash.digest('hex');
}
