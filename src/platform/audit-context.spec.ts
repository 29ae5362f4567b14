import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { runAsActor, currentActor } from './audit-context.js';

const who = (id: string) => ({ id, requestId: `request of ${id}` });

/** Returns the current actor twice: before and after other tasks run. */
const names = async () => {
  const first = currentActor()?.id;
  await setImmediate();
  return [first, currentActor()?.id];
};

it('is told to everything that was started on behalf of somebody, and to nothing else', async () => {
  const [a, b] = [runAsActor(who('a'), names), runAsActor(who('b'), names)];
  expect(await Promise.all([a.started, b.started, names()])).toEqual([
    ['a', 'a'],
    ['b', 'b'],
    [undefined, undefined],
  ]);
  a.end();
  const c = runAsActor(who('c'), names);
  b.end();
  expect(await c.started).toEqual(['c', 'c']);
  c.end();
});

it('is over when everything has ended, also for what goes on', async () => {
  const a = runAsActor(who('a'), names);
  a.end();
  expect(await a.started).toEqual(['a', undefined]);
  const again = runAsActor(who('a'), names);
  expect(await again.started).toEqual(['a', 'a']);
  again.end();
});
