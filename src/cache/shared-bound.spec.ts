import { expect, it } from 'vitest';
import { SharedBound } from './shared-bound.js';

it('forgets what was put in first, in whichever map', () => {
  const [a, b] = [new Map<string, object>(), new Map<string, object>()];
  const maps = new SharedBound(3);
  maps.set(a, 'one', {});
  maps.set(b, 'one', {});
  maps.set(a, 'two', {});
  maps.set(b, 'two', {});
  expect([[...a.keys()], [...b.keys()]]).toEqual([['two'], ['one', 'two']]);
  maps.set(b, 'three', {});
  expect([[...a.keys()], [...b.keys()]]).toEqual([['two'], ['two', 'three']]);
});

it('counts what is put in anew once, as the last', () => {
  const map = new Map<string, object>();
  const maps = new SharedBound(2);
  const newer = {};
  maps.set(map, 'one', {});
  maps.set(map, 'two', {});
  maps.set(map, 'one', newer);
  expect([...map.keys()].toSorted()).toEqual(['one', 'two']);
  maps.set(map, 'three', {});
  expect(map.get('one')).toBe(newer);
  expect(map.has('two')).toBe(false);
});
