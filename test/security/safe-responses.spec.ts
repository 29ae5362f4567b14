import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

const MEBIBYTE = 1024 * 1024;

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream, config: { general_settings: { max_request_bytes_in_flight: 4 * MEBIBYTE } } });
}); // prettier-ignore
afterAll(() => closeAll(gateway, upstream));

function opened(
  bytes: string | Buffer,
): Promise<{ socket: Socket; answer: Promise<string>; isAnswered: () => boolean }> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => {
      socket.write(bytes);
      resolve({ socket, answer, isAnswered: () => text !== '' });
    });
    let text = '';
    const answer = new Promise<string>((resolve) => {
      socket.on('data', (more) => (text += more.toString('latin1')));
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });
  });
}

describe('an answer', () => {
  it.each([
    ['/key/generate', {}],
    ['/key/service-account/generate', { team_id: 'safe' }],
    ['/user/new', {}],
  ])('with a secret is kept by no cache: %s', async (path, body) => {
    await gateway.admin('POST', '/team/new', { team_id: 'safe' });
    const { status, headers } = await gateway.admin('POST', path, body);
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
  });

  it('with a new secret is kept by no cache either', async () => {
    const key = await gateway.createKey();
    for (const [path, body] of [['/key/regenerate', { key }]] as const) {
      const { status, headers } = await gateway.admin('POST', path, body);
      expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
    }
  });

  it.each(['/docs', '/docs/swagger-ui-init.js', '/openapi.json'])('of %s is framed by nobody and runs no other script', async (path) => {
    const { status, headers } = await gateway.send('GET', path);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff' });
    expect(headers['content-security-policy']).toContain("script-src 'self';");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  }); // prettier-ignore

  it('of the documentation needs no script inside its page', async () => {
    const { text } = await gateway.send('GET', '/docs');
    expect(text.match(/<script(?![^>]*\bsrc=)[^>]*>/g)).toBeNull();
  });
});

describe('a request with two Host headers', () => {
  it.each(['/v1/models', '/health/liveliness', '/nowhere'])('is a bad request at %s', async (path) => {
    const { answer } = await opened(
      `GET ${path} HTTP/1.1\r\nhost: a\r\nHost: b\r\nconnection: close\r\n\r\n`,
    );
    expect(await answer).toMatch(/^HTTP\/1\.1 400 /);
    const one = await opened(`GET /health/liveliness HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    expect(await one.answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('bodies under way', () => {
  it('have a bound together, and what has no room is told to come again', async () => {
    const key = await gateway.createKey();
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-length: ${3 * MEBIBYTE}\r\n\r\n`;
    const unfinished = Buffer.concat([Buffer.from(head), Buffer.alloc(3 * MEBIBYTE - 1, 0x20)]);
    let first = await opened(unfinished);
    const large = () => gateway.as(key, 'POST', '/v1/chat/completions', `${' '.repeat(2 * MEBIBYTE)}{"model":"m-out","max_tokens":1,"messages":[]}`); // prettier-ignore
    await eventually(async () => {
      // If the large body came first, the unfinished one had no room.
      if (first.isAnswered()) first = await opened(unfinished);
      const { status, headers } = await large();
      expect([status, headers['retry-after']]).toEqual([503, '1']);
    });
    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(200);
    first.socket.destroy();
    await eventually(async () => expect((await large()).status).toBe(200));
    // Every finished body frees its room again.
    for (let i = 0; i < 5; i++) expect((await large()).status).toBe(200);
  });
});
