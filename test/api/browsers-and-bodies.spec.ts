import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model, testModels } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

const BOUNDARY = 'b-1';

let upstream: Upstream;
let gateway: Gateway;
let key: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    config: {
      general_settings: { max_request_size_mb: 1 },
      model_list: [
        ...testModels(upstream.url),
        model('m-edit', upstream.url, { mode: 'image_generation', output_cost_per_image: 0.01 }),
      ],
    },
  });
  key = await gateway.createKey();
});
afterAll(() => closeAll(gateway, upstream));

describe('a compressed body', () => {
  const call = (content: string) =>
    Buffer.from(JSON.stringify({ model: 'm-in', messages: [{ role: 'user', content }], max_tokens: 2 }));
  const send = (coding: string, bytes: Buffer, path = '/v1/chat/completions', headers = {}) =>
    gateway.as(key, 'POST', path, bytes, { 'content-encoding': coding, ...headers });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('of coding %s reaches the provider decoded', async (coding, compress) => {
    expect((await send(coding, compress(call('hello')))).status).toBe(200);
    const { headers, body } = upstream.calls.at(-1)!;
    expect(body).toMatchObject({ model: 'up-m-in', messages: [{ content: 'hello' }] });
    expect(headers['content-encoding']).toBeUndefined();
  });

  it('may be a form', async () => {
    const part = (name: string, value: string, more = '') =>
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
    const form = `${part('model', 'm-edit')}${part('prompt', 'fog')}${part('image', 'png', '; filename="a.png"')}--${BOUNDARY}--\r\n`;
    const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
    expect((await send('gzip', gzipSync(form), '/v1/images/edits', headers)).status).toBe(200);
    expect(upstream.calls.at(-1)!.fields).toMatchObject({ model: 'up-m-edit', prompt: 'fog' });
  });

  it('may be an admin’s', async () => {
    const bytes = gzipSync(JSON.stringify({ key_alias: 'compressed', max_budget: 1 }));
    const { status, body } = await gateway.as(gateway.masterKey, 'POST', '/key/generate', bytes, {
      'content-encoding': 'gzip',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ key_alias: 'compressed', max_budget: 1 });
  });

  it('is held for by its decoded size', async () => {
    const poor = await gateway.createKey({ max_budget: 1 });
    const long = call('long '.repeat(20_000));
    const plain = await gateway.as(poor, 'POST', '/v1/chat/completions', long);
    const packed = await gateway.as(poor, 'POST', '/v1/chat/completions', gzipSync(long), {
      'content-encoding': 'gzip',
    });
    expect([plain.status, packed.status]).toEqual([429, 429]);
    expect(packed.body.error.message).toBe(plain.body.error.message);
  });

  it('that decodes to more than allowed is 413, which names the setting', async () => {
    const { status, body } = await send('gzip', gzipSync(Buffer.alloc(64 * 1024 * 1024, ' ')));
    expect(status).toBe(413);
    expect(body.error.message).toContain('general_settings.max_request_size_mb allows 1 MB');
  });

  it.each(['compress', 'gzip, gzip'])(
    'of coding "%s" is 415, which says what is accepted',
    async (coding) => {
      const { status, headers, body } = await send(coding, call('hello'));
      expect(status).toBe(415);
      expect(headers['accept-encoding']).toMatch(/^gzip, deflate, br(?:, zstd)?$/);
      expect(body.error).toMatchObject({
        param: 'content-encoding',
        message: expect.stringContaining(coding),
      });
    },
  );

  it('that is not what it says is 400; a stranger’s is 401', async () => {
    expect((await send('gzip', call('hello'))).status).toBe(400);
    const stranger = await gateway.send('POST', '/v1/chat/completions', gzipSync(call('hello')), {
      'content-encoding': 'gzip',
    });
    expect(stranger.status).toBe(401);
  });
});
