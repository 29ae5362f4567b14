import type { Behaviour, UpstreamCall } from './upstream.js';

export const OSLO = { city: 'Oslo', degrees: 3 };

interface Schema {
  readonly properties?: Record<string, unknown>;
}

/** Returns arguments for a tool: of the weather, with its result if the tool takes it; none for a tool without parameters. */
function argumentsFor(schema: Schema | undefined): object {
  const names = Object.keys(schema?.properties ?? {});
  return Object.fromEntries(Object.entries(OSLO).filter(([name]) => names.includes(name)));
}

const event = (data: { type: string; [member: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

/** Answers a question with a call of the first tool, and a tool's result with a text. */
export function toolCall({ body }: UpstreamCall): Behaviour {
  const { messages, tools, stream } = body as {
    messages: { role: string }[];
    tools: { function: { name: string; parameters?: Schema } }[];
    stream?: boolean;
  };
  if (messages.at(-1)!.role === 'tool') return {};
  const { name, parameters } = tools[0]!.function;
  const args = JSON.stringify(argumentsFor(parameters));
  const call = { id: 'call_1', type: 'function', function: { name, arguments: args } };
  if (!stream) return completion({ role: 'assistant', content: null, tool_calls: [call] }, 'tool_calls');
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    choices: [{ index: 0, delta, finish_reason }],
  });
  const begun = { ...call, index: 0, function: { name, arguments: '' } };
  const chunks = [
    chunk({ role: 'assistant', content: null, tool_calls: [begun] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: args } }] }),
    chunk({}, 'tool_calls'),
    { choices: [], usage: { prompt_tokens: 0, completion_tokens: 3, total_tokens: 3 } },
  ];
  const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up' };
  const lines = chunks.map((data) => `data: ${JSON.stringify({ ...head, ...data })}\n\n`);
  return { rawStream: [...lines, 'data: [DONE]\n\n'] };
}

/** As `toolCall`, in the format of OpenAI's Responses. */
export function functionCall({ body }: UpstreamCall): Behaviour {
  const { input, tools, stream } = body as {
    input: string | { type?: string }[];
    tools: { name: string; parameters?: Schema }[];
    stream?: boolean;
  };
  if (Array.isArray(input) && input.at(-1)!.type === 'function_call_output') return {};
  const { name, parameters } = tools[0]!;
  const args = JSON.stringify(argumentsFor(parameters));
  const item = { id: 'fc_1', type: 'function_call', call_id: 'call_1', name };
  const begun = { ...item, arguments: '', status: 'in_progress' };
  const call = { ...item, arguments: args, status: 'completed' };
  const response = (status: string, output: object[]) => ({
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    status,
    error: null,
    incomplete_details: null,
    model: 'up',
    output,
    tools: [],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    ...(status === 'completed' && {
      usage: {
        input_tokens: 0,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 3,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 3,
      },
    }),
  });
  if (!stream) return { completionTokens: 3, rawBody: JSON.stringify(response('completed', [call])) };
  const place = { item_id: 'fc_1', output_index: 0 };
  const events = [
    { type: 'response.created', response: response('in_progress', []) },
    { type: 'response.output_item.added', output_index: 0, item: begun },
    { type: 'response.function_call_arguments.delta', ...place, delta: args },
    { type: 'response.function_call_arguments.done', ...place, arguments: args, name },
    { type: 'response.output_item.done', output_index: 0, item: call },
    { type: 'response.completed', response: response('completed', [call]) },
  ];
  return { rawStream: events.map((data, sequence_number) => event({ ...data, sequence_number })) };
}

/** As `toolCall`, in the format of Anthropic. */
export function toolUse({ body }: UpstreamCall): Behaviour {
  const { messages, tools, stream } = body as {
    messages: unknown[];
    tools: { name: string; input_schema?: Schema }[];
    stream?: boolean;
  };
  if (messages.length > 1) return {};
  const { name, input_schema } = tools[0]!;
  const input = argumentsFor(input_schema);
  const call = { type: 'tool_use', id: 'toolu_1', name, input };
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'up',
    content: [call],
    stop_reason: 'tool_use',
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 3 },
  };
  if (!stream) return { completionTokens: 3, rawBody: JSON.stringify(message) };
  const delta = { type: 'input_json_delta', partial_json: JSON.stringify(input) };
  const events = [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
    { type: 'content_block_start', index: 0, content_block: { ...call, input: {} } },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 3 } },
    { type: 'message_stop' },
  ];
  return { rawStream: events.map(event) };
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
