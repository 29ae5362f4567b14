import { expect, it } from 'vitest';
import { utf8Header, wireHeader } from './utf8-header.js';

it.each(['plain', 'é', 'тег', '日本', 'Ã©'])('the header %s is read as the client wrote it', (text) =>
  expect(utf8Header(wireHeader(text))).toBe(text),
);

it.each(['\u00e9', 'caf\u00e9', 'тег'])('%s that is no UTF-8 stays', (value) =>
  expect(utf8Header(value)).toBe(value),
);
