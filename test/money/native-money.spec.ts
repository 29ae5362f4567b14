import http from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AWS_KEY,
  chunkFrame,
  type CloudAnswer,
  type CloudRequest,
  Clouds,
  frame,
} from '../harness/clouds.js';
import { eventually } from '../harness/eventually.js';
import { Gateway } from '../harness/gateway.js';
import { manyCalls } from '../harness/many-calls.js';

/** Proves that the clouds' own APIs keep budgets: exact caps, every token billed, delivered parts of streams billed. */

const FRAMES = 'application/vnd.amazon.eventstream';
const USD = 1_000_000_000n;

let clouds: Clouds;
let gateway: Gateway;

beforeAll(async () => {
  clouds = await Clouds.start();
  const { url } = clouds;
  // $0.01 a token of the answer; prompts are free, so that the cap is a number of tokens.
  const model = (name: string, params: object) => ({
    model_name: name,
    litellm_params: { input_cost_per_token: 0, output_cost_per_token: 0.01, ...params },
    model_info: { max_input_tokens: 200_000, max_output_tokens: 64_000 },
  });
  const aws = {
    aws_region_name: 'eu-central-1',
    aws_bedrock_runtime_endpoint: url,
    aws_access_key_id: AWS_KEY.accessKeyId,
    aws_secret_access_key: AWS_KEY.secretAccessKey,
  };
  gateway = await Gateway.start({
    config: {
      model_list: [
        model('claude', { model: 'bedrock/anthropic.claude-x', ...aws }),
        model('nova', { model: 'bedrock/amazon.nova-pro-v1:0', ...aws }),
        model('vertex', {
          model: 'vertex_ai/claude-x',
          vertex_credentials: clouds.serviceAccount,
          api_base: `${url}/v1`,
        }),
        model('flash', {
          model: 'gemini/gemini-2.5-flash',
          api_key: 'google-key-of-the-tests',
          api_base: url,
        }),
      ],
    },
    env: { AWS_EC2_METADATA_DISABLED: 'true' },
  });
});
afterAll(async () => {
  await gateway.close();
  await clouds.close();
});

const MESSAGES = [{ role: 'user', content: 'Count.' }];
const BLOCKS = [{ role: 'user', content: [{ text: 'Count.' }] }];
const CONTENTS = [{ parts: [{ text: 'Count.' }] }];
const claudeWhole = ({ body }: CloudRequest): CloudAnswer => ({
  body: {
    type: 'message',
    content: [{ type: 'text', text: 'x' }],
    usage: { input_tokens: 1, output_tokens: body.max_tokens },
  },
});
/** Routes with a body whose limit is 30 tokens, and an answer that writes as many tokens as the limit that arrived. */
const ROUTES: readonly [path: string, body: object, answer: (request: CloudRequest) => CloudAnswer][] = [
  ['/v1/messages', { model: 'claude', max_tokens: 30, messages: MESSAGES }, claudeWhole],
  ['/bedrock/model/claude/invoke', { max_tokens: 30, messages: MESSAGES }, claudeWhole],
  ['/vertex_ai/v1/projects/p/locations/l/publishers/anthropic/models/vertex:rawPredict', { max_tokens: 30, messages: MESSAGES }, claudeWhole],
  [
    '/bedrock/model/nova/converse',
    { messages: BLOCKS, inferenceConfig: { maxTokens: 30 } },
    ({ body }) => ({
      body: {
        output: { message: { role: 'assistant', content: [{ text: 'x' }] } },
        usage: { inputTokens: 1, outputTokens: (body.inferenceConfig as { maxTokens: number }).maxTokens, totalTokens: 31 },
      },
    }),
  ],
  [
    '/v1beta/models/flash:generateContent',
    { contents: CONTENTS, generationConfig: { maxOutputTokens: 30 } },
    ({ body }) => {
      const written = (body.generationConfig as { maxOutputTokens: number }).maxOutputTokens;
      return {
        body: {
          candidates: [{ content: { parts: [{ text: 'x' }] }, finishReason: 'STOP' }],
          usageMetadata: { promptTokenCount: 1, candidatesTokenCount: written - 10, thoughtsTokenCount: 10, totalTokenCount: written + 1 },
        },
      };
    },
  ],
]; // prettier-ignore

it.each(ROUTES)(
  '%s: 40 calls at once spend a budget of 100 tokens to the last, and no more',
  async (path, body, answer) => {
    clouds.answer = answer;
    const key = await gateway.createKey({ max_budget: 1 });
    const answers = await manyCalls(40, () => gateway.as(key, 'POST', path, body));
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].toSorted()).toEqual([200, 429]);
    // A last call may get what is left: less than its limit.
    await gateway.as(key, 'POST', path, body);
    expect(await gateway.spendOf(key)).toBeLessThanOrEqual(1);
    expect(await gateway.spendOf(key)).toBeGreaterThanOrEqual(0.9);
    const { entries, spent, summed } = await gateway.books();
    expect(entries.every(({ state }) => state !== 'open')).toBe(true);
    for (const [account, sum] of summed) expect([account, spent.get(account)]).toEqual([account, sum]);
  },
);

const converseFrame = (type: string, payload: object) =>
  frame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload);
const START = {
  type: 'message_start',
  message: { type: 'message', content: [], usage: { input_tokens: 5, output_tokens: 1 } },
};
const DELTA = {
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'text_delta', text: 'Danube Danube Danube' },
};
const GEMINI = {
  candidates: [{ content: { parts: [{ text: 'Danube Danube Danube' }] } }],
  usageMetadata: { promptTokenCount: 5, thoughtsTokenCount: 12, totalTokenCount: 17 },
};

describe('a client that hangs up', () => {
  it.each<[string, string, object, readonly (string | Buffer)[]]>([
    ['/v1/messages', 'Danube', { model: 'claude', stream: true, max_tokens: 30, messages: MESSAGES }, [START, DELTA].map(chunkFrame)],
    ['/bedrock/model/claude/invoke-with-response-stream', 'chunk', { max_tokens: 30, messages: MESSAGES }, [START, DELTA].map(chunkFrame)],
    ['/bedrock/model/nova/converse-stream', 'Danube', { messages: BLOCKS, inferenceConfig: { maxTokens: 30 } }, [converseFrame('messageStart', { role: 'assistant' }), converseFrame('contentBlockDelta', { delta: { text: 'Danube Danube Danube' } })]],
    ['/v1beta/models/flash:streamGenerateContent?alt=sse', 'Danube', { contents: CONTENTS, generationConfig: { maxOutputTokens: 30 } }, [`data: ${JSON.stringify(GEMINI)}\n\n`]],
    ['/v1beta/models/flash:streamGenerateContent', 'Danube', { contents: CONTENTS, generationConfig: { maxOutputTokens: 30 } }, [`data: ${JSON.stringify(GEMINI)}\n\n`]],
  ])('at %s stops the stream and pays what was delivered', async (path, last, body, pieces) => {
    clouds.answer = () => ({ pieces, staysOpen: true, contentType: Buffer.isBuffer(pieces[0]) ? FRAMES : 'text/event-stream' });
    const key = await gateway.createKey({ max_budget: 5 });
    const before = clouds.hangUps;
    await leaveAfter(last, path, body, key);
    await eventually(() => expect(clouds.hangUps).toBe(before + 1));
    const { cost, mark, state } = (await gateway.books()).entries.at(-1)!;
    expect([state, mark]).toEqual(['settled', 'estimated']);
    // Twenty characters are a few tokens. Gemini's events tell its thoughts, too.
    expect(cost).toBeGreaterThanOrEqual((USD / 100n) * (path.includes('flash') ? 12n : 1n));
    expect(cost).toBeLessThanOrEqual((USD / 100n) * 30n);
  });
}); // prettier-ignore

async function leaveAfter(last: string, path: string, body: object, key: string): Promise<void> {
  const { hostname, port } = new URL(gateway.url);
  await new Promise<void>((left) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const request = http.request({ hostname, port, path, method: 'POST', headers }, (response) => {
      let seen = '';
      response.on('error', () => {});
      response.on('data', (bytes: Buffer) => {
        seen += bytes.toString('latin1');
        if (seen.split(last).length > 1) request.destroy();
      });
    });
    request.on('close', () => left());
    request.on('error', () => {});
    request.end(JSON.stringify(body));
  });
}
