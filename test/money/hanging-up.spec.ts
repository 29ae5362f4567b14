import http from 'node:http';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { BookedEntry } from '../harness/ledger-reader.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { type Behaviour, Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

/** Proves that a client that hangs up in mid-stream pays the cost of its call, even if the stream does not show it. */

/** Prices: $0.001 a token of the prompt, $0.01 a token of the response. */
const price = { input_cost_per_token: 0.001, output_cost_per_token: 0.01, max_input_tokens: 20_000 };
let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m', upstream.url, price),
        model('m-reasons', upstream.url, { ...price, supports_reasoning: true }),
        model('m-shows', upstream.url, price, { model: 'deepseek/up-shows' }),
        model('m-draws', upstream.url, { output_cost_per_image: 1 }),
        model('m-claude', upstream.url, price, { model: 'anthropic/up-claude' }),
      ],
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.behave = () => ({});
});

const CHAT = '/v1/chat/completions';
const messages = [{ role: 'user', content: 'hi' }];
const byId = [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }];
const chunk = (delta: object, finish_reason: string | null = null, more: object = {}) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }], ...more })}\n\n`;
const word = chunk({ content: 'word' });
const stop = chunk({}, 'stop');
const usage = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 50, completion_tokens: 80, total_tokens: 130 } })}\n\n`;
const DONE = 'data: [DONE]\n\n';

/** Starts a call with a stream, hangs up when `last` arrived, and returns the entry booked for it. */
async function leaveAfter(last: string, body: object, stream: Behaviour, path = CHAT): Promise<BookedEntry> {
  upstream.behave = () => stream;
  const key = await gateway.createKey({ max_budget: 100 });
  const before = new Set((await gateway.books()).entries.map(({ id }) => id));
  const { hostname, port } = new URL(gateway.url);
  await new Promise<void>((left) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const request = http.request({ hostname, port, path, method: 'POST', headers }, (response) => {
      let seen = '';
      response.on('error', () => {});
      response.on('data', (bytes: Buffer) => {
        seen += bytes.toString();
        if (seen.includes(last)) request.destroy();
      });
    });
    request.on('close', () => left());
    request.on('error', () => {});
    request.end(JSON.stringify({ model: 'm', messages, max_tokens: 200, stream: true, ...body }));
  });
  const added = (await gateway.books()).entries.filter(({ id }) => !before.has(id));
  expect(added).toHaveLength(1);
  return added[0]!;
}

const USD = 1_000_000_000n;
const TRULY = { state: 'settled', mark: null, cost: 850_000_000n };

it('the usage that follows the last word is waited for', async () => {
  const stream = { rawStream: [word, stop, usage, DONE], msBetweenTokens: 200 };
  expect(await leaveAfter('"stop"', {}, stream)).toMatchObject(TRULY);
});

it('… but not for long', async () => {
  const stream = { rawStream: [word, stop], msBetweenTokens: 50, ending: 'hang' as const };
  const entry = await leaveAfter('"stop"', {}, stream);
  await eventually(() => expect(upstream.calls.at(-1)!.hungUpAt).toBeDefined());
  expect(entry).toMatchObject({ state: 'settled', mark: 'estimated' });
  expect(entry.cost! < USD).toBe(true);
});

it('a prompt that the provider holds is billed as all that was held for it', async () => {
  const stream = { rawStream: [word, word, word], msBetweenTokens: 50, ending: 'hang' as const };
  const entry = await leaveAfter('word', { messages: byId }, stream);
  await eventually(() => expect(upstream.calls.at(-1)!.hungUpAt).toBeDefined());
  expect(entry).toMatchObject({ state: 'settled', mark: 'estimated' });
  expect(entry.cost! >= 20n * USD && entry.cost! < 21n * USD).toBe(true);
});

it.each<[string, string, object]>([
  ['was asked to', 'm', { reasoning_effort: 'high' }],
  ['was asked to, in other words', 'm', { thinking: { type: 'enabled', budget_tokens: 10 } }],
  ['always does', 'm-reasons', {}],
  ['could show it and does not', 'm-shows', { reasoning_effort: 'high' }],
])('of a model that thinks out of sight the usage is read, however late: it %s', async (_, name, body) => {
  const stream = {
    rawStream: [word, ...Array<string>(15).fill(word), stop, usage, DONE],
    msBetweenTokens: 100,
  };
  expect(await leaveAfter('word', { model: name, ...body }, stream)).toMatchObject(TRULY);
});

it('… and where none comes all that was held for the answer is billed', async () => {
  const stream = { rawStream: [word, word, stop], msBetweenTokens: 50 };
  const entry = await leaveAfter('word', { model: 'm-reasons' }, stream);
  expect(entry).toMatchObject({ state: 'settled', mark: 'estimated' });
  expect(entry.cost! >= 2n * USD && entry.cost! < (21n * USD) / 10n).toBe(true);
});

it('a model that shows its thoughts is not read on', async () => {
  const thought = chunk({ reasoning_content: 'hm' });
  const stream = { rawStream: [thought, word, word, word], msBetweenTokens: 50, ending: 'hang' as const };
  const entry = await leaveAfter('word', { model: 'm-shows', reasoning_effort: 'high' }, stream);
  await eventually(() => expect(upstream.calls.at(-1)!.hungUpAt).toBeDefined());
  expect(entry).toMatchObject({ state: 'settled', mark: 'estimated' });
  expect(entry.cost! < USD).toBe(true);
});

it('of Anthropic’s thoughts the usage is read too', async () => {
  const typed = (type: string, more: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
  const text = typed('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'word' } });
  const rawStream = [
    typed('message_start', { message: { usage: { input_tokens: 50, output_tokens: 1 } } }),
    ...Array<string>(15).fill(text),
    typed('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 80 } }),
    typed('message_stop', {}),
  ];
  const body = { model: 'm-claude', thinking: { type: 'enabled', budget_tokens: 100 } };
  const entry = await leaveAfter('word', body, { rawStream, msBetweenTokens: 100 }, '/v1/messages');
  expect(entry).toMatchObject(TRULY);
});

it('an image of which a part was shown is billed as one', async () => {
  const partial = `event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"AAAA"}\n\n`;
  const body = { model: 'm-draws', prompt: 'a', partial_images: 2 };
  const stream = { rawStream: [partial, partial], msBetweenTokens: 50, ending: 'hang' as const };
  const entry = await leaveAfter('partial_image', body, stream, '/v1/images/generations');
  expect(entry).toMatchObject({ state: 'settled', mark: 'estimated', cost: USD });
});
