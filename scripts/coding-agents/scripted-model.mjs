// A model provider that plays the model of a coding agent: it asks for two tools, then says that it is done.
// It speaks OpenAI's chat completions and responses and Anthropic's messages, as JSON and as event streams.
import { createServer } from 'node:http';

/** Prices in nano-dollars per token. */
export const PRICES = {
  'gpt-5': { input: 1_250n, cacheRead: 125n, output: 10_000n },
  'claude-sonnet-4-5': {
    input: 3_000n,
    cacheRead: 300n,
    cacheWrite: 3_750n,
    cacheWriteHour: 6_000n,
    output: 15_000n,
  },
};

export const LISTING = 'listing.txt';
export const WRITTEN = 'agent.txt';
export const CONTENT = 'The agent wrote this.';
export const LAST_WORDS = 'Both files are there now.';
/** Says what the agent shall do in its folder. The absolute path is where the scripted model finds it. */
export const taskIn = (folder) =>
  `List the files of this folder into ${LISTING}, then write "${CONTENT}" into ${folder}/${WRITTEN}.`;

const LIST = `ls > ${LISTING}`;
const WRITE = `echo "${CONTENT}" > ${WRITTEN}`;
const PATH = new RegExp(`/[\\w./-]+/${WRITTEN}`);
const SHELLS = /^(?:bash|shell|shell_command|exec_command|run_shell_command|run_commands|execute_command)$/i;
const WRITERS = /^(?:write|write_file|write_to_file|create_file)$/i;

/** Chooses the answer by the number of tool results in the conversation: list, write, last words. */
function answerTo(api, body) {
  const tools = api.tools(body);
  const results = api.results(body);
  const shell = tools.find(({ name }) => SHELLS.test(name));
  if (!shell) return { text: `${WRITTEN}\n\`\`\`\n${CONTENT}\n\`\`\`\n` };
  if (results === 0) return { tool: shell.name, input: inputFor(shell, { command: LIST }) };
  const writer = tools.find(({ name }) => WRITERS.test(name));
  const [path] = PATH.exec(JSON.stringify(body)) ?? [WRITTEN];
  if (results === 1)
    return writer
      ? { tool: writer.name, input: inputFor(writer, { path, content: `${CONTENT}\n` }) }
      : { tool: shell.name, input: inputFor(shell, { command: WRITE }) };
  return { text: LAST_WORDS };
}

/** Fills the required parameters of a tool, whatever the agent calls them. */
function inputFor({ schema }, { command, path, content }) {
  const value = (name, { type, items }) => {
    if (/^(?:command|cmd|commands)$/.test(name))
      return type === 'array' ? (items?.type === 'string' && name === 'command' ? ['sh', '-c', command] : [command]) : command;
    if (/path/i.test(name)) return path;
    if (/content|text/i.test(name)) return content;
    return type === 'boolean' ? false : type === 'number' || type === 'integer' ? 10_000 : 'A step of the task';
  }; // prettier-ignore
  const { properties = {}, required = [] } = schema ?? {};
  const names = Object.keys(properties).filter(
    (name) => required.includes(name) || /^(?:command|cmd)$/.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, value(name, properties[name])]));
}

const event = (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const halves = (text) => [text.slice(0, Math.ceil(text.length / 2)), text.slice(Math.ceil(text.length / 2))];
const cost = (pairs) => pairs.reduce((sum, [tokens, price]) => sum + BigInt(tokens) * price, 0n);

/** The APIs: how each offers tools, brings back results, limits and reports tokens, answers and streams. */
const APIS = {
  '/chat/completions': {
    tools: ({ tools = [] }) =>
      tools.map(({ function: { name, parameters } }) => ({ name, schema: parameters })),
    results: ({ messages }) => messages.filter(({ role }) => role === 'tool').length,
    limit: (body) => body.max_completion_tokens ?? body.max_tokens,
    usage: ({ input, cached, output }) => ({
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
      prompt_tokens_details: { cached_tokens: cached },
      completion_tokens_details: { reasoning_tokens: Math.floor(output / 4) },
    }),
    cost: ({ input, cached, output }, price) =>
      cost([[input - cached, price.input], [cached, price.cacheRead], [output, price.output]]), // prettier-ignore
    json: ({ model, id, usage, text, tool, args, cut }) => ({
      id,
      object: 'chat.completion',
      created: 1,
      model,
      choices: [
        {
          index: 0,
          finish_reason: cut ? 'length' : tool ? 'tool_calls' : 'stop',
          message: {
            role: 'assistant',
            content: text ?? null,
            ...(tool && {
              tool_calls: [{ id: `call_${id}`, type: 'function', function: { name: tool, arguments: args } }],
            }),
          },
        },
      ],
      usage,
    }),
    *stream({ model, id, usage, text, tool, args, cut, body }) {
      const chunk = (delta, finish_reason = null, more = {}) =>
        `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason }], ...more })}\n\n`;
      yield chunk({ role: 'assistant', content: tool ? null : '' });
      if (text) for (const content of halves(text)) yield chunk({ content });
      if (tool) {
        yield chunk({ tool_calls: [{ index: 0, id: `call_${id}`, type: 'function', function: { name: tool, arguments: '' } }] }); // prettier-ignore
        for (const half of halves(args)) yield chunk({ tool_calls: [{ index: 0, function: { arguments: half } }] }); // prettier-ignore
      }
      yield chunk({}, cut ? 'length' : tool ? 'tool_calls' : 'stop');
      if (body.stream_options?.include_usage) yield chunk(null, null, { choices: [], usage });
      yield 'data: [DONE]\n\n';
    },
  },
  '/responses': {
    tools: ({ tools = [] }) =>
      tools
        .filter(({ type }) => type === 'function')
        .map(({ name, parameters }) => ({ name, schema: parameters })),
    results: ({ input }) =>
      Array.isArray(input) ? input.filter(({ type }) => type?.endsWith('_call_output')).length : 0,
    limit: (body) => body.max_output_tokens,
    usage: ({ input, cached, output }) => ({
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: Math.floor(output / 4) },
      total_tokens: input + output,
    }),
    cost: (tokens, price) => APIS['/chat/completions'].cost(tokens, price),
    json: ({ model, id, usage, text, tool, args, cut }, status = cut ? 'incomplete' : 'completed') => ({
      id: `resp_${id}`,
      object: 'response',
      created_at: 1,
      status,
      error: null,
      incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
      model,
      output: status === 'in_progress' ? [] : [itemOf({ id, text, tool, args }, status)],
      parallel_tool_calls: true,
      tools: [],
      usage: status === 'in_progress' ? null : usage,
    }),
    *stream(answer) {
      const { id, text, tool, args, cut } = answer;
      let sequence_number = 0;
      const next = (type, more) => event({ type, sequence_number: sequence_number++, ...more });
      const place = { item_id: tool ? `fc_${id}` : `msg_${id}`, output_index: 0 };
      yield next('response.created', { response: this.json(answer, 'in_progress') });
      yield next('response.in_progress', { response: this.json(answer, 'in_progress') });
      yield next('response.output_item.added', { output_index: 0, item: itemOf({ id, text: text && '', tool, args: '' }, 'in_progress') }); // prettier-ignore
      if (tool) {
        for (const delta of halves(args)) yield next('response.function_call_arguments.delta', { ...place, delta }); // prettier-ignore
        yield next('response.function_call_arguments.done', { ...place, arguments: args });
      } else {
        const part = { ...place, content_index: 0 };
        yield next('response.content_part.added', { ...part, part: { type: 'output_text', text: '', annotations: [] } }); // prettier-ignore
        for (const delta of halves(text)) yield next('response.output_text.delta', { ...part, delta });
        yield next('response.output_text.done', { ...part, text });
        yield next('response.content_part.done', { ...part, part: { type: 'output_text', text, annotations: [] } }); // prettier-ignore
      }
      const status = cut ? 'incomplete' : 'completed';
      yield next('response.output_item.done', { output_index: 0, item: itemOf(answer, status) });
      yield next(`response.${status}`, { response: this.json(answer) });
    },
  },
  '/messages': {
    tools: ({ tools = [] }) => tools.map(({ name, input_schema }) => ({ name, schema: input_schema })),
    results: ({ messages }) =>
      messages
        .flatMap(({ content }) => (Array.isArray(content) ? content : []))
        .filter(({ type }) => type === 'tool_result').length,
    limit: (body) => body.max_tokens,
    usage: ({ input, cached, written, writtenHour, output }) => ({
      input_tokens: input,
      cache_read_input_tokens: cached,
      cache_creation_input_tokens: written + writtenHour,
      cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: writtenHour },
      output_tokens: output,
    }),
    cost: ({ input, cached, written, writtenHour, output }, price) =>
      cost([
        [input, price.input],
        [cached, price.cacheRead],
        [written, price.cacheWrite],
        [writtenHour, price.cacheWriteHour],
        [output, price.output],
      ]),
    json: ({ model, id, usage, text, tool, args, cut }) => ({
      id: `msg_${id}`,
      type: 'message',
      role: 'assistant',
      model,
      content: [
        tool ? { type: 'tool_use', id: `toolu_${id}`, name: tool, input: cut ? {} : JSON.parse(args) } : { type: 'text', text },
      ],
      stop_reason: cut ? 'max_tokens' : tool ? 'tool_use' : 'end_turn',
      stop_sequence: null,
      usage,
    }), // prettier-ignore
    *stream(answer) {
      const { id, usage, text, tool, args } = answer;
      const whole = this.json({ ...answer, args: '{}' });
      yield event({ type: 'message_start', message: { ...whole, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } } }); // prettier-ignore
      yield event({
        type: 'content_block_start',
        index: 0,
        content_block: tool ? { type: 'tool_use', id: `toolu_${id}`, name: tool, input: {} } : { type: 'text', text: '' },
      }); // prettier-ignore
      yield event({ type: 'ping' });
      for (const half of halves(tool ? args : text))
        yield event({
          type: 'content_block_delta',
          index: 0,
          delta: tool ? { type: 'input_json_delta', partial_json: half } : { type: 'text_delta', text: half },
        });
      yield event({ type: 'content_block_stop', index: 0 });
      yield event({ type: 'message_delta', delta: { stop_reason: whole.stop_reason, stop_sequence: null }, usage: { output_tokens: usage.output_tokens } }); // prettier-ignore
      yield event({ type: 'message_stop' });
    },
  },
};

const itemOf = ({ id, text, tool, args }, status) =>
  tool
    ? { id: `fc_${id}`, type: 'function_call', status, call_id: `call_${id}`, name: tool, arguments: args }
    : { id: `msg_${id}`, type: 'message', status, role: 'assistant', content: text ? [{ type: 'output_text', text, annotations: [] }] : [] }; // prettier-ignore

/** Starts the provider. It records every call with its usage and cost; `toolTokens` is the length of a tool call. */
export async function startScriptedModel({ toolTokens = 300, delayMs = 0 } = {}) {
  const calls = [];
  const model = { calls, toolTokens, delayMs, url: '', close: () => server.close() };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const path = Object.keys(APIS).find((end) => request.url.split('?')[0].endsWith(end));
    if (!path) return response.writeHead(404).end('{}');
    const body = JSON.parse(bytes.toString());
    const api = APIS[path];
    const answer = answerTo(api, body);
    const id = `${calls.length + 1}`;
    const wanted = answer.tool ? model.toolTokens : 40;
    const output = Math.min(wanted, api.limit(body) ?? wanted);
    const prompt = Math.floor(bytes.length / 5);
    const isAnthropic = path === '/messages';
    const tokens = {
      input: isAnthropic ? 11 : prompt,
      cached: Math.floor(prompt / 2),
      written: /"cache_control"/.test(bytes) ? Math.floor(prompt / 3) : 0,
      writtenHour: /"ttl":"1h"/.test(bytes) ? 7 : 0,
      output,
    };
    const cut = output < wanted;
    const args = answer.tool && JSON.stringify(answer.input);
    const whole = { model: body.model, id, body, ...answer, args: cut && args ? args.slice(0, -9) : args, cut, usage: api.usage(tokens) }; // prettier-ignore
    calls.push({
      path,
      headers: request.headers,
      body,
      cut,
      limit: api.limit(body),
      costNanoUsd: api.cost(tokens, PRICES[body.model]),
    });
    if (model.delayMs) await new Promise((done) => setTimeout(done, model.delayMs));
    if (!body.stream) {
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(JSON.stringify(api.json(whole)));
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const part of api.stream(whole)) response.write(part);
    response.end();
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  model.url = `http://127.0.0.1:${server.address().port}`;
  return model;
}
