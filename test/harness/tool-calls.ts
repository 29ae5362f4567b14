import type { Behaviour, UpstreamCall } from './upstream.js';

export const OSLO = { city: 'Oslo', degrees: 3 };

/** Answers a question with a call of the first tool (for `Weather` with its result), and a tool's result with a text. */
export function toolCall({ body }: UpstreamCall): Behaviour {
  const { messages, tools } = body as {
    messages: { role: string }[];
    tools: { function: { name: string } }[];
  };
  if (messages.at(-1)!.role === 'tool') return {};
  const { name } = tools[0]!.function;
  const args = JSON.stringify(name === 'Weather' ? OSLO : { city: 'Oslo' });
  const call = { id: 'call_1', type: 'function', function: { name, arguments: args } };
  return completion({ role: 'assistant', content: null, tool_calls: [call] }, 'tool_calls');
}

/** As `toolCall`, in the format of Anthropic. */
export function toolUse({ body }: UpstreamCall): Behaviour {
  if ((body as { messages: unknown[] }).messages.length > 1) return {};
  return {
    completionTokens: 3,
    rawBody: JSON.stringify({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'up',
      content: [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Oslo' } }],
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: { input_tokens: 0, output_tokens: 3 },
    }),
  };
}

/** Answers with JSON that fits a schema of the weather. */
export const structuredAnswer = (): Behaviour =>
  completion({ role: 'assistant', content: JSON.stringify(OSLO) }, 'stop');

const completion = (message: object, finish_reason: string): Behaviour => ({
  completionTokens: 3,
  rawBody: JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'up',
    choices: [{ index: 0, message, finish_reason }],
    usage: { prompt_tokens: 0, completion_tokens: 3, total_tokens: 3 },
  }),
});
