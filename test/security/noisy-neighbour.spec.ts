import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that an attack by one caller costs another caller nothing but time. */

const MEBIBYTE = 1024 * 1024;

let upstream: Upstream;
let gateway: Gateway;
let attacker: string;
let bystander: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
  [attacker, bystander] = [await gateway.createKey(), await gateway.createKey({ max_budget: 100 })];
});
afterAll(() => closeAll(gateway, upstream));

/** Makes small calls and health checks in turn while `attack` runs, and a few more. */
async function beside<T>(attack: () => Promise<T>): Promise<T> {
  let over = false;
  let seen = 0;
  const watch = (async () => {
    while (!over || seen < 5) {
      const { status } = await gateway.chat(bystander, { model: 'm-out', max_tokens: 1 });
      expect(status).toBe(200);
      expect((await gateway.send('GET', '/health/liveliness')).status).toBe(200);
      seen++;
    }
  })();
  try {
    return await attack();
  } finally {
    over = true;
    await watch;
  }
}

function opened(bytes: string): Promise<{ socket: Socket; answer: Promise<string> }> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => {
      socket.write(bytes);
      resolve({ socket, answer });
    });
    const answer = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (more) => (text += more.toString('latin1')));
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });
  });
}
const head = (path: string, ...headers: string[]) => [`POST ${path} HTTP/1.1`, 'host: x', 'connection: close', `authorization: Bearer ${attacker}`, ...headers, '', ''].join('\r\n'); // prettier-ignore
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);

const PATHS = ['/v1/chat/completions', '/v1/embeddings', '/key/generate', '/access/v1/evaluation'];
const deep = (opening: string, closing: string, depth: number) => `{"model":"m-free","messages":${opening.repeat(depth)}1${closing.repeat(depth)}}`; // prettier-ignore
const many = (count: number) => `{"model":"m-free","messages":[],${Array.from({ length: count }, (_, i) => `"k${i}":1`).join(',')}}`; // prettier-ignore

describe('a request that is too much', () => {
  it.each([
    ['a million arrays deep', () => deep('[', ']', 1_000_000), [400]],
    ['a million objects deep', () => deep('{"a":', '}', 1_000_000), [400]],
    ['as deep, where content is', () => deep('[{"content":', '}]', 300_000), [400]],
    ['cut off in the depth', () => deep('[', ']', 1_000_000).slice(0, 900_000), [400]],
    ['of six hundred thousand members', () => many(600_000), [400]],
    ['of one long number', () => `{"model":"m-free","n":${'9'.repeat(5 * MEBIBYTE)}}`, [400, 422]],
    ['of backslashes', () => `{"model":"m-free","x":"${'\\\\'.repeat(2 * MEBIBYTE)}"}`, [200, 400, 422]],
    ['of escapes', () => `{"model":"m-free","x":"${'\\u0041'.repeat(MEBIBYTE)}"}`, [200, 400, 422]],
    ['of nothing but spaces', () => ' '.repeat(9 * MEBIBYTE), [400, 422]],
  ])('%s', async (_, make, statuses) => {
    const bytes = Buffer.from(make());
    await beside(async () => {
      for (const path of PATHS) {
        const key = path === '/key/generate' ? gateway.masterKey : attacker;
        const { status, text } = await gateway.as(key, 'POST', path, bytes);
        expect(statuses.concat(path === '/access/v1/evaluation' ? [422] : []), `${path} ${text.slice(0, 300)}`).toContain(status); // prettier-ignore
      }
    });
  });

  it('with a boundary of ten megabytes, or headers of 64 KB', async () => {
    await beside(async () => {
      for (const path of PATHS) {
        for (const size of [64 * 1024, 10 * MEBIBYTE]) {
          const { answer } = await opened(
            head(
              path,
              `content-type: multipart/form-data; boundary=${'-'.repeat(size)}`,
              'content-length: 0',
            ),
          );
          expect([431, 0]).toContain(statusOf(await answer));
        }
        const { answer } = await opened(
          head(path, ...Array.from({ length: 3_000 }, (_, i) => `x-h${i}: ${i}`), 'content-length: 0'),
        );
        expect([400, 431, 0]).toContain(statusOf(await answer));
        const form = `--${'b'.repeat(70)}\r\n`.repeat(60_000);
        const { status } = await gateway.as(attacker, 'POST', path, form, { 'content-type': `multipart/form-data; boundary=${'b'.repeat(70)}` }); // prettier-ignore
        expect([400, 403]).toContain(status);
      }
    });
  });

  it('as a compressed bomb: no more is unpacked than a body may have', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * MEBIBYTE, ' '));
    await beside(async () => {
      for (const path of PATHS)
        for (const encoding of ['gzip', 'deflate', 'br', 'gzip, gzip']) {
          const { status } = await gateway.as(gateway.masterKey, 'POST', path, bomb, { 'content-encoding': encoding }); // prettier-ignore
          expect([400, 413, 415]).toContain(status);
        }
    });
  });
});

describe('many at once', () => {
  it('thirty prompts of five megabytes', async () => {
    const content = 'lorem ipsum '.repeat((5 * MEBIBYTE) / 12);
    await beside(async () => {
      const answers = await Promise.all(
        Array.from({ length: 30 }, () =>
          gateway.chat(attacker, { model: 'm-free', max_tokens: 1, messages: [{ role: 'user', content }] }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    });
  });

  it('thirty who leave in the middle of a stream, and two hundred who never finish their request', async () => {
    upstream.behave = ({ body }) => (body.stream ? { endless: true, msBetweenTokens: 5 } : {});
    const since = upstream.calls.length;
    const body = JSON.stringify({ model: 'm-out', stream: true, max_tokens: 5_000, messages: [] });
    await beside(async () => {
      const slow = await Promise.all(
        Array.from({ length: 200 }, (_, i) =>
          opened(
            i % 2 ? head(PATHS[i % 4]!, 'content-length: 1000000') + '{"mod' : `POST /v1/embeddings HTTP/1.1\r\nhos`,
          ),
        ),
      );
      const streams = await Promise.all(
        Array.from({ length: 30 }, () => opened(head(PATHS[0]!, `content-length: ${body.length}`) + body)),
      );
      await Promise.all(streams.map(({ socket }) => new Promise((heard) => socket.once('data', heard))));
      for (const { socket } of [...streams, ...slow]) socket.destroy();
      await Promise.all([...streams, ...slow].map(({ answer }) => answer));
    });
    upstream.behave = () => ({});
    const streamed = upstream.calls.slice(since).filter((call) => call.body.stream);
    expect(streamed).toHaveLength(30);
    expectBalancedLedger(await gateway.books());
    // A client that hangs up is no error and writes no log.
    expect(gateway.logs).not.toMatch(/\b(GET|POST) \S+ 503\b/);
  }); // prettier-ignore

  it('five thousand strangers with five thousand keys', async () => {
    await beside(async () => {
      for (let i = 0; i < 5_000; i += 100) {
        const answers = await Promise.all(
          Array.from({ length: 100 }, (_, n) => gateway.as(`sk-stranger-${i + n}-0000`, 'GET', '/v1/models')),
        );
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
      }
    });
  }); // prettier-ignore

  it('prompts of a caller without money that take long to count: nobody else is told to give up', async () => {
    const poor = await gateway.createKey({ max_budget: 1 });
    // The neighbour's prompt fits by its tokens, but not by its bytes.
    const neighbour = await gateway.createKey({ max_budget: 14 });
    const call = (key: string, content: string) => gateway.as(key, 'POST', '/v1/chat/completions', { model: 'm-in', max_tokens: 1, messages: [{ role: 'user', content }] });
    let isOver = false;
    const attack = Array.from({ length: 3 }, async () => {
      while (!isOver) {
        const { status } = await call(poor, 'a'.repeat(1_900_000));
        expect([429, 503]).toContain(status);
      }
    });
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) {
      const { status, headers } = await call(neighbour, 'The gate counts words. '.repeat(870));
      statuses.push(status);
      expect(headers['x-should-retry']).not.toBe('false');
    }
    isOver = true;
    await Promise.all(attack);
    expect(statuses).toContain(200);
  }); // prettier-ignore
});
