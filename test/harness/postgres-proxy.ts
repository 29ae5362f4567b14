import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A proxy of a PostgreSQL server. It passes everything on, and records the text of each statement that runs. */
export class PostgresProxy {
  readonly statements: string[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {}

  static async before(url: string): Promise<PostgresProxy> {
    const tap: PostgresProxy = new PostgresProxy(
      createServer((client) => tap.join(client)),
      new URL(url),
    );
    await new Promise<void>((done) => tap.server.listen(0, '127.0.0.1', done));
    return tap;
  }

  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private join(client: Socket): void {
    const server = connect(Number(this.target.port || 5432), this.target.hostname);
    const messages = new FrontendMessages((sql) => this.statements.push(sql));
    client.on('data', (bytes) => messages.read(bytes));
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        server.destroy();
      });
    }
  }
}

const LENGTH_BYTES = 4;

/** Reader of the messages of one client, in the extended and the simple protocol. */
class FrontendMessages {
  private rest = Buffer.alloc(0);
  private started = false;
  private readonly prepared = new Map<string, string>();
  private bound = '';

  constructor(private readonly ran: (sql: string) => void) {}

  read(bytes: Buffer): void {
    this.rest = Buffer.concat([this.rest, bytes]);
    for (;;) {
      // The first message of a connection has no type.
      const lengthAt = this.started ? 1 : 0;
      if (this.rest.length < lengthAt + LENGTH_BYTES) return;
      const end = lengthAt + this.rest.readUInt32BE(lengthAt);
      if (this.rest.length < end) return;
      if (this.started) this.message(String.fromCharCode(this.rest[0]!), this.rest.toString('utf8', 5, end));
      this.started = true;
      this.rest = this.rest.subarray(end);
    }
  }

  private message(type: string, content: string): void {
    const [first, second] = content.split('\0') as [string, string];
    if (type === 'P') this.prepared.set(first, second);
    else if (type === 'B') this.bound = this.prepared.get(second)!;
    else if (type === 'E') this.ran(this.bound);
    else if (type === 'Q') this.ran(first);
  }
}
