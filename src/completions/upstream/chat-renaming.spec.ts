import { expect, it } from 'vitest';
import { editedObject, scanJsonObject } from '../../body/json-scanner.js';
import { chatRenames } from '../../config/chat-renames.js';
import { renameInChat } from './chat-renaming.js';

const OWN = 'http://10.0.0.7:8000/v1';

/** Returns the chat as its deployment gets it. */
function renamed(chat: string, provider: string, name = 'm', base = OWN): string {
  const renames = chatRenames(provider, base, name);
  const bytes = Buffer.from(chat);
  const scanned = scanJsonObject(bytes, { names: new Set(), below: new Map(), free: new Set() });
  const edits = new Map<string, string | null>();
  if (renames) renameInChat(bytes, scanned.members, renames, edits);
  return edits.size ? editedObject(bytes, scanned, edits).toString() : chat;
}

it.each([
  ['a limit', 'groq', '{"max_completion_tokens": 5 ,"n":1}', '{"n":1,"max_tokens":5}'],
  ['a limit beside the other', 'groq', '{"max_completion_tokens":5,"max_tokens":4}', '{"max_tokens":4}'],
  ['a limit that is read', 'openrouter', '{"max_completion_tokens":5}', '{"max_completion_tokens":5}'],
  ['the older limit', 'snowflake', '{"max_tokens":5}', '{"max_completion_tokens":5}'],
  ['a seed', 'mistral', '{"seed":7}', '{"random_seed":7}'],
  ['what a stream tells unasked', 'mistral', '{"stream_options":{"include_usage":true},"n":1}', '{"n":1}'],
  ['a seed that is read', 'groq', '{"seed":7}', '{"seed":7}'],
  [
    'each role, and no other byte',
    'groq',
    '{"messages":[ {"content":"\\u00e9 \\"developer\\"","role": "developer"},{"role":"user","content":"developer"} , {"role":"developer","role2":1}] ,"x":1.50}',
    '{"messages":[ {"content":"\\u00e9 \\"developer\\"","role": "system"},{"role":"user","content":"developer"} , {"role":"system","role2":1}],"x":1.50}',
  ],
  [
    'no role of another object',
    'groq',
    '{"messages":[{"role":"user","content":[{"type":"x","role":"developer"}],"name":"developer"}],"role":"developer"}',
    '{"messages":[{"role":"user","content":[{"type":"x","role":"developer"}],"name":"developer"}],"role":"developer"}',
  ],
  ['no role without messages', 'groq', '{"role":"developer"}', '{"role":"developer"}'],
])('%s at %s', (_, provider, chat, sent) => expect(renamed(chat, provider)).toBe(sent));

const DEVELOPER = '{"messages":[{"role":"developer"}]}';
const SYSTEM = '{"messages":[{"role":"system"}]}';

it.each([
  ['openai', 'gpt-4o', 'https://api.openai.com/v1', DEVELOPER],
  ['openai', 'gpt-4o', 'https://x.openai.azure.com/openai/v1', DEVELOPER],
  ['azure', 'mine', 'https://x.openai.azure.com/openai', DEVELOPER],
  ['openai', 'llama', OWN, SYSTEM],
  ['openai', 'gpt-5-mini', OWN, DEVELOPER],
  ['hosted_vllm', 'llama', OWN, SYSTEM],
  ['azure_ai', 'mistral', 'https://x.services.ai.azure.com/models', SYSTEM],
])('the role developer at %s/%s, %s', (provider, name, base, sent) =>
  expect(renamed(DEVELOPER, provider, name, base)).toBe(sent),
);

it.each(['openai', 'azure'])('reasoning models of %s read the newer limit alone', (provider) => {
  const base = 'https://x.openai.azure.com/openai';
  expect(renamed('{"max_tokens":5}', provider, 'gpt-5-mini', base)).toBe('{"max_completion_tokens":5}');
  expect(renamed('{"max_tokens":5}', provider, 'gpt-4o', base)).toBe('{"max_tokens":5}');
});
