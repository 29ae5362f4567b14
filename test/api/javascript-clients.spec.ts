import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { embed, generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model, testModels } from '../harness/gateway.js';
import { OSLO, structuredAnswer, toolCall } from '../harness/tool-calls.js';
import { Upstream } from '../harness/upstream.js';

/**
 * Proves that LangChain and the AI SDK for compatible servers work. `openai-client.spec.ts` and `llm-routes.spec.ts` try the other
 * clients of JavaScript.
 */

let upstream: Upstream;
let gateway: Gateway;
let apiKey: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  const behaviours = { 'up-m-tools': toolCall, 'up-m-json': structuredAnswer };
  upstream.behave = (call) => behaviours[call.model as keyof typeof behaviours]?.(call) ?? {};
  const { url } = upstream;
  const perOutput = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
  const more = ['m-tools', 'm-json'].map((name) => model(name, url, perOutput));
  gateway = await Gateway.start({ upstream, config: { model_list: [...testModels(url), ...more] } });
  apiKey = await gateway.createKey({ max_budget: 100 });
});
afterAll(() => closeAll(gateway, upstream));

const Weather = z.object({ city: z.string(), degrees: z.number() });
const City = z.object({ city: z.string() });

/** Counts the requests of a client. */
function counter() {
  let count = 0;
  const counted: typeof fetch = (...call) => {
    count++;
    return fetch(...call);
  };
  return { fetch: counted, requests: () => count };
}

describe('LangChain', () => {
  const chatModel = (name = 'm-out', fields: object = {}, configuration: object = {}) =>
    new ChatOpenAI({
      model: name,
      apiKey,
      maxTokens: 3,
      ...fields,
      configuration: { baseURL: `${gateway.url}/v1`, ...configuration },
    });

  it('invokes, batches, responds', async () => {
    const answer = await chatModel().invoke('Hello!');
    expect([answer.text, answer.usage_metadata?.output_tokens]).toEqual(['scripted answer', 3]);
    const texts = (await chatModel().batch(['a', 'b'])).map(({ text }) => text);
    expect(texts).toEqual(['scripted answer', 'scripted answer']);
    const response = await chatModel('m-out', { useResponsesApi: true }).invoke('Hello!');
    expect([response.text, response.usage_metadata?.output_tokens]).toEqual(['scripted answer', 3]);
  });

  it('streams, and knows the usage', async () => {
    let text = '';
    let tokens = 0;
    for await (const chunk of await chatModel().stream('Hello!')) {
      text += chunk.text;
      tokens += chunk.usage_metadata?.output_tokens ?? 0;
    }
    expect([text, tokens]).toEqual(['t0 t1 t2 ', 3]);
  });

  it('calls tools, structures by schema and by function', async () => {
    const { tool_calls: calls } = await chatModel('m-tools')
      .bindTools([{ type: 'function', function: { name: 'weather', parameters: z.toJSONSchema(City) } }])
      .invoke('Hello!');
    expect(calls).toMatchObject([{ name: 'weather', args: { city: 'Oslo' } }]);
    const bySchema = chatModel('m-json').withStructuredOutput(Weather, { method: 'jsonSchema' });
    expect(await bySchema.invoke('Hello!')).toEqual(OSLO);
    const byFunction = chatModel('m-tools').withStructuredOutput(Weather, {
      method: 'functionCalling',
      name: 'Weather',
    });
    expect(await byFunction.invoke('Hello!')).toEqual(OSLO);
  });

  it('embeds', async () => {
    const embeddings = new OpenAIEmbeddings({
      model: 'm-embed',
      apiKey,
      configuration: { baseURL: `${gateway.url}/v1` },
    });
    expect(await embeddings.embedQuery('Hello!')).toEqual([0.5, -0.5]);
  });

  it('names end user and tags: they are billed, and the tags do not leave', async () => {
    const metadata = { tags: ['langchain-tag'] };
    await chatModel('m-out', { user: 'langchain-user', modelKwargs: { metadata } }).invoke('Hello!');
    const { metadata: sent, user } = upstream.calls.at(-1)!.body;
    expect({ sent, user }).toEqual({ sent: undefined, user: 'langchain-user' });
    const { body } = await gateway.admin('GET', `/spend/logs?api_key=${apiKey}`);
    const rows = (body as { request_tags: string[]; end_user: string }[]).filter(({ request_tags }) =>
      request_tags.includes('langchain-tag'),
    );
    expect(rows.map(({ end_user }) => end_user)).toEqual(['langchain-user']);
  });

  it('does not storm an exhausted budget', async () => {
    const { fetch: counted, requests } = counter();
    const poor = await gateway.createKey({ max_budget: 0 });
    const asked = chatModel('m-out', { apiKey: poor }, { fetch: counted }).invoke('Hello!');
    await expect(asked).rejects.toMatchObject({ status: 429, error: { type: 'budget_exceeded' } });
    expect(requests()).toBe(1);
  });
});

describe('the AI SDK for compatible servers', () => {
  const provider = (options: object = {}) =>
    createOpenAICompatible({
      name: 'tollgate',
      baseURL: `${gateway.url}/v1`,
      apiKey,
      includeUsage: true,
      supportsStructuredOutputs: true,
      ...options,
    });

  it('talks, streams with usage, embeds', async () => {
    const asked = { model: provider()('m-out'), prompt: 'Hello!', maxOutputTokens: 3, maxRetries: 0 };
    const { text, usage } = await generateText(asked);
    expect([text, usage.outputTokens]).toEqual(['scripted answer', 3]);
    const stream = streamText(asked);
    expect([await stream.text, (await stream.usage).outputTokens]).toEqual(['t0 t1 t2 ', 3]);
    const model = provider().embeddingModel('m-embed');
    expect((await embed({ model, value: 'Hello!' })).embedding).toEqual([0.5, -0.5]);
  });

  it('calls a tool and answers with its result; structures', async () => {
    const cities: string[] = [];
    const weather = tool({
      inputSchema: City,
      execute: ({ city }) => {
        cities.push(city);
        return '3 degrees';
      },
    });
    const asked = { model: provider()('m-tools'), prompt: 'Hello!', maxOutputTokens: 3, maxRetries: 0 };
    const { text } = await generateText({ ...asked, tools: { weather }, stopWhen: stepCountIs(2) });
    expect([cities, text]).toEqual([['Oslo'], 'scripted answer']);
    const output = Output.object({ schema: Weather });
    const structured = await generateText({ ...asked, model: provider()('m-json'), output });
    expect(structured.output).toEqual(OSLO);
  });

  it('does not retry a refusal, and gets its words', async () => {
    const { fetch: counted, requests } = counter();
    const narrow = await gateway.createKey({ models: ['m-out'] });
    const model = provider({ apiKey: narrow, fetch: counted })('m-deny');
    await expect(generateText({ model, prompt: 'Hello!' })).rejects.toMatchObject({
      statusCode: 403,
      data: { error: { type: 'key_model_access_denied' } },
    });
    expect(requests()).toBe(1);
  });
});
