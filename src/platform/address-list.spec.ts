import { describe, expect, it } from 'vitest';
import { AddressList, canonicalAddress, isAddressRange } from './address-list.js';

describe('canonicalAddress', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:C000:0207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['192.0.2.007', undefined],
    ['192.0.2', undefined],
    ['unknown', undefined],
    ['', undefined],
    ['192.0.2.7:80', undefined],
    ['[::1]', undefined],
  ])('%s is %s', (text, address) => {
    expect(canonicalAddress(text)).toBe(address);
  });
});

describe('AddressList', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.9.8.7/8', '10.0.0.1', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '11.1.2.3', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['fd00::/8', 'fd12::1', true],
    ['fd00::/8', '2001:db8::1', false],
    ['2001:db8::1', '2001:DB8:0::1', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['10.0.0.0/8', 'unknown', false],
  ])('%s, %s: %s', (range, address, has) => {
    expect(new AddressList([range]).has(address)).toBe(has);
  });

  it.each([
    '',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8x',
    '10.0.0/8',
    '::/129',
    'proxy',
    '::ffff:10.0.0.0/8',
    '*',
  ])('refuses %j', (range) => {
    expect(isAddressRange(range)).toBe(false);
    expect(() => new AddressList([range])).toThrow(RangeError);
  });
});
