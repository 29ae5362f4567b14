import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from './glob.js';

/** The same match with a regular expression, as an oracle. It is slow where `matchesGlob` must be fast. */
const plainly = (pattern: string, text: string) =>
  new RegExp(`^${pattern.replace(/[^*]/g, '\\$&').replaceAll('*', '[^]*')}$`).test(text);

describe('matchesGlob', () => {
  it('says what a regular expression would say', () => {
    const text = fc.string({ unit: fc.constantFrom('.', '[', '/'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('.', '[', '*'), maxLength: 6 });
    fc.assert(
      fc.property(pattern, text, (one, other) => {
        expect(matchesGlob(one, other)).toBe(plainly(one, other));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*', '', true],
    ['', '', true],
    ['**', 'x', true],
    ['a*b*c', 'a-b-c', true],
    ['a*b*b', 'ab', false],
    ['*ab*ba*', 'aba', false],
  ])('%s of %s: %s', (pattern, text, matches) => {
    expect(matchesGlob(pattern, text)).toBe(matches);
  });
});
