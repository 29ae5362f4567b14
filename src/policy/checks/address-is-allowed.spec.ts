import { expect, it } from 'vitest';
import { aRoute, someFacts } from '../fixtures.testing.js';
import { addressIsAllowed } from './address-is-allowed.js';

it.each`
  refusedAddress   | message                                                    | because
  ${undefined}     | ${undefined}                                               | ${'the proxy accepts the address, or any'}
  ${'203.0.113.9'} | ${'Access forbidden: IP address 203.0.113.9 not allowed.'} | ${'no call may come from it'}
  ${'unknown'}     | ${'Access forbidden: IP address unknown not allowed.'}     | ${'an unknown address is in no list'}
`('addressIsAllowed, refused $refusedAddress: $message, because $because', ({ refusedAddress, message }) => {
  const { denials } = addressIsAllowed(someFacts({ route: aRoute({ refusedAddress }) }));
  expect(denials[0]?.message).toBe(message);
});
