import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose';
import Provider from 'oidc-provider';

export const AUDIENCE = 'tollgate';
const CLIENT_SECRET = 'the-secret-of-the-tests';

interface SigningKey {
  readonly privateKey: Parameters<SignJWT['sign']>[0];
  readonly jwk: JWK;
  readonly kid: string;
}

/** An identity provider: OpenID discovery, a published key set, tokens for clients that log in, and tokens with any claims. */
export class Issuer {
  url = '';
  key!: SigningKey;
  /** Number of requests to each of its addresses. */
  readonly asked = new Map<string, number>();
  /** Makes it accept connections and respond 500. */
  isDown = false;
  private serial = 0;
  private answer!: (request: IncomingMessage, response: ServerResponse) => Promise<void>;

  private constructor(
    private readonly server: Server,
    /** Additional claims in the tokens of clients, by client id. */
    private readonly clients: Readonly<Record<string, object>>,
  ) {}

  static async start(clients: Readonly<Record<string, object>> = {}): Promise<Issuer> {
    const server = createServer();
    const issuer = new Issuer(server, clients);
    server.on('request', (request, response) => void issuer.handle(request, response));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    issuer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await issuer.rotate();
    return issuer;
  }

  /** Signs with a new key from now on, and publishes only that key. */
  async rotate(): Promise<void> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const kid = `k${++this.serial}`;
    this.key = { privateKey, kid, jwk: { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' } };
    this.answer = providerOf(this.url, this.key.jwk, this.clients).callback();
  }

  /** Returns the published form of the signing key. */
  get publicKey(): JWK {
    const { kty, n, e, kid, alg, use } = this.key.jwk;
    return { kty, n, e, kid, alg, use } as JWK;
  }

  /** Logs a client in. Returns its token. */
  async login(client: string): Promise<string> {
    const answer = await fetch(`${this.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client,
        client_secret: CLIENT_SECRET,
      }),
    });
    const { access_token: token, ...rest } = (await answer.json()) as Record<string, string>;
    if (!token) throw new Error(`No token: ${JSON.stringify(rest)}`);
    return token;
  }

  /** Returns a token with these claims, signed by the issuer. Undefined claims are left out. */
  token(
    claims: object = {},
    header: Partial<JWTHeaderParameters> = {},
    key = this.key.privateKey,
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const all = { iss: this.url, aud: AUDIENCE, iat: now, exp: now + 600, ...claims };
    return new SignJWT(JSON.parse(JSON.stringify(all)) as object as Record<string, unknown>)
      .setProtectedHeader({ alg: 'RS256', kid: this.key.kid, ...header })
      .sign(key);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked.set(request.url!, (this.asked.get(request.url!) ?? 0) + 1);
    if (this.isDown) return void response.writeHead(500).end();
    await this.answer(request, response);
  }
}

function providerOf(url: string, key: JWK, clients: Readonly<Record<string, object>>): Provider {
  return new Provider(url, {
    jwks: { keys: [key] },
    clients: Object.keys(clients).map((client_id) => ({
      client_id,
      client_secret: CLIENT_SECRET,
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    extraTokenClaims: (_, { clientId }) => ({ ...clients[clientId!] }) as Record<string, unknown>,
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:tollgate',
        getResourceServerInfo: () => ({
          scope: '',
          audience: AUDIENCE,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
}
