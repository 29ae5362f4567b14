import { describe, expect, it } from 'vitest';
import { foldedAddress } from './folded-address.js';

describe('an address as it is compared', () => {
  it.each([
    ['Boss@CORP.test', 'boss@corp.test'],
    // Decomposed and composed form of the same letter.
    ['E\u0301ve@x.y', '\u00c9ve@x.y'],
    ['e\u0301ve@x.y', '\u00e9ve@x.y'],
    // Normalization turns the Ångström sign into the letter, whose case counts.
    ['\u212bsa@x.y', '\u00c5sa@x.y'],
  ])('%s is %s', (one, other) => expect(foldedAddress(one)).toBe(foldedAddress(other)));

  it.each([
    ['\u212aboss@corp.test', 'kboss@corp.test'],
    ['\u212aboss@corp.test', 'Kboss@corp.test'],
    ['bo\u017fs@corp.test', 'boss@corp.test'],
    ['boss@corp.te\u037et', 'boss@corp.te;t'],
    ['b\u0131ll@corp.test', 'bill@corp.test'],
    ['B\u0130LL@corp.test', 'bill@corp.test'],
    ['\u00c9ve@x.y', '\u00e9ve@x.y'],
    ['ｂoss@corp.test', 'boss@corp.test'],
    ['boss@corp.test ', 'boss@corp.test'],
  ])('%s is not %s', (one, other) => expect(foldedAddress(one)).not.toBe(foldedAddress(other)));

  it('is not normalized where it is longer than any', () => {
    const marks = `${'e\u0301'.repeat(513)}@X.y`;
    expect(foldedAddress(marks)).toBe(marks.replace('X', 'x'));
  });

  it('makes ASCII of nothing else', () => {
    for (let point = 0x80; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const folded = foldedAddress(String.fromCodePoint(point));
      if (/^[\0-\x7f]/.test(folded)) expect.fail(`U+${point.toString(16)} begins with ${folded[0]}`);
    }
  });
});
