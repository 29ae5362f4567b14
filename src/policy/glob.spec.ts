import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob, textsOfStars } from './glob.js';

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

describe('textsOfStars', () => {
  it('says what the groups of a greedy regular expression would say', () => {
    const text = fc.string({ unit: fc.constantFrom('.', '[', '/'), maxLength: 10 });
    const pattern = fc.string({ unit: fc.constantFrom('.', '[', '*'), maxLength: 6 });
    fc.assert(
      fc.property(pattern, text, (one, other) => {
        fc.pre(one.includes('*') && matchesGlob(one, other));
        const groups = one.replace(/[^*]/g, '\\$&').replaceAll('*', '([^]*)');
        expect(textsOfStars(one, other)).toEqual(new RegExp(`^${groups}$`).exec(other)!.slice(1));
      }),
      { numRuns: 3_000 },
    );
  });
});
