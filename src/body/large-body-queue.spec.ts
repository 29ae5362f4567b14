import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from 'vitest';
import { runInTurn } from './large-body-queue.js';

const LARGE = 1024 * 1024;
const turn = () => new Promise<void>((done) => setImmediate(done));

it('runs a small body at once, also when large ones wait', async () => {
  const seen: string[] = [];
  runInTurn(LARGE, () => seen.push('big'));
  runInTurn(100, () => seen.push('small'));
  expect(seen).toEqual(['small']);
  await turn();
  expect(seen).toEqual(['small', 'big']);
});

it('runs large bodies one after the other, with turns between them, each in the context of its own request', async () => {
  const requests = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const arrive = (name: string) => requests.run(name, () => runInTurn(LARGE, () => seen.push(requests.getStore()))); // prettier-ignore
  /** Returns the number of turns until `count` bodies ran. */
  const turnsUntil = async (count: number) => {
    let turns = 0;
    for (; seen.length < count && turns < 100; turns++) await turn();
    return turns;
  };
  // Waits until the large body of the previous test is done.
  for (let turns = 0; turns < 20; turns++) await turn();
  for (const name of ['a', 'b', 'c']) arrive(name);
  await turnsUntil(1);
  expect(seen).toEqual(['a']);
  arrive('d');
  expect(await turnsUntil(2)).toBeGreaterThan(5);
  expect(seen).toEqual(['a', 'b']);
  expect(await turnsUntil(4)).toBeGreaterThan(10);
  expect(seen).toEqual(['a', 'b', 'c', 'd']);
  arrive('e');
  expect(await turnsUntil(5)).toBeGreaterThan(5);
});

it('goes on after a task that failed', async () => {
  const seen: string[] = [];
  const failed = new Promise((fail) => process.once('uncaughtException', fail));
  runInTurn(LARGE, () => { throw new Error('bad'); }); // prettier-ignore
  runInTurn(LARGE, () => seen.push('next'));
  expect(await failed).toMatchObject({ message: 'bad' });
  for (let turns = 0; !seen.length && turns < 100; turns++) await turn();
  expect(seen).toEqual(['next']);
});
