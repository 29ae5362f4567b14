// A model provider with a fixed response: about a kilobyte of JSON, or a stream of `max_tokens` events.
import { createServer } from 'node:http';

const usage = { prompt_tokens: 200, completion_tokens: 16, total_tokens: 216 };
const json = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'y'.repeat(750) }, finish_reason: 'stop' }],
    usage,
  }),
);
const event = (fields) =>
  Buffer.from(
    `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1, model: 'm', ...fields })}\n\n`,
  );
const chunk = event({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] });
const last = Buffer.concat([event({ choices: [], usage }), Buffer.from('data: [DONE]\n\n')]);

/** Sends one event after the other as fast as the connection takes them, each in its own write. */
function stream(response, left) {
  if (!left) return response.end(last);
  response.write(chunk);
  setImmediate(stream, response, left - 1);
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (bytes) => chunks.push(bytes));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    if (body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return stream(response, JSON.parse(body).max_tokens);
    }
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': json.length });
    response.end(json);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send(`http://127.0.0.1:${server.address().port}`));
