// Runs one attack on the gateway again and again until the process is ended. The parent `fork`s it with an attack, the address of
// the gateway and a key. It sends that address back when it has begun. On 'tell' it sends how often the attack ran, by result.
import { connect } from 'node:net';
import { Agent, request } from 'undici';

const MEBIBYTE = 1024 * 1024;
const LONGEST_MS = 120_000;

const nested = (opening, closing, depth) => () =>
  Buffer.from(`{"model":"attacked","messages":${opening.repeat(depth)}1${closing.repeat(depth)}}`);
const prompt = (word, bytes) => () => Buffer.from(JSON.stringify({ model: 'attacked', max_tokens: 16, messages: [{ role: 'user', content: word.repeat(bytes / word.length) }] })); // prettier-ignore
const members = (count) => `{"model":"attacked","messages":[{${Array.from({ length: count }, (_, i) => `"k${i}":1`).join(',')}}]}`; // prettier-ignore

/** Attacks: the number of simultaneous connections, and the work of each. It posts a body or writes to its own connection. */
const ATTACKS = {
  'prompts of 5 MB': { atOnce: 30, body: prompt('lorem ipsum ', 5 * MEBIBYTE) },
  'prompts that must be counted': { atOnce: 30, body: prompt('lorem ipsum ', MEBIBYTE) },
  'a million arrays deep': { atOnce: 30, body: nested('[', ']', 1_000_000) },
  'as deep as may be, 9 MB of it': { atOnce: 8, body: () => Buffer.from(`{"model":"attacked","messages":[${Array.from({ length: 40_000 }, () => `${'['.repeat(110)}${']'.repeat(110)}`).join(',')}]}`) }, // prettier-ignore
  'ninety thousand names': { atOnce: 30, body: () => Buffer.from(members(90_000)) },
  'evaluations of 9 MB': { atOnce: 8, path: '/access/v1/evaluation', body: () => Buffer.from(`{"subject":{"type":"key","id":"${'x'.repeat(9 * MEBIBYTE)}"}}`) }, // prettier-ignore
  'strangers with keys': { atOnce: 64, path: '/v1/models', method: 'GET', stranger: true },
  'bodies that never end': { atOnce: 200, open: slowBody },
  'leaving in the middle of streams': { atOnce: 30, open: hangUp },
};

const [, , name, url, key] = process.argv;
const done = new Map();
const count = (what) => done.set(what, (done.get(what) ?? 0) + 1);

const head = (...headers) =>
  ['POST /v1/chat/completions HTTP/1.1', 'host: x', `authorization: Bearer ${key}`, ...headers, '', ''].join('\r\n'); // prettier-ignore

function connected(bytes, heard) {
  return new Promise((closed) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes));
    socket.on('error', () => {});
    socket.on('data', () => heard(socket));
    socket.on('close', closed);
    setTimeout(() => socket.destroy(), 2_000);
  });
}

/** Sends the head and a few bytes of a body, and then nothing more. */
async function slowBody() {
  await connected(`${head('content-length: 5000000')}{"mod`, () => {});
  count('left');
}

async function hangUp() {
  const body = JSON.stringify({ model: 'attacked', max_tokens: 500, stream: true, messages: [] });
  await connected(`${head(`content-length: ${body.length}`)}${body}`, (socket) => socket.destroy());
  count('left');
}

const agent = new Agent({ connections: 256 });
async function post({ path = '/v1/chat/completions', method = 'POST', body, stranger }, i) {
  const authorization = `Bearer ${stranger ? `sk-stranger-${i}-${Math.random()}` : key}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const answer = await request(url + path, { method, body, headers, dispatcher: agent });
  await answer.body.dump({ limit: 100 * MEBIBYTE });
  count(answer.statusCode);
}

if (process.send && name in ATTACKS) {
  setTimeout(() => process.exit(1), LONGEST_MS);
  process.on('disconnect', () => process.exit(0));
  process.on('message', () =>
    process.send([...done].map(([what, times]) => `${times} × ${what}`).join(', ')),
  );
  const { body, ...how } = ATTACKS[name];
  const attack = { ...how, body: body?.() };
  for (let i = 0; i < attack.atOnce; i++)
    void (async () => {
      for (;;) await (attack.open ? attack.open() : post(attack, i)).catch((error) => count(error.code));
    })();
  process.send(url);
}

export const ATTACK_NAMES = Object.keys(ATTACKS);
