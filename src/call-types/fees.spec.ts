import { describe, expect, it } from 'vitest';
import { scanJsonObject } from '../body/json-scanner.js';
import { CallBody } from './call-body.js';
import type { CallType } from './call-type.js';
import { chatCompletion } from './chat-completion.js';
import { messages } from './messages.js';
import { responses } from './responses.js';

const NOTHING_WATCHED = { names: new Set<string>(), below: new Map(), free: new Set<string>() };

const feeOf = (kind: CallType, members: object) => {
  const bytes = Buffer.from(JSON.stringify({ model: 'm', ...members }));
  return kind.size(new CallBody(bytes, scanJsonObject(bytes, NOTHING_WATCHED)), {}).fee?.param;
};

describe('features with a fee', () => {
  it.each([
    [{ search_parameters: { mode: 'on' } }, 'search_parameters'],
    [{ search_parameters: {} }, 'search_parameters'],
    [{ enable_search: true }, 'enable_search'],
    [{ plugins: [{ id: 'web' }] }, 'plugins'],
    [{ media_response: { enable: true } }, 'media_response'],
    [{ data_sources: [{}] }, 'data_sources'],
    [{ tools: [{ type: 'browser_search' }] }, 'tools'],
    [{ tools: [{ type: 'builtin_function', function: { name: '$web_search' } }] }, 'tools'],
    [{ tools: [{ googleSearch: {} }] }, 'tools'],
    [{ tools: [{ function: {}, googleSearch: {} }] }, 'tools'],
    [{ tools: [{ function: {}, something: {} }] }, 'tools'],
    [{ tools: [{ type: null, code_execution: {} }] }, 'tools'],
    [{ tools: [{ type: 'function', function: {}, google_search: {} }] }, 'tools'],
    [{ tools: [{ type: 'custom', codeExecution: {} }] }, 'tools'],
    [{ tools: [{ Type: 'web_search', function: {} }] }, 'tools'],
    [{ tools: [{ ｔype: 'web_search', type: 'function' }] }, 'tools'],
    [{ tools: [{}] }, 'tools'],
  ])('chat: %j', (members, param) => expect(feeOf(chatCompletion, members)).toBe(param));

  it.each([
    {},
    { search_parameters: { mode: 'off' } },
    { search_parameters: null },
    { enable_search: false },
    { plugins: [] },
    { web_search_options: null },
    { data_sources: [] },
    { tools: null },
    { tools: [{ type: 'function' }, { function: {} }, { type: 'custom' }] },
  ])('chat: %j is free', (members) => expect(feeOf(chatCompletion, members)).toBeUndefined());

  it.each([{ type: 'function' }, {}, 'web_search', 5, true, ['web_search'], [null], [[]], [{ type: 5 }], [{ type: { toString: 1 } }]])(
    'malformed tools are refused: %j',
    (tools) => {
      for (const kind of [chatCompletion, messages, responses])
        expect(() => feeOf(kind, { tools })).toThrow(expect.objectContaining({ param: 'tools' }));
    },
  ); // prettier-ignore

  it.each([
    [{ tools: [{ type: 'function' }, { type: 'code_interpreter' }] }, 'tools'],
    [{ tools: [{ type: 'file_search' }] }, 'tools'],
    [{ tools: [{ type: 'mcp' }] }, 'tools'],
    [{ tools: [{ type: 'image_generation' }] }, 'tools'],
    [{ tools: [{ type: 'shell' }] }, 'tools'],
    [{ tools: [{ type: 'shell', environment: { type: 'container_auto' } }] }, 'tools'],
    [{ tools: [{ type: 'namespace', tools: [{ type: 'function' }, { type: 'file_search' }] }] }, 'tools'],
    [{ prompt: { id: 'p' } }, 'prompt'],
  ])('responses: %j', (members, param) => expect(feeOf(responses, members)).toBe(param));

  it.each([
    'local_shell', 'apply_patch', 'computer', 'computer_use_preview', 'tool_search', 'function', 'custom',
  ])('responses: the tool %s is the client’s own', (type) => expect(feeOf(responses, { tools: [{ type }] })).toBeUndefined()); // prettier-ignore

  it.each([
    { type: 'shell', environment: { type: 'local' } },
    { type: 'namespace', name: 'multi_agent_v1', tools: [{ type: 'function' }] },
  ])('responses: %j, too', (tool) => expect(feeOf(responses, { tools: [tool] })).toBeUndefined());

  it.each([
    'bash_20250124', 'text_editor_20250728', 'computer_20250124', 'memory_20250818', 'custom',
    'function', 'tool_search_tool_regex_20251119', 'tool_search_tool_bm25_20251119', 'tool_search_tool_bm25',
  ])('messages: the tool %s is free', (type) => expect(feeOf(messages, { tools: [{ type }] })).toBeUndefined()); // prettier-ignore

  it.each([
    [{ tools: [{ name: 'x' }, { type: 'code_execution_20250825' }] }, 'tools'],
    [{ tools: [{ type: 'web_fetch_20250910' }] }, 'tools'],
    [{ tools: [{ webSearch: {} }] }, 'tools'],
    [{ tools: [{ name: 'x', input_schema: {}, googleSearch: {} }] }, 'tools'],
    [{ tools: [{ type: 'custom', name: 'x', url_context: {} }] }, 'tools'],
    [{ context_management: { edits: [{ type: 'Compact_20260112' }] } }, 'context_management'],
    [{ context_management: { edits: [{ type: { toString: 1 } }] } }, 'context_management'],
    [{ speed: 'fast' }, 'speed'],
    [{ inference_geo: 'us' }, 'inference_geo'],
    [{ mcp_servers: [{}] }, 'mcp_servers'],
    [{ container: 'c' }, 'container'],
    [{ context_management: { edits: [{ type: 'compact_20260112' }] } }, 'context_management'],
  ])('messages: %j', (members, param) => expect(feeOf(messages, members)).toBe(param));

  it.each([
    { name: 'f', description: 'd', input_schema: {}, cache_control: { type: 'ephemeral' }, strict: true },
    { type: null, name: 'f', input_schema: {}, defer_loading: true, allowed_callers: ['direct'] },
  ])('messages: a function without a type is free: %j', (tool) =>
    expect(feeOf(messages, { tools: [tool], context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } })).toBeUndefined()); // prettier-ignore
});
