import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import { redisIsThere } from '../harness/redis.js';
import { Replicas } from '../harness/replicas.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

const possible = (await postgresIsThere()) && redisIsThere();
const hash = (secret: string) => createHash('sha256').update(secret).digest('hex');

describe.skipIf(!possible)('whoever can write to Redis', () => {
  let upstream: Upstream;
  let replicas: Replicas;
  let first: Gateway;
  let second: Gateway;
  beforeAll(async () => {
    upstream = await Upstream.start();
    replicas = await Replicas.start(2, { upstream });
    [first, second] = replicas.gateways as [Gateway, Gateway];
  });
  afterAll(() => closeAll(replicas, upstream));

  const read = (name: string) => replicas.redis.ask('--raw', 'GET', name).join('\n');
  // A gateway stores rows in Redis after it has read them, and no call waits for that.
  const nameOf = (key: string) =>
    eventually(() => {
      const names = replicas.redis.keys();
      const name = names.find((each) => each.endsWith(`:${key}`));
      if (!name) throw new Error(`There is no row of ${key}:\n${names.join('\n')}`);
      return name;
    });
  const as = (at: Gateway, key: string) =>
    Promise.all([
      at.as(key, 'GET', '/v1/models'),
      at.as(key, 'POST', '/user/new', { auto_create_key: false }),
      at.as(key, 'GET', '/key/info'),
      at.chat(key, { model: 'm-free' }),
    ]).then((answers) => answers.map(({ status }) => status));

  /** Redis commands that replace a row. */
  type Attack = (name: string, row: string) => string[];
  const content = (row: string) => row.slice(row.indexOf('.') + 1);
  const promoted = (row: string) => row.replaceAll('"internal_user"', '"proxy_admin"');
  const attacks: [string, Attack][] = [
    ['another role', (name, row) => ['SET', name, promoted(row)]],
    ['another role, without a code', (name, row) => ['SET', name, promoted(content(row))]],
    [
      'a later revision',
      (name, row) => ['SET', name, promoted(row).replace(/"revision":\d+/, '"revision":99')],
    ],
    ...['x', '', '5', 'null', '[]', '{}', '{"row":null,"revision":0}', '{"row":"x"}', '{"row":[]}', '{"row":{},"revision":9}'].map((text): [string, Attack] => [JSON.stringify(text), (name) => ['SET', name, text]]), // prettier-ignore
    ['a huge text', (name) => ['SETRANGE', name, '50000000', 'x']],
    ['a list', (name) => ['RPUSH', name, 'x']],
    ['a hash', (name) => ['HSET', name, 'a', 'b']],
    ['a sorted set', (name) => ['ZADD', name, '1', 'a']],
    ['a stream', (name) => ['XADD', name, '*', 'a', 'b']],
  ];

  it.each(attacks)('changes nobody by %s in the place of rows', async (_, attack) => {
    const user = `user-${attacks.findIndex(([, each]) => each === attack)}`;
    await first.create('/user/new', { user_id: user, user_role: 'internal_user', auto_create_key: false });
    const key = await first.createKey({ user_id: user });
    const truth = await as(first, key);
    expect(truth).toEqual([200, 403, 200, 200]);
    for (const row of [`user:${user}`, `key:${hash(key)}`]) {
      const name = await nameOf(row);
      const stored = read(name);
      expect(stored).toContain('"revision":');
      replicas.redis.command('DEL', name);
      replicas.redis.command(...attack(name, stored));
    }
    expect(await as(second, key)).toEqual(truth);
  });

  it('makes no key that is in no database, and no user of another one', async () => {
    await first.create('/user/new', { user_id: 'root', user_role: 'proxy_admin', auto_create_key: false });
    await first.create('/user/new', {
      user_id: 'mallory',
      user_role: 'internal_user',
      auto_create_key: false,
    });
    const [rootKey, key] = [
      await first.createKey({ user_id: 'root' }),
      await first.createKey({ user_id: 'mallory' }),
    ];
    expect((await as(first, rootKey))[1]).toBe(200);
    expect((await as(first, key))[1]).toBe(403);
    const [root, keyOfRoot] = [await nameOf('user:root'), await nameOf(`key:${hash(rootKey)}`)];
    const forged = 'sk-forged-and-in-no-database';
    replicas.redis.command('SET', keyOfRoot.replace(hash(rootKey), hash(forged)), read(keyOfRoot));
    replicas.redis.command('SET', root.replace(/root$/, 'mallory'), read(root));
    replicas.redis.command('SET', await nameOf(`key:${hash(key)}`), read(keyOfRoot));
    expect(await as(second, forged)).toEqual([401, 401, 401, 401]);
    expect(await as(second, key)).toEqual([200, 403, 200, 200]);
  });

  it('ends nobody by a message, and hides no change', async () => {
    const key = await first.createKey({});
    for (const at of replicas.gateways) expect((await at.as(key, 'GET', '/v1/models')).status).toBe(200);
    const messages = ['5', 'null', 'true', '"text"', '{"a":1}', '[1,{"a":2}]', '[null]', '[["a"]]', 'not json', '', '[', '\\xff', '['.repeat(50_000), JSON.stringify(['k'.repeat(100_000)]), JSON.stringify(Array.from({ length: 5_000 }, String)), '["__proto__","constructor",""]']; // prettier-ignore
    const channels = replicas.redis.ask('PUBSUB', 'CHANNELS');
    expect(channels).toHaveLength(1);
    for (const channel of [...channels, 'tollgate:changes'])
      for (const message of messages) replicas.redis.command('PUBLISH', channel, message);
    for (const at of replicas.gateways) {
      expect((await at.as(key, 'GET', '/v1/models')).status).toBe(200);
      expect(at.logs).not.toMatch(/could not be dealt with|TypeError/);
    }
    await first.create('/key/block', { key });
    await eventually(async () => expect((await second.as(key, 'GET', '/v1/models')).status).toBe(401));
  });

  it('ends nobody by what stands in the place of everything else', async () => {
    const key = await first.createKey({ rpm_limit: 5, tpm_limit: 5_000, max_parallel_requests: 2 });
    expect((await first.chat(key, { model: 'm-free', max_tokens: 5 })).status).toBe(200);
    for (const name of replicas.redis.keys()) {
      replicas.redis.command('DEL', name);
      replicas.redis.command('HSET', name, 'sum', 'nan');
    }
    for (const at of replicas.gateways) {
      expect((await at.chat(key, { model: 'm-free', max_tokens: 5 })).status).toBe(503);
      expect((await at.chat(await first.createKey({}), { model: 'm-free' })).status).toBe(200);
      await eventually(async () => expect((await at.send('GET', '/health/readiness')).status).toBe(200));
    }
  });
});

describe.skipIf(!possible)('a Redis that speaks something else', () => {
  const answers: [string, Buffer | string][] = [
    ['nothing it knows', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['random bytes', Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * 7_919) % 256))],
    ['errors', '-ERR no\r\n'.repeat(3)],
    ['numbers', ':1\r\n'],
    ['nothings', '$-1\r\n'],
    ['lists in lists', `${'*1\r\n'.repeat(20_000)}:1\r\n`],
    ['a length that is none', '*99999999999999999999\r\n'],
    ['a negative length', '$-5\r\nabc\r\n'],
    ['a message nobody subscribed to', '*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n5\r\n'],
    ['a push of nothing', '>0\r\n'],
  ];
  const open = new Set<Socket>();
  let speaks: Buffer | string;
  let server: Server;
  let gateway: Gateway;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    speaks = '+OK\r\n';
    server = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => open.delete(socket));
      socket.on('data', () => socket.write(speaks));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const database = await migratedPostgres();
    ({ drop } = database);
    gateway = await Gateway.start({
      env: { DATABASE_URL: database.url, REDIS_URL: `redis://127.0.0.1:${port}` },
    });
  });
  afterAll(async () => {
    await gateway?.close();
    for (const socket of open) socket.destroy();
    server?.close();
    await drop?.();
  });

  it.each(answers)('ends nobody by %s', async (_, answer) => {
    speaks = answer;
    for (const socket of open) socket.write(answer);
    const key = await gateway.createKey({});
    expect((await gateway.as(key, 'GET', '/v1/models')).status).toBe(200);
    const limited = await gateway.createKey({ rpm_limit: 5 });
    const { model_name: model } = (await gateway.admin('GET', '/model/info')).body.data[0];
    expect((await gateway.chat(limited, { model, max_tokens: 5 })).status).toBe(503);
    expect((await gateway.send('GET', '/health/liveliness')).status).toBe(200);
  });
});
