import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from 'vitest';
import { whenItsTurnComes } from './big-bodies.js';

const BIG = 1024 * 1024;
const turn = () => new Promise<void>((done) => setImmediate(done));

it('takes a small body up at once, also when big ones wait', async () => {
  const seen: string[] = [];
  whenItsTurnComes(BIG, () => seen.push('big'));
  whenItsTurnComes(100, () => seen.push('small'));
  expect(seen).toEqual(['small']);
  await turn();
  expect(seen).toEqual(['small', 'big']);
});

it('takes up one big body in a turn, in their order, each on behalf of its own request', async () => {
  const requests = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const arrive = (name: string) => requests.run(name, () => whenItsTurnComes(BIG, () => seen.push(requests.getStore()))); // prettier-ignore
  for (const name of ['a', 'b', 'c']) arrive(name);
  await turn();
  expect(seen).toEqual(['a']);
  arrive('d');
  await turn();
  expect(seen).toEqual(['a', 'b']);
  await turn();
  await turn();
  expect(seen).toEqual(['a', 'b', 'c', 'd']);
});
