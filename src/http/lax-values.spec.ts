import { describe, expect, it } from 'vitest';
import { laxFlag, laxInteger, laxNumber } from './lax-values.js';

/** The expected values are LiteLLM's (1.108.7, `GenerateKeyRequest`). */
describe('laxNumber', () => {
  it.each<[unknown, unknown]>([
    ['10', 10], ['1e2', 100], ['1E2', 100], ['1e+2', 100], [' 5', 5], ['5 ', 5], ['\u00a05', 5], ['5\u2003', 5], ['5.0', 5], ['5.5', 5.5],
    ['+5', 5], ['-5', -5], ['1_000', 1000], ['1_0.5', 10.5], ['.5', 0.5], ['5.', 5], ['05', 5], ['0.0000001', 1e-7], [7, 7], [null, null],
  ])('reads %j as %j', (text, number) => expect(laxNumber(text)).toBe(number)); // prettier-ignore

  it.each(['', ' ', 'null', 'NaN', 'inf', 'Infinity', '0x10', '1__0', '_1', '1_', '1,5', '٣', '１０', '--5', '+ 5', '1e', 'e1', 'true', `1${'0'.repeat(70)}`])(
    'leaves %j as it is',
    (text) => expect(laxNumber(text)).toBe(text),
  ); // prettier-ignore
});

describe('laxInteger', () => {
  it.each<[unknown, unknown]>([
    ['10', 10], [' 5', 5], ['5.0', 5], ['5.', 5], ['+5', 5], ['-5', -5], ['1_000', 1000], ['05', 5], ['10000000000', 1e10], [5, 5],
  ])('reads %j as %j', (text, number) => expect(laxInteger(text)).toBe(number)); // prettier-ignore

  it.each(['', '5.5', '.5', '1e2', '5e0', '1_0.5', '0x10', 'true', true])('leaves %j as it is', (text) =>
    expect(laxInteger(text)).toBe(text),
  );
});

describe('laxFlag', () => {
  it.each(['true', 'True', 'TRUE', '1', 'yes', 'Y', 'on', 't', 1, true])('reads %j as true', (text) =>
    expect(laxFlag(text)).toBe(true),
  );
  it.each(['false', 'False', '0', 'no', 'N', 'off', 'f', 0, false])('reads %j as false', (text) =>
    expect(laxFlag(text)).toBe(false),
  );
  it.each(['', ' true', 'true ', 'null', '2', '1.0', 'enabled', 2, 0.5, null])('leaves %j as it is', (text) =>
    expect(laxFlag(text)).toBe(text),
  );
});
