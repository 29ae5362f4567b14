import { expect, it } from 'vitest';
import { answerId, answerIdIn } from './answer-id.js';

it.each([
  [{ id: 'chatcmpl-1' }, 'chatcmpl-1'],
  [{ type: 'message_start', message: { id: 'msg_1' } }, 'msg_1'],
  [{ type: 'response.created', response: { id: 'resp_1' } }, 'resp_1'],
  [{ id: '', message: { id: 'msg_1' } }, 'msg_1'],
  [{ id: 'x'.repeat(256) }, undefined],
  [{ id: 'two words' }, undefined],
  [{ id: 'line\nbreak' }, undefined],
  [{ id: 7 }, undefined],
  [{ id: { id: 'x' } }, undefined],
  [{}, undefined],
  [null, undefined],
  [undefined, undefined],
])('%j has the id %s', (answer, id) => expect(answerId(answer)).toBe(id));

it('finds the first id of a stream, after comments and empty ids', () => {
  const events = ': ping\n\ndata: {"id":"","choices":[]}\n\ndata: {"id":"chatcmpl-1"}\n\ndata: [DONE]\n\n';
  expect(answerIdIn(Buffer.from(events))).toBe('chatcmpl-1');
  expect(answerIdIn(Buffer.from('data: {"id":"broken'))).toBeUndefined();
});
