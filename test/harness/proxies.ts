import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { eventually } from './eventually.js';
import { freePort } from './redis.js';

/** A proxy in front of gateways: its command line and its configuration. */
interface ProxyKind {
  readonly command: (file: string, folder: string) => readonly string[];
  readonly config: (port: number, gateways: readonly string[], folder: string) => string;
}

/** Each proxy keeps connections to the gateways open, and notices a gateway that is not ready in the way of its kind. */
const KINDS = {
  /** Checks no health: it learns from refused connections. */
  nginx: {
    command: (file, folder) => ['nginx', '-p', folder, '-c', file],
    config: (port, gateways, folder) => `
      ${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log warn;
      events { worker_connections 512; }
      http {
        access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/temp;
        fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
        gzip on; gzip_types application/json text/event-stream;
        upstream gates { ${gateways.map((gateway) => `server ${gateway};`).join(' ')} keepalive 32; }
        server {
          listen 127.0.0.1:${port};
          location / { proxy_pass http://gates; ${NGINX_HEADERS} }
          location /stripped/ { proxy_pass http://gates/; ${NGINX_HEADERS} }
        }
      }`,
  },
  caddy: {
    command: (file) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', file],
    config: (port, gateways) => `{
        admin off
      }
      :${port} {
        bind 127.0.0.1
        reverse_proxy ${gateways.join(' ')} {
          health_uri /health/readiness
          health_interval 500ms
        }
      }`,
  },
  haproxy: {
    command: (file) => ['haproxy', '-db', '-f', file],
    config: (port, gateways) => `
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout check 10s
  http-reuse always
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  option httpchk GET /health/readiness
  http-check expect status 200
${gateways.map((gateway, i) => `  server s${i} ${gateway} check inter 500ms fall 2`).join('\n')}
`,
  },
} satisfies Record<string, ProxyKind>;

const NGINX_HEADERS =
  "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";

export type ProxyName = keyof typeof KINDS;

/** Tells whether a test can start this proxy. Throws in CI if it cannot. */
export function proxyIsThere(name: ProxyName): boolean {
  if (!spawnSync(name, ['-v']).error) return true;
  if (process.env.CI) throw new Error(`No ${name} is in the PATH`);
  console.warn(`Tests behind ${name} are skipped: no ${name} is in the PATH.`);
  return false;
}

/** A test's own proxy in front of gateways. */
export class Proxy {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  /** `gateways`: addresses of running gateways. */
  static async start(name: ProxyName, gateways: readonly { readonly url: string }[]): Promise<Proxy> {
    const folder = mkdtempSync(join(tmpdir(), `tollgate-${name}-`));
    const port = await freePort();
    const file = join(folder, 'config');
    const kind: ProxyKind = KINDS[name];
    writeFileSync(
      file,
      kind.config(
        port,
        gateways.map(({ url }) => new URL(url).host),
        folder,
      ),
    );
    const [command, ...words] = kind.command(file, folder);
    const child = spawn(command!, words, {
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    for (const output of [child.stdout, child.stderr])
      output.on('data', (text: Buffer) => (printed += String(text)));
    const proxy = new Proxy(`http://127.0.0.1:${port}`, child, folder);
    try {
      await eventually(async () => {
        if (child.exitCode !== null) throw new Error(`${name} exited: ${printed}`);
        const { statusCode, body } = await request(`${proxy.url}/health/liveliness`);
        await body.dump();
        if (statusCode !== 200) throw new Error(`${name} answers ${statusCode}: ${printed}`);
      });
    } catch (error) {
      await proxy.close();
      throw error;
    }
    return proxy;
  }

  async close(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = new Promise((done) => this.child.once('exit', done));
      // nginx and its worker end on SIGTERM; a killed master would leave the worker behind.
      this.child.kill('SIGTERM');
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
