import { expect, it } from 'vitest';
import { withoutSecrets } from './secret-masking.js';

it.each([
  ['Incorrect API key provided: sk-prov-*****4567. See https://x.y/keys', 'Incorrect API key provided: ****. See ****'],
  ['Incorrect API key provided: sk-abcdefghijkl.', 'Incorrect API key provided: ****.'],
  ['bad Bearer abcdef123456', 'bad Bearer ****'],
  ['key 0123456789abcdef0123456789abcdef is wrong', 'key **** is wrong'],
  ['AIzaSyA1234567890123456789012345678901 is wrong', '**** is wrong'],
  ['own-secret was sent', '**** was sent'],
  ['api_key_invalid, unsupported_country_region_territory', 'api_key_invalid, unsupported_country_region_territory'],
  ['the API key is missing', 'the API key is missing'],
])('%s', (text, expected) => {
  expect(withoutSecrets(text, [Buffer.from('own-secret')])).toBe(expected);
}); // prettier-ignore
