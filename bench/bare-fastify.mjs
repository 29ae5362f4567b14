// Baseline: a gateway that a careful developer writes in ten minutes. It parses, forwards and responds, without guards or
// accounting.
import Fastify from 'fastify';
import { Pool } from 'undici';

const pool = new Pool(process.argv[2], { connections: 512, pipelining: 1 });
const app = Fastify();
app.post('/v1/chat/completions', async (request, reply) => {
  const answer = await pool.request({
    path: '/v1/chat/completions',
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: request.headers.authorization },
    body: JSON.stringify(request.body),
  });
  reply.status(answer.statusCode).header('content-type', answer.headers['content-type']);
  return reply.send(request.body.stream ? answer.body : Buffer.from(await answer.body.arrayBuffer()));
});
await app.listen({ port: 0, host: '127.0.0.1' });
process.send(`http://127.0.0.1:${app.server.address().port}`);
