import { AzureChatOpenAI, AzureOpenAIEmbeddings } from '@langchain/openai';
import { request as rawRequest } from 'node:http';
import { AzureOpenAI, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that on Azure's paths the deployment's name is the model: checked, priced and sent, whatever else the request says. */

/** A long name of a model. */
const LONG = `ü/${'x'.repeat(180)}`;

let upstream: Upstream;
let gateway: Gateway;
let apiKey: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  const { url } = upstream;
  const cheap = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m', url, cheap),
        model('m/slash', url, cheap),
        model(LONG, url, cheap),
        model('denied', url, { input_cost_per_token: 1, output_cost_per_token: 1 }),
      ],
    },
  });
  apiKey = await gateway.createKey({ models: ['m', 'm/slash', LONG] });
});
afterAll(() => closeAll(gateway, upstream));

const BOUNDARY = 'a-boundary';
type Part = readonly [name: string, value: string, fileName?: string];
const form = (parts: readonly Part[]) =>
  parts.map(([name, value, fileName]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${fileName ? `; filename="${fileName}"` : ''}\r\n\r\n${value}\r\n`).join('') + `--${BOUNDARY}--\r\n`; // prettier-ignore

interface Kind {
  readonly path: string;
  readonly body?: object;
  readonly parts?: readonly Part[];
}
const JSON_KINDS: readonly Kind[] = [
  { path: 'chat/completions', body: { messages: [{ role: 'user', content: 'hi' }], max_tokens: 2 } },
  { path: 'completions', body: { prompt: 'hi', max_tokens: 2 } },
  { path: 'embeddings', body: { input: 'hi' } },
  { path: 'images/generations', body: { prompt: 'hi' } },
  { path: 'audio/speech', body: { input: 'hi' } },
];
const FORM_KINDS: readonly Kind[] = [
  { path: 'images/edits', parts: [['prompt', 'hi'], ['image', 'x', 'a.png']] },
  { path: 'audio/transcriptions', parts: [['file', 'x', 'a.wav']] },
  { path: 'audio/translations', parts: [['file', 'x', 'a.wav']] },
]; // prettier-ignore

/** Sends a request whose path is not normalized by the client. */
const send = (path: string, body: string, isForm = false, headers: Record<string, string> = {}) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const contentType = isForm ? `multipart/form-data; boundary=${BOUNDARY}` : 'application/json';
    const { hostname, port } = new URL(gateway.url);
    const sent = rawRequest(
      {
        hostname,
        port,
        path,
        method: 'POST',
        headers: { 'api-key': apiKey, 'content-type': contentType, ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode!, text }));
      },
    );
    sent.on('error', reject).end(body);
  });

/** Returns the values of all members or fields called `model` of the last call as the upstream received it. */
const modelsSent = (): string[] => {
  const text = upstream.calls.at(-1)!.rawBody.toString();
  const inJson = [...text.matchAll(/"((?:[^"\\]|\\.)*)"\s*:\s*("(?:[^"\\]|\\.)*"|null|\d+)/g)];
  const inForm = [...text.matchAll(/name="model"\r\n\r\n(.*)\r\n/g)].map(([, value]) => value!);
  return [
    ...inJson
      .filter(([, name]) => JSON.parse(`"${name}"`) === 'model')
      .map(([, , value]) => String(JSON.parse(value!))),
    ...inForm,
  ];
};

const azure = (deployment: string, path: string) =>
  `/openai/deployments/${deployment}/${path}?api-version=2024-10-21`;
const jsonBody = ({ body }: Kind, memberText: string) =>
  `{${memberText}${memberText && ','}${JSON.stringify(body).slice(1)}`;
const chat = JSON_KINDS[0]!;

describe('the model of the path', () => {
  /** The member `model` as clients send it: null by LangChain's AzureChatOpenAI, another name for counting tokens. */
  const MEMBERS = ['', '"model":null', '"model":""', '"model":"denied"', '"model":"up-m"', '"model":7', '"model":{"model":"denied"}', '"model":["denied"]', '"mod\\u0065l":"denied"', `"model":"${'x'.repeat(70_000)}"`]; // prettier-ignore

  it.each(JSON_KINDS)('is checked, priced and sent at $path', async (kind) => {
    for (const member of MEMBERS) {
      const { status, text } = await send(azure('m', kind.path), jsonBody(kind, member));
      expect([member.slice(0, 40), status, status === 200 ? '' : text]).toEqual([member.slice(0, 40), 200, '']); // prettier-ignore
      expect(modelsSent()).toEqual(['up-m']);
      const { length } = upstream.calls;
      const refused = await send(azure('denied', kind.path), jsonBody(kind, member || '"model":"m"'));
      expect([refused.status, upstream.calls.length]).toEqual([403, length]);
    }
  });

  const FIELDS: readonly Part[][] = [[], [['model', '']], [['model', 'denied']], [['model', 'null']]];
  it.each(FORM_KINDS)('is checked, priced and sent in the form of $path', async (kind) => {
    for (const field of FIELDS) {
      const { status, text } = await send(azure('m', kind.path), form([...kind.parts!, ...field]), true);
      expect([field, status, status === 200 ? '' : text]).toEqual([field, 200, '']);
      expect(modelsSent()).toEqual(['up-m']);
      const { length } = upstream.calls;
      const refused = await send(azure('denied', kind.path), form([['model', 'm'], ...kind.parts!]), true);
      expect([refused.status, upstream.calls.length]).toEqual([403, length]);
    }
  });

  it('costs its own price, whatever model the body names', async () => {
    const before = await gateway.spendOf(apiKey);
    expect((await send(azure('m', chat.path), jsonBody(chat, '"model":"denied"'))).status).toBe(200);
    expect((await gateway.spendOf(apiKey)) - before).toBeCloseTo(0.002, 9);
    const { body } = await gateway.admin('GET', '/spend/logs?summarize=false');
    expect(body[0]).toMatchObject({ model_group: 'm', model: 'm' });
  });

  it('is written with an escaped slash, long, and with a slash at the end of the path', async () => {
    expect((await send(azure('m%2fslash', chat.path), jsonBody(chat, '"model":null'))).status).toBe(200);
    expect(modelsSent()).toEqual(['up-m/slash']);
    expect(await send(azure(encodeURIComponent(LONG), chat.path), jsonBody(chat, ''))).toMatchObject({
      status: 200,
    });
    expect(modelsSent()).toEqual([`up-${LONG}`]);
    expect((await send('/openai/deployments/m/chat/completions/', jsonBody(chat, ''))).status).toBe(200);
    expect(modelsSent()).toEqual(['up-m']);
  });

  it('has no second one beside it, and what would choose another is refused', async () => {
    const { length } = upstream.calls;
    for (const [status, member] of [
      [400, '"model":"m","model":"denied"'],
      [400, '"model":null,"mod\\u0065l":"denied"'],
      [400, '"MODEL":"denied"'],
      [400, '"ｍodel":"denied"'],
      [400, '"models":["denied"]'],
      [400, '"extra_body":{"model":"denied"}'],
      [400, '"fallback_model":"denied"'],
      [403, '"model":null,"fallbacks":["denied"]'],
      [403, '"fallbacks":[{"model":"denied"}]'],
      [403, '"context_window_fallbacks":[{"m":["denied"]}]'],
      [403, '"metadata":{"fallbacks":["denied"]}'],
      [403, '"router_settings_override":{"fallbacks":[{"m":["denied"]}]}'],
    ] as const)
      expect([member, (await send(azure('m', chat.path), jsonBody(chat, member))).status]).toEqual([member, status]); // prettier-ignore
    const file = FORM_KINDS[1]!.parts!;
    for (const [status, parts] of [
      [400, [['model', 'm'], ['model', 'denied']]],
      [400, [['model', 'denied', 'f']]],
      [400, [['Model', 'denied']]],
      [400, [['model[]', 'denied']]],
      [403, [['fallbacks', '["denied"]']]],
    ] as const)
      expect([parts, (await send(azure('m', 'audio/transcriptions'), form([...parts, ...file]), true)).status]).toEqual([parts, status]); // prettier-ignore
    for (const [status, path, headers] of [
      [400, `${azure('m', chat.path)}&model=denied`, {}],
      [400, '/openai/deployments/m/chat/completions?model=m&model=denied', {}],
      [400, azure('m', chat.path), { 'x-litellm-model': 'denied' }],
    ] as const)
      expect([path, (await send(path, jsonBody(chat, ''), false, headers)).status]).toEqual([path, status]);
    expect(upstream.calls).toHaveLength(length);
  }); // prettier-ignore

  it('is one segment: no trick of the path reaches a model that was not checked', async () => {
    const { length } = upstream.calls;
    for (const deployment of ['m/../denied', 'm%2f..%2fdenied', '%2e%2e', '..', '.', 'm/%2e%2e/denied', 'm;denied', 'm%00', 'm%0a', '%20m', 'm%20', 'm%3Fmodel=denied', 'm%23', 'M', '%EF%BD%8D', 'm%', '', '%', 'x'.repeat(5_000)]) {
      const { status } = await send(azure(deployment, chat.path), jsonBody(chat, '"model":"m"'));
      expect([deployment, [400, 403, 404, 414].includes(status)]).toEqual([deployment, true]);
    }
    expect(upstream.calls).toHaveLength(length);
  }); // prettier-ignore

  it('is metadata only there: a name in it is no model', async () => {
    expect((await send(azure('m', chat.path), jsonBody(chat, '"model":"denied","metadata":{"model":"denied"}'))).status).toBe(200); // prettier-ignore
    expect(modelsSent()).toEqual(['up-m']);
  });
});

it.each(['/engines/m/chat/completions', '/v1/engines/m/chat/completions', '/v1/chat/completions?model=m'])(
  'another model in the body is refused at %s',
  async (path) => {
    expect((await send(path, jsonBody(chat, '"model":"m"'))).status).toBe(200);
    for (const member of ['"model":"m/slash"', '"model":null', '"model":""'])
      expect([member, (await send(path, jsonBody(chat, member))).status]).toEqual([member, 400]);
  },
);

describe('Azure’s clients', () => {
  const client = (deployment?: string) =>
    new AzureOpenAI({
      endpoint: gateway.url,
      apiKey,
      apiVersion: '2024-10-21',
      maxRetries: 0,
      ...(deployment && { deployment }),
    });

  it('call the deployment, with the model’s own name beside it', async () => {
    const { chat: chats, embeddings, audio, images } = client('m');
    const hello = [{ role: 'user' as const, content: 'Hello!' }];
    const chatted = await chats.completions.create({ model: 'gpt-4o', max_tokens: 2, messages: hello });
    expect([chatted.choices[0]?.message.content, modelsSent()]).toEqual(['scripted answer', ['up-m']]);
    const stream = await chats.completions.create({ model: 'gpt-4o', max_tokens: 2, messages: hello, stream: true }); // prettier-ignore
    let streamed = '';
    for await (const { choices } of stream) streamed += choices[0]?.delta.content ?? '';
    expect([streamed, modelsSent()]).toEqual(['t0 t1 ', ['up-m']]);
    await embeddings.create({ model: 'text-embedding-ada-002', input: 'hi' });
    await images.generate({ model: 'dall-e-3', prompt: 'hi' });
    await audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'hi' });
    await audio.transcriptions.create({ model: 'whisper-1', file: await toFile(Buffer.from('x'), 'a.wav') });
    const since = upstream.calls.slice(-4);
    expect(since.map((call) => call.model)).toEqual(['up-m', 'up-m', 'up-m', 'up-m']);
  });

  it('call the deployment that the model names', async () => {
    await client().embeddings.create({ model: 'm', input: 'hi' });
    expect(modelsSent()).toEqual(['up-m']);
    await expect(client().embeddings.create({ model: 'denied', input: 'hi' })).rejects.toMatchObject({ status: 403 }); // prettier-ignore
  });

  it('of LangChain call it with their own model’s name', async () => {
    const fields = { azureOpenAIApiKey: apiKey, azureOpenAIEndpoint: gateway.url, azureOpenAIApiVersion: '2024-10-21', maxRetries: 0 }; // prettier-ignore
    const answer = await new AzureChatOpenAI({ ...fields, azureOpenAIApiDeploymentName: 'm', model: 'gpt-4o', maxTokens: 2 }).invoke('Hello!'); // prettier-ignore
    expect([answer.text, modelsSent()]).toEqual(['scripted answer', ['up-m']]);
    await new AzureOpenAIEmbeddings({ ...fields, azureOpenAIBasePath: `${gateway.url}/openai/deployments`, azureOpenAIApiDeploymentName: 'm' }).embedQuery('hi'); // prettier-ignore
    expect(modelsSent()).toEqual(['up-m']);
  });
});
