import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../database/migrations/index.js';
import { Installation } from '../installation/installation.js';
import type { Redis } from '../redis/redis.js';
import { RedisRowCache } from './redis-row-cache.js';

const TTL_MS = 60_000;
const known = [...migrations];
const versionedRow = { row: { at: new Date(5), limit: 7n }, revision: 3 };

let now: number;
/** The contents of Redis, and its subscribers. */
let stored: Map<string, string>;
let listeners: ((message: string) => void)[];
const redis = {
  isConfigured: true,
  getStart: async (name: string, maxBytes: number) => stored.get(name)?.slice(0, maxBytes),
  set: async (name: string, text: string) => void stored.set(name, text),
  subscribe: async (_: string, listener: (message: string) => void) => void listeners.push(listener),
} as unknown as Redis;

beforeEach(() => {
  now = 1_000_000;
  stored = new Map();
  listeners = [];
});
afterEach(() => void migrations.splice(0, migrations.length, ...known));

const rows = ({ id = 'here', namespace = undefined as string | undefined, saltKey = 'salt' } = {}) =>
  new RedisRowCache(redis, new Installation(id, namespace), { saltKey }, () => new Date(now));
const nameOf = (end: string) => [...stored.keys()].find((name) => name.endsWith(`:${end}`))!;

it('rows are shared by processes of one schema: those of another version may lack what this one reads', async () => {
  migrations.pop();
  await rows().set('key:k', versionedRow, TTL_MS);
  expect(await rows().get('key:k')).toEqual(versionedRow);
  migrations.push(known.at(-1)!);
  expect(await rows().get('key:k')).toBeUndefined();
});

it('values of clients come back as they were, whatever they look like', async () => {
  const metadata = {
    looks: { $n: '5' },
    like: [{ $at: 1e99 }, { $n: 'no number' }, { $of: [['a', 1]] }, { $of: { $n: '1' }, x: { $at: 5 } }],
    $at: 7,
    ['__proto__x']: {},
    __proto: JSON.parse('{"$n": "1", "__proto__": {"role": "proxy_admin"}}') as object,
  };
  const row = { metadata, at: new Date(0), limit: 10n ** 18n };
  await rows().set('key:k', { row, revision: 1 }, TTL_MS);
  expect((await rows().get('key:k'))!.row).toStrictEqual(row);
});

describe('a row counts only as it was put, where it was put, as long as it was meant to', () => {
  beforeEach(() => rows().set('key:k', versionedRow, TTL_MS));

  const altered: [string, (text: string) => string][] = [
    ['with another content', (text) => text.replace('"7"', '"8"')],
    ['with another revision', (text) => text.replace('"revision":3', '"revision":4')],
    ['with a longer life', (text) => text.replace('"until":1060000', '"until":9060000')],
    ['without its code', (text) => text.slice(text.indexOf('.'))],
    ['with nothing but its content', (text) => text.slice(text.indexOf('.') + 1)],
    ['with half of its code', (text) => text.slice(20)],
    ['cut', (text) => text.slice(0, -1)],
    ['longer', (text) => `${text} `],
    ['empty', () => ''],
    ...[
      'x',
      '.',
      '..',
      'null',
      '{}',
      '[]',
      '{"row":"x"}',
      '{"row":{},"revision":0}',
      '\u0000',
      '.{}',
      '5',
    ].map((text): [string, () => string] => [`that is ${JSON.stringify(text)}`, () => text]),
  ];
  it.each(altered)('one %s is read from the database', async (_, alter) => {
    const name = nameOf('key:k');
    stored.set(name, alter(stored.get(name)!));
    expect(await rows().get('key:k')).toBeUndefined();
    // A bad value is not an outage: the next row is read.
    await rows().set('key:other', versionedRow, TTL_MS);
    expect(await rows().get('key:other')).toEqual(versionedRow);
  });

  it('one moved to another key is read from the database', async () => {
    await rows().set('user:me', versionedRow, TTL_MS);
    stored.set(nameOf('user:me'), stored.get(nameOf('key:k'))!);
    expect(await rows().get('user:me')).toBeUndefined();
  });

  it.each([
    ['installation', { id: 'copy' }],
    ['namespace', { namespace: 'stage' }],
    ['salt key', { saltKey: 'another' }],
  ])('one of another %s is read from the database, wherever it is put', async (_, elsewhere) => {
    const text = stored.get(nameOf('key:k'))!;
    stored.clear();
    await rows(elsewhere).set('key:k', versionedRow, TTL_MS);
    stored.set(nameOf('key:k'), text);
    expect(await rows(elsewhere).get('key:k')).toBeUndefined();
  });

  it('one that was kept back and is put again later is read from the database', async () => {
    now += TTL_MS - 1;
    expect(await rows().get('key:k')).toEqual(versionedRow);
    now += 1;
    expect(await rows().get('key:k')).toBeUndefined();
  });

  it('one of a process whose clock is far ahead is read from the database', async () => {
    now -= 3_600_000;
    expect(await rows().get('key:k')).toBeUndefined();
  });
});

describe('a hint', () => {
  const received: (readonly string[])[] = [];
  beforeEach(async () => {
    received.length = 0;
    await rows().onEviction(async (keys) => {
      received.push(keys);
      throw new Error('nobody catches it');
    });
  });
  const publish = (message: string) => listeners[0]!(message);

  it('names rows', () => {
    publish('["key:k","user:u"]');
    expect(received).toEqual([['key:k', 'user:u']]);
  });

  it('is heard without names that no row can have', () => {
    publish(JSON.stringify(['key:k', 'k'.repeat(8_193)]));
    expect(received).toEqual([['key:k']]);
  });

  it.each(
    [
      '5',
      'null',
      'true',
      '"text"',
      '{"a":1}',
      '[1,{"a":2}]',
      '["a",null]',
      '[["a"]]',
      'not json',
      '',
      '[',
      '\u0000',
      `${'['.repeat(100_000)}`,
      JSON.stringify(Array.from({ length: 51 }, String)),
      JSON.stringify(['k'.repeat(1_000_000)]),
    ].map((text) => [text.slice(0, 40), text]),
  )('that is %j is none', (_, message) => {
    // prettier-ignore
    publish(message!);
    expect(received).toEqual([]);
  });
});
