import { expect, it } from 'vitest';
import { AddressList } from '../platform/address-list.js';
import { clientAddress } from './client-address.js';

const TRUSTED = ['10.0.0.0/8', '::1', 'fd00::/8'];

it.each([
  ['no proxy is trusted', [], '10.0.0.1', '203.0.113.9', '10.0.0.1'],
  ['the connection is no trusted proxy', TRUSTED, '192.0.2.1', '203.0.113.9', '192.0.2.1'],
  ['a trusted proxy', TRUSTED, '10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['a trusted proxy on a socket for both versions', TRUSTED, '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['a client that invents an address', TRUSTED, '10.0.0.1', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
  ['a client that invents a trusted one', TRUSTED, '10.0.0.1', '10.0.0.7, 203.0.113.9', '203.0.113.9'],
  ['two proxies', TRUSTED, '10.0.0.1', '198.51.100.1,203.0.113.9,10.0.0.2', '203.0.113.9'],
  ['only proxies', TRUSTED, '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['no header', TRUSTED, '10.0.0.1', undefined, '10.0.0.1'],
  ['an empty header', TRUSTED, '10.0.0.1', '', '10.0.0.1'],
  ['several headers', TRUSTED, '10.0.0.1', ['198.51.100.1', '203.0.113.9'], '203.0.113.9'],
  ['a port', TRUSTED, '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
  ['IPv6', TRUSTED, '::1', '2001:DB8::7', '2001:db8::7'],
  ['IPv6 in brackets', TRUSTED, 'fd00::1', '[2001:db8::7]', '2001:db8::7'],
  ['IPv6 with a port', TRUSTED, 'fd00::1', '[2001:db8::7]:4711', '2001:db8::7'],
  ['IPv4 inside IPv6', TRUSTED, '10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
  ['a proxy that does not know', TRUSTED, '10.0.0.1', '203.0.113.9, unknown', undefined],
  ['the second proxy does not know', TRUSTED, '10.0.0.1', 'unknown, 10.0.0.2', undefined],
  ['an empty element', TRUSTED, '10.0.0.1', '203.0.113.9, ', undefined],
  ['text beside the address', TRUSTED, '10.0.0.1', '203.0.113.9 (attacker)', undefined],
  ['no connection any more', TRUSTED, undefined, '203.0.113.9', undefined],
  ['more proxies than anybody has', TRUSTED, '10.0.0.1', `203.0.113.9${',10.0.0.2'.repeat(40)}`, '10.0.0.2'],
])('%s', (_, trusted, connection, header, address) => {
  expect(clientAddress(connection, header, trusted.length ? new AddressList(trusted) : undefined)).toBe(
    address,
  );
});
