import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADVISORY_LOCKS, type AdvisoryLock } from './advisory-locks.js';

const src = resolve(import.meta.dirname, '..');
const numbers = Object.values<string>(ADVISORY_LOCKS);
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(?:ts|sql)$/.test(file))
  .filter((file) => !file.startsWith('database/migrations/') && file !== 'database/advisory-locks.ts')
  .map((file) => ({ file, text: readFileSync(join(src, file), 'utf8') }));

describe('advisory locks', () => {
  it('have distinct numbers', () => {
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) expect(BigInt.asIntN(64, BigInt(number))).toBe(BigInt(number));
  });

  it('have the names and numbers that SQL functions use', () => {
    const used = files.flatMap(({ file, text }) =>
      [...text.matchAll(/(\w+)_lock CONSTANT bigint := (\d+)/g)].map(([, name, number]) => ({
        file,
        number,
        expected: ADVISORY_LOCKS[name as AdvisoryLock],
      })),
    );
    expect(used.length).toBeGreaterThan(4);
    for (const { file, number, expected } of used) expect(number, file).toBe(expected);
  });

  it('are written nowhere else, and no other lock uses a number', () => {
    const elsewhere = files.filter(
      ({ file, text }) =>
        (file.endsWith('.ts') && numbers.some((number) => text.includes(number))) ||
        /advisory\w*lock\w*\(\s*'?\d/.test(text),
    );
    expect(elsewhere.map(({ file }) => file)).toEqual([]);
  });
});
