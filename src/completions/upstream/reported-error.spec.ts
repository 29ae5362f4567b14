import { describe, expect, it } from 'vitest';
import { isErrorObject, reportedError } from './reported-error.js';

const read = (body: unknown) =>
  reportedError(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));

describe('the error in a body', () => {
  it.each<[string, unknown, object]>([
    [
      'OpenAI',
      { error: { message: 'too long', type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' } },
      { message: 'too long', type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' },
    ],
    ['OpenAI without a code', { error: { message: 'm', type: 'server_error', param: null, code: null } }, { message: 'm', type: 'server_error' }],
    [
      'Azure',
      { error: { message: 'filtered', type: null, param: 'prompt', code: 'content_filter', status: 400 } },
      { message: 'filtered', param: 'prompt', code: 'content_filter' },
    ],
    ['Anthropic', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'r' }, { message: 'Overloaded', type: 'overloaded_error' }],
    [
      'Mistral',
      { object: 'error', message: 'Invalid model', type: 'invalid_model', param: null, code: '1500' },
      { message: 'Invalid model', type: 'invalid_model', code: '1500' },
    ],
    [
      'Mistral, of a member',
      { object: 'error', message: { detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options', 'include_usage'], msg: 'Extra inputs are not permitted' }] }, type: 'invalid_request_error' },
      { message: 'stream_options.include_usage: Extra inputs are not permitted', type: 'invalid_request_error', code: 'extra_forbidden', param: 'stream_options.include_usage' },
    ],
    [
      'FastAPI',
      { detail: [{ loc: ['body', 'messages', 0, 'role'], msg: 'Field required', type: 'missing' }, { loc: ['body', 'n'], msg: 'Input should be 1' }] },
      { message: 'messages.0.role: Field required; n: Input should be 1', code: 'missing', param: 'messages.0.role' },
    ],
    ['a detail', { detail: 'Not Found' }, { message: 'Not Found' }],
    ['vLLM', { object: 'error', message: 'no such model', type: 'NotFoundError', param: null, code: 404 }, { message: 'no such model', type: 'NotFoundError', code: '404' }],
    [
      'OpenRouter',
      { error: { message: 'Provider returned error', code: 400, metadata: { provider_name: 'X', raw: '{"error":{"message":"prompt too long","code":"context_length_exceeded","type":"invalid_request_error"}}' } } },
      { message: 'Provider returned error: prompt too long', code: 'context_length_exceeded', type: 'invalid_request_error' },
    ],
    ['OpenRouter, a raw text', { error: { message: 'Provider returned error', code: 502, metadata: { raw: 'upstream sank' } } }, { message: 'Provider returned error: upstream sank', code: '502' }],
    ['Google', [{ error: { code: 400, message: 'API key not valid', status: 'INVALID_ARGUMENT', details: [] } }], { message: 'API key not valid', type: 'INVALID_ARGUMENT', code: '400' }],
    ['Cohere', { id: 'x', message: 'invalid request' }, { message: 'invalid request' }],
    ['xAI', { code: 'Client specified an invalid argument', error: 'no such model' }, { message: 'no such model', code: 'Client specified an invalid argument' }],
    ['Hugging Face', { error: 'overloaded', error_type: 'overloaded' }, { message: 'overloaded', type: 'overloaded' }],
    ['Databricks', { error_code: 'REQUEST_LIMIT_EXCEEDED', message: 'slow down' }, { message: 'slow down', code: 'REQUEST_LIMIT_EXCEEDED' }],
    ['Cloudflare', { success: false, errors: [{ code: 7003, message: 'no route' }] }, { message: 'no route', code: '7003' }],
    ['problem+json', { type: 'about:blank', title: 'Bad', status: 400, detail: 'why it is bad' }, { message: 'why it is bad' }],
    ['OpenAI’s responses', { type: 'response.failed', response: { error: { code: 'server_error', message: 'sorry' } } }, { message: 'sorry', code: 'server_error' }],
    ['a text', 'upstream connect error\nreset reason: overflow', { message: 'upstream connect error' }],
    ['a page', '<html><head><title>502 Bad Gateway</title></head><body><h1>x</h1></body></html>', { message: '502 Bad Gateway' }],
    ['a page without a title', '<p>\n<b>No</b>\n</p>', { message: 'No' }],
    ['nothing', '', {}],
    ['cut JSON', '{"error":{"message":"wh', {}],
    ['names that are none', { error: { message: 5, type: {}, code: [], param: {} } }, {}],
    ['a type that is none', { error: { message: 'm', type: 'https://a.type/of-problem' } }, { message: 'm' }],
  ])('%s', (_, body, expected) => {
    expect(read(body)).toEqual(expected);
  }); // prettier-ignore

  it('is bounded', () => {
    expect(read({ error: { message: 'm'.repeat(100_000) } }).message!.length).toBeLessThan(20_000);
    expect(read('m'.repeat(100_000)).message!.length).toBeLessThan(20_000);
    expect(read(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)).toEqual({});
  });
});

describe('an object is an error', () => {
  it.each<[unknown, boolean]>([
    [{ error: { message: 'm' } }, true],
    [{ error: 'm' }, true],
    [{ type: 'error' }, true],
    [{ object: 'error' }, true],
    [{ error: null, choices: [] }, false],
    [{ error: {} }, false],
    [{ choices: [{ delta: { content: 'error' } }] }, false],
    ['error', false],
    [null, false],
  ])('%j: %s', (value, expected) => {
    expect(isErrorObject(value)).toBe(expected);
  });
});
