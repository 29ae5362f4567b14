import { createHash, createHmac, createVerify, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { SignatureV4 } from '@smithy/signature-v4';

/** A request as a cloud received it. */
export interface CloudRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly body: Record<string, unknown>;
}

/** An answer of a model: a status and a body, or the pieces of a stream. */
export interface CloudAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly pieces?: readonly (string | Buffer)[];
  readonly contentType?: string;
  readonly headers?: Record<string, string>;
  /** Keep the connection open after the pieces. */
  readonly staysOpen?: boolean;
  /** End the connection after the pieces without an end. */
  readonly breaksOff?: boolean;
}

export const AWS_KEY = { accessKeyId: 'AKIDTOLLGATETEST0001', secretAccessKey: 'aws-secret-of-the-tests' };
const ROLE_KEY = { accessKeyId: 'ASIATOLLGATEROLE0001', secretAccessKey: 'secret-of-the-assumed-role' };

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

const TOKEN_PATHS = new Set(['/token', '/sts', '/sts/', '/msi', '/container']);

/** Returns one of AWS's frames. */
export function frame(headers: Record<string, string>, payload: unknown): Buffer {
  const typed = Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }] as const);
  return Buffer.from(
    codec.encode({ headers: Object.fromEntries(typed), body: Buffer.from(JSON.stringify(payload)) }),
  );
}

/** Returns the frame of one event of Anthropic's in a stream of InvokeModel. */
export const chunkFrame = (event: unknown) =>
  frame(
    { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' },
    { bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abcdef' },
  );

export const exceptionFrame = (type: string, message: string) =>
  frame(
    { ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' },
    { message },
  );

/** The token endpoints and the models of three clouds on one loopback server. It checks every credential that it gets. */
export class Clouds {
  /** Requests to models, in the order in which they arrived. */
  readonly calls: CloudRequest[] = [];
  /** Requests to token endpoints, by their path. */
  readonly tokenRequests: CloudRequest[] = [];
  answer: (request: CloudRequest) => CloudAnswer = () => ({ body: {} });
  /** Streams that the gateway left before their end. */
  hangUps = 0;
  /** Life of a token in seconds. */
  tokenSeconds = 3_600;
  /** True if no token endpoint gives a token. */
  refuses = false;
  private readonly tokens = new Set<string>();
  private readonly keyPair = generateKeyPairSync('rsa', { modulusLength: 2_048 });

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Clouds> {
    const server = createServer();
    const clouds = new Clouds(server);
    server.on('request', (request, response) => void clouds.serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return clouds;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** JSON of a service account whose tokens come from this server. */
  get serviceAccount(): string {
    return JSON.stringify({
      type: 'service_account',
      project_id: 'proj-1',
      private_key_id: 'k1',
      private_key: this.keyPair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: 'gate@proj-1.iam.gserviceaccount.com',
      client_id: '1',
      token_uri: `${this.url}/token`,
    });
  }

  /** The token that was given last. */
  get lastToken(): string {
    return [...this.tokens].at(-1) ?? 'none';
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const received = {
      method: request.method!,
      path: request.url!,
      headers: request.headers,
      bytes,
      body: objectIn(bytes),
    };
    const [path] = received.path.split('?', 1);
    const isTokenRequest = TOKEN_PATHS.has(path!);
    if (isTokenRequest) return this.giveToken(received, response);
    this.calls.push(received);
    const fault = await this.credentialFault(received);
    if (fault) return json(response, 403, { message: fault, error: { message: fault } });
    const {
      status = 200,
      body,
      pieces,
      contentType,
      headers = {},
      breaksOff,
      staysOpen,
    } = this.answer(received);
    if (!pieces) return json(response, status, body, headers);
    response.writeHead(status, { 'content-type': contentType ?? 'text/event-stream', ...headers });
    for (const piece of pieces) {
      response.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.on('close', () => {
      if (!response.writableFinished) this.hangUps++;
    });
    if (staysOpen) return;
    if (breaksOff) response.socket?.destroy();
    else response.end();
  }

  private giveToken(received: CloudRequest, response: ServerResponse): void {
    this.tokenRequests.push(received);
    if (this.refuses)
      return json(response, 400, { error: 'invalid_grant', error_description: 'refused by the test' });
    const { path, bytes } = received;
    if (path === '/container') return this.giveContainerKey(received, response);
    if (path.startsWith('/sts'))
      return this.assumeRole(new URLSearchParams(bytes.toString()), received, response);
    if (path === '/token' && !this.isSigned(new URLSearchParams(bytes.toString()).get('assertion') ?? ''))
      return json(response, 401, { error: 'invalid_client' });
    this.tokens.add(`token-number-${this.tokens.size + 1}-of-the-tests`);
    json(response, 200, {
      access_token: this.lastToken,
      token_type: 'Bearer',
      expires_in: this.tokenSeconds,
      expires_on: String(Math.floor(Date.now() / 1_000) + this.tokenSeconds),
      resource: 'https://cognitiveservices.azure.com',
    });
  }

  private giveContainerKey({ headers }: CloudRequest, response: ServerResponse): void {
    if (headers.authorization !== 'token-of-the-container') return json(response, 401, {});
    this.tokens.add(`token-number-${this.tokens.size + 1}-of-the-tests`);
    json(response, 200, {
      AccessKeyId: ROLE_KEY.accessKeyId,
      SecretAccessKey: ROLE_KEY.secretAccessKey,
      Token: this.lastToken,
      Expiration: new Date(Date.now() + this.tokenSeconds * 1_000).toISOString(),
    });
  }

  private isSigned(assertion: string): boolean {
    const [header, claims, signature = ''] = assertion.split('.');
    return createVerify('RSA-SHA256')
      .update(`${header}.${claims}`)
      .verify(this.keyPair.publicKey, signature, 'base64url');
  }

  private assumeRole(form: URLSearchParams, { headers }: CloudRequest, response: ServerResponse): void {
    const action = form.get('Action')!;
    const isSigned = String(headers.authorization).includes(`Credential=${AWS_KEY.accessKeyId}/`);
    const isKnown =
      action === 'AssumeRoleWithWebIdentity' ? form.get('WebIdentityToken') === 'a.b.c' : isSigned;
    response.setHeader('content-type', 'text/xml');
    if (!isKnown || form.get('RoleArn') === 'arn:aws:iam::111122223333:role/forbidden') {
      response.statusCode = 403;
      return void response.end(
        `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform sts:AssumeRole</Message></Error></ErrorResponse>`,
      );
    }
    this.tokens.add(`token-number-${this.tokens.size + 1}-of-the-tests`);
    const expiration = new Date(Date.now() + this.tokenSeconds * 1_000).toISOString();
    const credentials = `<Credentials><AccessKeyId>${ROLE_KEY.accessKeyId}</AccessKeyId><SecretAccessKey>${ROLE_KEY.secretAccessKey}</SecretAccessKey><SessionToken>${this.lastToken}</SessionToken><Expiration>${expiration}</Expiration></Credentials>`;
    const user = `<AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>${form.get('RoleArn')}</Arn></AssumedRoleUser>`;
    response.end(
      `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${credentials}${user}</${action}Result></${action}Response>`,
    );
  }

  /** Returns what is wrong with the credential of a request to a model. */
  private async credentialFault({ method, path, headers, bytes }: CloudRequest): Promise<string | undefined> {
    const { authorization = '' } = headers;
    if (!path.startsWith('/model/')) return undefined;
    if (authorization.startsWith('Bearer ')) return undefined;
    const [, id, date, region] = /Credential=([^/]+)\/(\d+)\/([^/]+)\//.exec(authorization) ?? [];
    const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? [];
    const isRole = id === ROLE_KEY.accessKeyId;
    const key = isRole
      ? { ...ROLE_KEY, sessionToken: String(headers['x-amz-security-token']) }
      : {
          ...AWS_KEY,
          ...(headers['x-amz-security-token'] && { sessionToken: String(headers['x-amz-security-token']) }),
        };
    if (isRole && !this.tokens.has(key.sessionToken!)) return 'The security token is unknown.';
    const at = String(headers['x-amz-date']);
    const signingDate = new Date(
      at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
    );
    if (!date || Math.abs(signingDate.getTime() - Date.now()) > 300_000) return 'Signature expired.';
    const signer = new SignatureV4({ credentials: key, region: region!, service: 'bedrock', sha256: Sha256 });
    const own = await signer.sign(
      {
        method,
        protocol: 'http:',
        hostname: headers.host!,
        path,
        query: {},
        body: bytes,
        headers: Object.fromEntries(
          names
            .filter((name) => name !== 'x-amz-date' && name !== 'x-amz-security-token')
            .map((name) => [name, String(headers[name])]),
        ),
      },
      { signingDate },
    );
    const signature = (text: string | undefined) => /Signature=(\w+)/.exec(text ?? '')?.[1];
    return signature(own.headers.authorization) === signature(authorization)
      ? undefined
      : 'The request signature we calculated does not match the signature you provided.';
  }
}

/** SHA-256 as the signer of the AWS SDK takes it. */
class Sha256 {
  private hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array);
  }
  update(data: string | Uint8Array): void {
    this.hash.update(data);
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }
  reset(): void {}
}

function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function objectIn(bytes: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}
