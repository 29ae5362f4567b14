import { expect, it } from 'vitest';
import { writtenTextBytes } from './written-text.js';

it.each<[unknown, number]>([
  [{ index: 0, message: { role: 'assistant', content: 'hello there friend', refusal: null }, finish_reason: 'stop' }, 18],
  [{ message: { content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] } }, 8],
  [{ type: 'tool_use', id: 'toolu_1', name: 'f', input: { type: 'x', n: 12 } }, 1 + 19],
  [{ type: 'message', content: [{ type: 'output_text', text: 'größe', annotations: ['none'] }] }, 7],
  ['text', 4],
  [null, 0],
])('%j has %i bytes of text', (part, bytes) => {
  expect(writtenTextBytes(part)).toBe(bytes);
}); // prettier-ignore
