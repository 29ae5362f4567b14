import { expect, it } from 'vitest';
import { addressRewriter } from './root-path.js';

it.each([
  ['/llm/v1/models', '/v1/models'],
  ['/llm/v1/models?a=/llm/b', '/v1/models?a=/llm/b'],
  ['/llm', '/'],
  ['/llm/', '/'],
  ['/llm?a=1', '/?a=1'],
  ['/v1/models', '/v1/models'],
  ['/llmraw/v1/models', '/llmraw/v1/models'],
  ['/llm/llm/v1/models', '/llm/v1/models'],
  ['/llm//v1/models', '//v1/models'],
  ['//llm/v1/models', '//llm/v1/models'],
  ['/LLM/v1/models', '/LLM/v1/models'],
  ['/%6clm/v1/models', '/%6clm/v1/models'],
  ['/llm/../llm/key/list', '/../llm/key/list'],
  ['/llm/openai/v1/models', '/v1/models'],
  ['/openai/llm/v1/models', '/openai/llm/v1/models'],
  ['/openai/v1/models', '/v1/models'],
  ['/v1/llm/models', '/v1/llm/models'],
  ['http://host/llm/v1/models', 'http://host/llm/v1/models'],
  ['*', '*'],
])('%s is routed as %s', (url, path) => {
  expect(addressRewriter('/llm')({ url })).toBe(path);
});
