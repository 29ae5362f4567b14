import { connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { eventually } from '../harness/eventually.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

let gateway: Gateway;
let upstream: Upstream;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await closeAll(gateway, upstream);
});

/** Starts a gateway whose drain phase lasts longer than the test, and a connection that keeps it from ending early. */
async function started(drain_seconds = 300): Promise<void> {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream, config: { general_settings: { drain_seconds } } });
}

const readiness = () => gateway.send('GET', '/health/readiness');

const isDraining = () =>
  eventually(async () => {
    const { status } = await readiness();
    if (status !== 503) throw new Error(`Readiness is ${status}.`);
  });

it('serves everything in the drain phase, except that it is not ready; a second SIGTERM ends it', async () => {
  await started();
  const key = await gateway.createKey({ max_budget: 10 });
  upstream.behave = () => ({ msBetweenTokens: 1 });
  expect((await readiness()).headers.connection).not.toBe('close');

  const ended = gateway.terminate();
  await isDraining();
  const alive = await gateway.send('GET', '/health/liveliness');
  const call = await gateway.chat(key, { model: 'm-out', max_tokens: 2 });
  const stream = await gateway.chat(key, { model: 'm-out', max_tokens: 2, stream: true });
  const refused = await gateway.chat('sk-wrong', { model: 'm-out' });
  const missing = await gateway.admin('GET', '/no/such/path');
  const write = await gateway.admin('POST', '/key/generate', { max_budget: 1 });
  const answers = { alive, call, stream, refused, missing, write };
  expect(Object.values(answers).map(({ status }) => status)).toEqual([200, 200, 200, 401, 404, 200]);
  expect(Object.values(answers).map(({ headers }) => headers.connection)).toEqual(Array(6).fill('close'));
  expect(stream.text).toMatch(/data: \[DONE\]\n\n$/);

  expect(await gateway.terminate()).toBe(0);
  expect(await ended).toBe(0);
});

it('finishes a call that outlasts the drain phase, and serves one that follows on its connection', async () => {
  await started();
  const key = await gateway.createKey({ max_budget: 10 });
  const ended = gateway.terminate();
  await isDraining();
  upstream.hold();
  const call = gateway.chat(key, { model: 'm-out', max_tokens: 2 });
  await upstream.arrived(1);
  const gone = gateway.terminate('SIGINT');
  // The listener is closed, and the call goes on.
  await eventually(() => expect(readiness()).rejects.toMatchObject({ code: 'ECONNREFUSED' }));
  upstream.release();
  expect((await call).status).toBe(200);
  expect([await gone, await ended]).toEqual([0, 0]);
  await gateway.restart();
  expect((await gateway.books()).entries.map(({ state, mark }) => [state, mark])).toEqual([
    ['settled', null],
  ]);

  await readiness();
  expect(await gateway.terminate('SIGINT')).toBe(0);
});

it('ends at once without clients, and waits for one that only keeps a connection', async () => {
  await started();
  expect(await gateway.terminate()).toBe(0);
  await gateway.restart();
  await new Promise<void>((done) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', done);
    sockets.push(socket);
  });
  const ended = gateway.terminate();
  await isDraining();
  expect(await gateway.terminate()).toBe(0);
  await ended;
});
