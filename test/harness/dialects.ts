import type { UpstreamCall } from './upstream.js';

/** An API's format in the test's upstream. `usage`: the reported usage in the API's own members; null: none. */
export interface Dialect {
  usage(promptTokens: number, completionTokens: number): Record<string, unknown>;
  whole(call: UpstreamCall, usage: Usage): object | Buffer;
  /** The parts of a stream: its beginning, each token, and its end with the terminator. */
  first(call: UpstreamCall, usage: Usage): string[];
  token(call: UpstreamCall, nth: number): string;
  last(call: UpstreamCall, usage: Usage): string[];
}
type Usage = Record<string, unknown> | null;

const event = (data: { type: string; [member: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

const openai: Dialect = {
  usage: (prompt_tokens, completion_tokens) => ({
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
  }),
  whole: ({ model }, usage) => ({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'scripted answer' },
        text: 'scripted answer',
        finish_reason: 'stop',
      },
    ],
    model,
    ...(usage && { usage }),
  }),
  first: () => [],
  token: (call, nth) => chunk(call, [{ index: 0, delta: { content: `t${nth} ` }, finish_reason: null }]),
  last: (call, usage) => {
    const options = call.body.stream_options as { include_usage?: boolean } | undefined;
    return [
      chunk(call, [{ index: 0, delta: {}, finish_reason: 'stop' }]),
      ...(options?.include_usage && usage ? [chunk(call, [], { usage })] : []),
      'data: [DONE]\n\n',
    ];
  },
};

const chunk = ({ model }: UpstreamCall, choices: object[], extra = {}) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model, choices, ...extra })}\n\n`;

const vector = (encoding: unknown) => {
  const numbers = [0.5, -0.5];
  return encoding === 'base64' ? Buffer.from(new Float32Array(numbers).buffer).toString('base64') : numbers;
};

const embeddings: Dialect = {
  ...openai,
  whole: ({ model, body }, usage) => ({
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding: vector(body.encoding_format) }],
    model,
    ...(usage && { usage }),
  }),
};

const message = (model: string, more: object) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model,
  content: [],
  stop_reason: null,
  stop_sequence: null,
  ...more,
});

const messages: Dialect = {
  usage: (input_tokens, output_tokens) => ({ input_tokens, output_tokens }),
  whole: ({ model }, usage) =>
    message(model, {
      content: [{ type: 'text', text: 'scripted answer' }],
      stop_reason: 'end_turn',
      ...(usage && { usage }),
    }),
  first: ({ model }, usage) => [
    event({
      type: 'message_start',
      message: message(model, usage ? { usage: { ...usage, output_tokens: 1 } } : {}),
    }),
    event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
  ],
  token: (_, nth) =>
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: `t${nth} ` } }),
  last: (_, usage) => [
    event({ type: 'content_block_stop', index: 0 }),
    event({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      ...(usage && { usage: { output_tokens: usage.output_tokens } }),
    }),
    event({ type: 'message_stop' }),
  ],
};

const response = ({ model }: UpstreamCall, status: string, text: string, usage: Usage) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status,
  error: null,
  incomplete_details: null,
  model,
  output: text
    ? [
        {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text, annotations: [] }],
        },
      ]
    : [],
  tools: [],
  ...(usage && { usage }),
});

const responses: Dialect = {
  usage: (input_tokens, output_tokens) => ({
    input_tokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input_tokens + output_tokens,
  }),
  whole: (call, usage) => response(call, 'completed', 'scripted answer', usage),
  first: (call) => [
    event({
      type: 'response.created',
      sequence_number: 0,
      response: response(call, 'in_progress', '', null),
    }),
    event({
      type: 'response.output_item.added',
      sequence_number: 1,
      output_index: 0,
      item: { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] },
    }),
    event({
      type: 'response.content_part.added',
      sequence_number: 2,
      output_index: 0,
      item_id: 'msg_1',
      content_index: 0,
      part: { type: 'output_text', text: '', annotations: [] },
    }),
  ],
  token: (_, nth) =>
    event({
      type: 'response.output_text.delta',
      sequence_number: nth + 3,
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      delta: `t${nth} `,
      logprobs: [],
    }),
  last: (call, usage) => [
    event({
      type: 'response.completed',
      sequence_number: 99_999,
      response: response(call, 'completed', 'scripted answer', usage),
    }),
  ],
};

const answering = (whole: Dialect['whole']): Dialect => ({ ...openai, usage: () => ({}), whole });

/** Dialects by the end of the path; the first that matches counts. */
const DIALECTS: readonly (readonly [path: string, Dialect])[] = [
  ['/messages/count_tokens', answering(() => ({ input_tokens: 14 }))],
  ['/responses/input_tokens', answering(() => ({ object: 'response.input_tokens', input_tokens: 14 }))],
  ['/messages', messages],
  ['/responses', responses],
  ['/embeddings', embeddings],
  [
    '/moderations',
    answering(({ model }) => ({
      id: 'modr',
      model,
      results: [{ flagged: false, categories: {}, category_scores: {} }],
    })),
  ],
  ['/images/generations', answering(images)],
  ['/images/edits', answering(images)],
  ['/audio/speech', answering(() => Buffer.from([0xff, 0xfb, 0, 1, 2, 0x80]))],
  ['/audio/transcriptions', answering(transcript)],
  ['/audio/translations', answering(transcript)],
  [
    '/rerank',
    answering(() => ({
      id: 'r',
      results: [{ index: 1, relevance_score: 0.9 }],
      meta: { billed_units: { search_units: 1 } },
    })),
  ],
];

function images({ body, fields }: UpstreamCall, usage: Usage) {
  const n = Number(body.n ?? fields.n ?? 1);
  const saysUsage = usage && Object.keys(usage).length > 0;
  return {
    created: 1,
    data: Array.from({ length: n }, () => ({ b64_json: 'aW1n' })),
    ...(saysUsage && { usage }),
  };
}

/** Returns the transcript of ten seconds of speech. */
function transcript({ fields }: UpstreamCall, usage: Usage) {
  if (fields.response_format === 'text') return Buffer.from('scripted words\n');
  const said = usage && Object.keys(usage).length > 0 ? usage : { type: 'duration', seconds: 10 };
  return { text: 'scripted words', ...(usage && { usage: said }) };
}

export const dialectOf = (path: string): Dialect =>
  DIALECTS.find(([end]) => path.split('?')[0]!.endsWith(end))?.[1] ?? openai;

/** Reads the text fields of a form with a regular expression, independent of the reader under test. */
export function fieldsOf(contentType: string, rawBody: Buffer): Record<string, string> {
  const boundary = /boundary="?([^";]+)/.exec(contentType)?.[1];
  if (boundary === undefined) return {};
  return Object.fromEntries(
    rawBody
      .toString('latin1')
      .split(`--${boundary}`)
      .map((part) => /name="([^"]+)"\r\n(?:content-[^\r]*\r\n)*\r\n([^]*)\r\n$/i.exec(part))
      .flatMap((found) => (found ? [[found[1], found[2]]] : [])),
  ) as Record<string, string>;
}
