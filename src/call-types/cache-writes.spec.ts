import { expect, it } from 'vitest';
import { cacheWritesIn } from './cache-writes.js';

it.each([
  ['no mark', '{"messages":[{"content":"x"}]}', 'none'],
  ['a mark in a text', JSON.stringify({ content: '{"cache_control":{"ttl":"1h"}}' }), 'none'],
  ['a mark', '{"system":[{"text":"x","cache_control":{"type":"ephemeral"}}]}', 'ordinary'],
  ['a mark of Bedrock', '{"messages":[{"content":[{"cachePoint":{"type":"default"}}]}]}', 'ordinary'],
  ['five minutes', '{"cache_control":{"type":"ephemeral","ttl" : "5m"}}', 'ordinary'],
  ['an hour', '{"cache_control":{"ttl":"1h"}}', 'hour'],
  ['five minutes, then an hour', '[{"cache_control":{"ttl":"5m"}},{"cache_control":{"ttl":"1h"}}]', 'hour'],
  ['any other time', '{"cache_control":{"ttl":60}}', 'hour'],
  ['a name that an escape hides', '{"\\u0063ache_control":{"ttl":"1h"}}', 'hour'],
  ['a time that an escape hides', '{"cache_control":{"\\u0074tl":"1h"}}', 'hour'],
  ['a letter that is escaped by Python', '{"content":"\\u00e9"}', 'none'],
  ['a number at the end', '{"cache_control":{"ttl":5}}', 'hour'],
])('%s', (_, body, writes) => expect(cacheWritesIn(Buffer.from(body))).toBe(writes)); // prettier-ignore
