import { describe, expect, it } from 'vitest';
import { isName } from './name.js';

describe('isName', () => {
  it.each([
    ['a'.repeat(1_024), true],
    ['a'.repeat(1_025), false],
    ['漢'.repeat(341), true],
    ['漢'.repeat(342), false],
    ['\u{1f600}'.repeat(256), true],
    ['\u{1f600}'.repeat(257), false],
    ['Änne Müller-Lüdenscheidt', true],
    ['a\nb', false],
    ['a\u009bb', false],
    ['a\u2028b', false],
    ['a\u202eb', false],
    ['a\u2066b', false],
    ['half \ud800', false],
  ])('%j: %s', (text, is) => {
    expect(isName(text)).toBe(is);
  });
});
