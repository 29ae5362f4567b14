import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import http from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { dialectOf } from '../harness/dialects.js';
import { type BookedEntry, type LedgerContents, expectBalancedLedger } from '../harness/ledger-reader.js';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway, model } from '../harness/gateway.js';
import { type Behaviour, Upstream, type UpstreamCall } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  // Only these models have the short timeout. On a busy machine other calls may need longer.
  const hasty = { timeout: 1.5 };
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        ...[
          { name: 'm-out', params: {} },
          { name: 'm-out-hasty', params: { ...hasty, model: 'openai/up-m-out' } },
          { name: 'm-claude', params: { model: 'anthropic/up-m-claude' } },
          { name: 'm-claude-hasty', params: { ...hasty, model: 'anthropic/up-m-claude' } },
        ].map(({ name, params }) =>
          model(name, upstream.url, { input_cost_per_token: 0, output_cost_per_token: 0.001 }, params),
        ),
        ...['openai', 'anthropic'].map((provider) =>
          model(
            `m-refused-${provider}`,
            'http://127.0.0.1:9/v1',
            { input_cost_per_token: 0, output_cost_per_token: 0.001 },
            { model: `${provider}/up` },
          ),
        ),
      ],
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.behave = () => ({});
});

/** Returns the entries that some work added to the ledger. */
async function entriesOf(
  work: () => Promise<unknown>,
): Promise<{ added: BookedEntry[]; books: LedgerContents }> {
  const before = new Set((await gateway.books()).entries.map(({ id }) => id));
  await work();
  const books = await gateway.books();
  expectBalancedLedger(books);
  return { added: books.entries.filter(({ id }) => !before.has(id)), books };
}

async function expectNothingLeftHeld(key: string): Promise<void> {
  upstream.behave = () => ({});
  const after = await gateway.chat(key, { model: 'm-out', max_tokens: 100 });
  expect(after.status).toBe(200);
}

/** Returns the error with the gateway's own type, which Anthropic's clients get beside a type of their API. */
const ownError = ({ body: { error } }: Answer) => ({ ...error, type: error.details.type ?? error.type });

const DEEP = '['.repeat(200_000) + ']'.repeat(200_000);

interface Kind {
  readonly path: string;
  readonly model: string;
  readonly body: (tokens: number) => object;
  readonly terminator: string;
  /** Events of a stream before the first token. If the upstream counts no usage, events give the estimate. */
  readonly before: number;
  readonly negative: Record<string, unknown>;
  /** The text with which a stream reports its failure. */
  readonly failed: string;
}
const KINDS: readonly Kind[] = [
  {
    path: '/v1/chat/completions',
    model: 'm-out',
    body: (max_tokens) => ({ messages: [{ role: 'user', content: 'hi' }], max_tokens }),
    terminator: '[DONE]',
    before: 0,
    negative: { prompt_tokens: -5, completion_tokens: -100 },
    failed: 'data: {"error":{"message":"The upstream ',
  },
  {
    path: '/v1/messages',
    model: 'm-claude',
    body: (max_tokens) => ({ messages: [{ role: 'user', content: 'hi' }], max_tokens }),
    terminator: 'message_stop',
    before: 2,
    negative: { input_tokens: -5, output_tokens: -100 },
    failed: 'event: error\ndata: {"type":"error","error":{',
  },
  {
    path: '/v1/responses',
    model: 'm-out',
    body: (max_output_tokens) => ({ input: 'hi', max_output_tokens }),
    terminator: 'response.completed',
    before: 3,
    negative: { input_tokens: -5, output_tokens: -100 },
    failed: 'event: error\ndata: {"type":"error","code":"50',
  },
];

/** Starts a call on a raw socket and hangs up when `leaveAfter` bytes of the response's body arrived. */
async function callAndLeave(key: string, path: string, body: object, leaveAfter: number): Promise<void> {
  const { hostname, port } = new URL(gateway.url);
  await new Promise<void>((left) => {
    const request = http.request(
      {
        hostname,
        port,
        path,
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      },
      (response) => {
        let seen = 0;
        response.on('error', () => {});
        response.on('data', (bytes: Buffer) => {
          seen += bytes.length;
          if (seen >= leaveAfter) request.destroy();
        });
      },
    );
    request.on('close', () => left());
    request.on('error', () => {});
    request.end(JSON.stringify(body));
    if (leaveAfter === 0) void upstream.arrived(upstream.calls.length + 1).then(() => request.destroy());
  });
}

describe.each(KINDS)('however a call of $path ends, its hold ends too', (kind) => {
  const { path, model: name, terminator, before } = kind;
  const send = (key: string, tokens: number, more: object = {}) =>
    gateway.as(key, 'POST', path, { model: name, ...kind.body(tokens), ...more });
  const priceOfEvents = (tokens: number) => BigInt(before + tokens) * 1_000_000n;

  const dialect = dialectOf(path);
  const call = { model: 'up', body: { stream_options: { include_usage: true } } } as unknown as UpstreamCall;
  const used = dialect.usage(0, 100);
  const whole = JSON.stringify(dialect.whole(call, used));
  const events = [...dialect.first(call, used), dialect.token(call, 0), ...dialect.last(call, used)].join('');
  const sank = { error: { message: 'sank', type: 'server_error', code: '503' } };
  const sinking = `data: ${JSON.stringify({ type: 'error', ...sank })}\n\n`;

  // The budget is just enough for one call. A hold left behind would refuse the next call.
  const oneCall = () => gateway.createKey({ max_budget: 0.2 });

  it.each<[string, Behaviour, boolean, number, Partial<BookedEntry>]>([
    ['the upstream answers 500', { status: 500 }, false, 500, { state: 'released', cost: 0n }],
    ['the upstream answers 429', { status: 429 }, false, 429, { state: 'released', cost: 0n }],
    ['the upstream answers 400', { status: 400 }, true, 400, { state: 'released', cost: 0n }],
    [
      'the upstream hangs up',
      { reset: true },
      false,
      502,
      { state: 'settled', mark: 'unconfirmed', cost: 0n },
    ],
    [
      'the upstream never answers',
      { hang: true },
      false,
      504,
      { state: 'settled', mark: 'unconfirmed', cost: 0n },
    ],
    [
      'the answer is not JSON',
      { rawBody: '{"choices":[' },
      false,
      502,
      { state: 'settled', mark: 'unconfirmed', cost: 0n },
    ],
    [
      'the answer is nested too deeply to be measured',
      { rawBody: `{"choices":[${DEEP}],"content":[${DEEP}],"output":[${DEEP}]}` },
      false,
      502,
      { state: 'settled', mark: 'unconfirmed', cost: 0n },
    ],
    ['the answer is empty', { rawBody: '' }, false, 502, { state: 'settled', mark: 'unconfirmed', cost: 0n }],
    [
      'the answer is shorter than it said',
      { contentLength: 5_000 },
      false,
      504,
      { state: 'settled', mark: 'unconfirmed', cost: 0n },
    ],
    ['no usage is told', { usage: null }, false, 200, { state: 'settled', mark: 'estimated' }],
    ['negative usage is told', { usage: kind.negative }, false, 200, { state: 'settled', mark: 'estimated' }],
    [
      'absurd usage is told',
      { usage: Object.fromEntries(Object.keys(kind.negative).map((unit) => [unit, 1e300])) },
      false,
      200,
      { state: 'settled', mark: 'estimated' },
    ],
    [
      'a stream is empty',
      { tokensBefore: 0, ending: 'end' },
      true,
      before ? 200 : 502,
      { state: 'settled', mark: 'unconfirmed', cost: priceOfEvents(0) },
    ],
    [
      'a stream ends without its terminator',
      { tokensBefore: 7, ending: 'end' },
      true,
      200,
      { state: 'settled', mark: 'unconfirmed', cost: priceOfEvents(7) },
    ],
    [
      'a stream breaks off',
      { tokensBefore: 7, ending: 'reset' },
      true,
      200,
      { state: 'settled', mark: 'unconfirmed', cost: priceOfEvents(7) },
    ],
    [
      'a stream falls silent',
      { tokensBefore: 7, ending: 'hang' },
      true,
      200,
      { state: 'settled', mark: 'unconfirmed', cost: priceOfEvents(7) },
    ],
    [
      'a stream says its last word and stays on the line',
      { staysOpen: true },
      true,
      200,
      { state: 'settled', mark: null, cost: 100_000_000n },
    ],
    [
      'an error tells usage',
      { status: 500, errorBody: { error: { message: 'm', type: 'server_error' }, usage: used } },
      false,
      500,
      { state: 'settled', mark: 'failed', cost: 100_000_000n },
    ],
    [
      'an error comes as a success',
      { rawBody: JSON.stringify({ error: { ...sank.error, type: undefined } }) },
      false,
      503,
      { state: 'released', cost: 0n },
    ],
    [
      'a stream begins with an error',
      { rawStream: [`data: ${JSON.stringify({ error: { ...sank.error, type: undefined } })}\n\n`] },
      true,
      503,
      { state: 'released', cost: 0n },
    ],
    [
      'a stream tells an error in its middle',
      {
        rawStream: [dialect.token(call, 0), sinking, ...(before ? [] : ['data: [DONE]\n\n'])],
        ending: 'end',
      },
      true,
      200,
      { state: 'settled', mark: 'unconfirmed', cost: 1_000_000n },
    ],
    [
      'the answer is compressed',
      { rawBody: gzipSync(whole), headers: { 'content-encoding': 'gzip' } },
      false,
      200,
      { state: 'settled', mark: null, cost: 100_000_000n },
    ],
    [
      'the answer is compressed in a way nobody knows',
      { rawBody: whole, headers: { 'content-encoding': 'rot13' } },
      false,
      502,
      { state: 'settled', mark: 'unconfirmed', cost: 0n },
    ],
    [
      'a stream is compressed',
      { rawStream: [brotliCompressSync(events)], headers: { 'content-encoding': 'br' } },
      true,
      200,
      { state: 'settled', mark: null, cost: 100_000_000n },
    ],
    [
      'a stream calls itself JSON',
      { rawStream: [events], contentType: 'application/json' },
      true,
      200,
      { state: 'settled', mark: null, cost: 100_000_000n },
    ],
    ['a stream tells no usage', { usage: null }, true, 200, { state: 'settled', mark: 'estimated' }],
  ])('%s', async (_, behaviour, stream, status, entry) => {
    const key = await oneCall();
    upstream.behave = () => behaviour;
    let answer: Answer | undefined;
    const { added } = await entriesOf(async () => {
      const isWaitedFor = behaviour.hang || behaviour.contentLength || behaviour.ending === 'hang';
      answer = await send(key, 100, { stream, ...(isWaitedFor && { model: `${name}-hasty` }) });
      expect(answer.status).toBe(status);
      if (status >= 400)
        expect(ownError(answer)).toMatchObject({
          type: behaviour.status ? 'server_error' : 'upstream_error',
          code: String(status),
        });
      if (stream && status === 200 && behaviour.ending && !behaviour.rawStream)
        expect(answer.text).not.toContain(terminator);
      if (behaviour.ending === 'reset' || behaviour.ending === 'hang')
        expect(answer.text).toContain(kind.failed);
      if (stream && status === 200 && !behaviour.ending) expect(answer.text).toContain(terminator);
    });
    expect(added).toHaveLength(1);
    expect(added[0]).toMatchObject(entry);
    expect(added[0]!.cost! <= added[0]!.bound).toBe(true);
    const logs = await gateway.admin(
      'GET',
      `/spend/logs?request_id=${String(answer!.headers['x-request-id'])}`,
    );
    const isAnswered = entry.state === 'settled' && (entry.mark === null || entry.mark === 'estimated');
    expect(logs.body).toMatchObject([{ status: isAnswered ? 'success' : 'failure' }]);
    await expectNothingLeftHeld(key);
  });

  it('the upstream cannot be reached', async () => {
    const key = await oneCall();
    const { added } = await entriesOf(async () => {
      const refused = name === 'm-claude' ? 'm-refused-anthropic' : 'm-refused-openai';
      expect((await send(key, 100, { model: refused })).status).toBe(502);
    });
    expect(added).toMatchObject([{ state: 'released', cost: 0n }]);
    await expectNothingLeftHeld(key);
  });

  it('more was used than was allowed: billed truly, and marked', async () => {
    const key = await gateway.createKey({ max_budget: 0.1 });
    upstream.behave = () => ({ completionTokens: 150 });
    const { added } = await entriesOf(() => send(key, 100));
    expect(added).toMatchObject([{ state: 'settled', mark: 'overrun', cost: 150_000_000n }]);
  });

  it('the client leaves before a whole answer: it is read and billed all the same', async () => {
    const key = await oneCall();
    const { added } = await entriesOf(async () => {
      upstream.hold();
      await callAndLeave(key, path, { model: name, ...kind.body(100) }, 0);
      upstream.release();
    });
    const { produced } = upstream.calls.at(-1)!;
    expect(produced).toEqual({ promptTokens: 0, completionTokens: 100 });
    expect(added).toMatchObject([{ state: 'settled', mark: null, cost: 100_000_000n }]);
    await expectNothingLeftHeld(key);
  });

  it('the client leaves in the middle of a stream: the upstream is told within a second, what was delivered is billed', async () => {
    const key = await gateway.createKey({ max_budget: 2 });
    upstream.behave = () => ({ endless: true, msBetweenTokens: 2 });
    const { added } = await entriesOf(async () => {
      await callAndLeave(key, path, { model: name, ...kind.body(1_000), stream: true }, 10_000);
    });
    const call = upstream.calls.at(-1)!;
    await eventually(() => expect(call.hungUpAt).toBeDefined());
    expect(added).toMatchObject([{ state: 'settled', mark: 'estimated' }]);
    const delivered = Number(added[0]!.cost! / 1_000_000n);
    expect(delivered).toBeGreaterThan(50);
    expect(delivered).toBeLessThanOrEqual(call.tokensSent + before);
    await expectNothingLeftHeld(key);
  });

  it.each([
    ['a body that is no JSON', '{', 400],
    ['an unknown model', { model: 'nobody', messages: [] }, 400],
    ['a model of the wrong type', { model: 5 }, 400],
  ])('the gateway refuses %s: no entry at all', async (_, body, status) => {
    const key = await oneCall();
    const { added } = await entriesOf(async () => {
      expect((await gateway.as(key, 'POST', path, body)).status).toBe(status);
    });
    expect(added).toEqual([]);
  });
});

it('daily activity counts an answer that broke off as failed, with its cost', async () => {
  const key = await gateway.createKey();
  upstream.behave = () => ({ tokensBefore: 7, ending: 'reset' });
  await gateway.chat(key, { model: 'm-out', stream: true });
  upstream.behave = () => ({ completionTokens: 1 });
  await gateway.chat(key, { model: 'm-out' });
  const today = new Date().toISOString().slice(0, 10);
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const { body } = await gateway.admin(
    'GET',
    `/user/daily/activity?start_date=${yesterday}&end_date=${today}&api_key=${key}`,
  );
  expect(body.metadata).toMatchObject({
    total_spend: 0.008,
    total_successful_requests: 1,
    total_failed_requests: 1,
  });
});

describe('no phantom', () => {
  it('300 calls whose bound is a hundred times their cost all pass while there is room', async () => {
    const key = await gateway.createKey({ max_budget: 2 });
    upstream.behave = () => ({ completionTokens: 1 });
    const statuses: number[] = [];
    let left = 300;
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        while (left-- > 0)
          statuses.push((await gateway.chat(key, { model: 'm-out', max_tokens: 100 })).status);
      }),
    );
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(await gateway.spendOf(key)).toBe(0.3);
    expectBalancedLedger(await gateway.books());
  });
});
