import { v7 as uuidv7 } from 'uuid';
import type { Call } from './call.js';
import type { Deployment } from '../models/deployment.js';
import type { UpstreamCall, UpstreamSink } from './upstreams.js';
import { estimatedTokens } from './usage.js';

/** Answers in an upstream's place with a deployment's `mock_response`: no provider, no key, the same shapes. */
export function answerMock({ llm }: Call, deployment: Deployment, sink: UpstreamSink): UpstreamCall {
  let aborted = false;
  setImmediate(() => {
    if (aborted) return;
    const text = limited(deployment.mockResponse!, llm.size.outputTokens);
    const usage = usageOf(llm.size.inputBytes, llm.callType === 'embedding' ? '' : text);
    sink.start(200, { 'content-type': llm.stream ? 'text/event-stream' : 'application/json' });
    const base = {
      id: `mock-${uuidv7()}`,
      created: Math.floor(Date.now() / 1000),
      model: deployment.upstreamName,
    };
    for (const chunk of llm.stream
      ? events(llm.callType, base, text, usage)
      : [whole(llm.callType, base, text, usage)]) {
      sink.data(Buffer.from(chunk));
    }
    sink.end();
  });
  return {
    abort: () => {
      aborted = true;
      sink.fail({ neverSent: true, timedOut: false, reason: 'aborted' });
    },
  };
}

const CHARS_PER_TOKEN = 4;

const limited = (text: string, tokens = Infinity) => text.slice(0, tokens * CHARS_PER_TOKEN);

function usageOf(inputBytes: number, text: string) {
  const prompt_tokens = estimatedTokens(inputBytes);
  const completion_tokens = estimatedTokens(Buffer.byteLength(text));
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

type Base = { readonly id: string; readonly created: number; readonly model: string };

function whole(callType: Call['llm']['callType'], base: Base, text: string, usage: object): string {
  switch (callType) {
    case 'chat_completion':
      return JSON.stringify({
        ...base,
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
        usage,
      });
    case 'text_completion':
      return JSON.stringify({
        ...base,
        object: 'text_completion',
        choices: [{ index: 0, text, finish_reason: 'stop', logprobs: null }],
        usage,
      });
    case 'embedding':
      return JSON.stringify({
        object: 'list',
        model: base.model,
        data: [{ object: 'embedding', index: 0, embedding: [0, 0, 1] }],
        usage,
      });
  }
}

function* events(
  callType: Call['llm']['callType'],
  base: Base,
  text: string,
  usage: object,
): Generator<string> {
  const chat = callType === 'chat_completion';
  const object = chat ? 'chat.completion.chunk' : 'text_completion';
  const event = (choices: object[], extra = {}) =>
    `data: ${JSON.stringify({ ...base, object, choices, ...extra })}\n\n`;
  for (const word of text.match(/\S+\s*/g) ?? []) {
    yield event([
      { index: 0, ...(chat ? { delta: { content: word } } : { text: word }), finish_reason: null },
    ]);
  }
  yield event([{ index: 0, ...(chat ? { delta: {} } : { text: '' }), finish_reason: 'stop' }]);
  yield event([], { usage });
  yield 'data: [DONE]\n\n';
}
