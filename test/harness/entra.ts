import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ENTRA_TOKEN = 'token-of-the-application-of-the-tests';

/** Entra ID on loopback, with a certificate of its own. It knows one application. */
export class Entra {
  readonly paths: string[] = [];

  private constructor(
    private readonly server: Server,
    private readonly folder: string,
  ) {}

  static async start(): Promise<Entra> {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-entra-'));
    const [keyFile, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const { status, stderr } = spawnSync('openssl', [
      'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost', '-keyout', keyFile, '-out', certificate,
    ]); // prettier-ignore
    if (status !== 0) throw new Error(`openssl made no certificate: ${String(stderr)}`);
    const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certificate) });
    const entra = new Entra(server, folder);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const [code, body] = entra.answer(request.url!, Buffer.concat(chunks).toString());
        response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return entra;
  }

  get url(): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  get certificate(): string {
    return join(this.folder, 'certificate.pem');
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.folder, { recursive: true });
  }

  private answer(path: string, text: string): [status: number, body: object] {
    this.paths.push(path);
    const tenant = `${this.url}/tenant-1`;
    if (path.includes('openid-configuration'))
      return [
        200,
        {
          token_endpoint: `${tenant}/oauth2/v2.0/token`,
          authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
          issuer: `${tenant}/v2.0`,
          jwks_uri: `${tenant}/keys`,
        },
      ];
    const form = new URLSearchParams(text);
    const isKnown =
      form.get('client_id') === 'application-1' &&
      form.get('client_secret') === 'secret-of-the-application' &&
      form.get('scope')!.includes('https://cognitiveservices.azure.com/.default');
    return isKnown
      ? [200, { token_type: 'Bearer', expires_in: 3_600, ext_expires_in: 3_600, access_token: ENTRA_TOKEN }]
      : [
          401,
          { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' },
        ];
  }
}
