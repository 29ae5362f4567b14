import { afterEach, expect, it } from 'vitest';
import { migrations } from '../database/migrations/index.js';
import type { Redis } from '../redis/redis.js';
import { FarRows } from './far-rows.js';

const known = [...migrations];
afterEach(() => void migrations.splice(0, migrations.length, ...known));

it('rows are shared by processes of one schema: those of another version may lack what this one reads', async () => {
  const shared = new Map<string, string>();
  const redis = {
    isConfigured: true,
    get: async (key: string) => shared.get(key) ?? null,
    set: async (key: string, text: string) => void shared.set(key, text),
  } as unknown as Redis;
  const far = { row: { at: new Date(5), limit: 7n }, revision: 3 };
  migrations.pop();
  await new FarRows(redis).set('key:k', far, 60_000);
  expect(await new FarRows(redis).get('key:k')).toEqual(far);
  migrations.push(known.at(-1)!);
  expect(await new FarRows(redis).get('key:k')).toBeUndefined();
});
