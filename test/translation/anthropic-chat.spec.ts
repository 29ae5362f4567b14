import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MalformedBodyError } from '../../src/body/json-scanner.js';
import { sentFor } from './sent-body.js';

/** Compares what leaves for Anthropic with recorded requests of LiteLLM for the same chats. */

interface Recorded {
  readonly name: string;
  readonly sent: Record<string, unknown>;
  readonly refused?: true;
  readonly body?: Record<string, unknown>;
}

const RECORDED = JSON.parse(
  readFileSync(new URL('recorded/anthropic-chat.json', import.meta.url), 'utf8'),
) as readonly Recorded[];
const CLAUDE = { provider: 'anthropic', upstreamName: 'claude-sonnet-4-5-20250929', maxOutputTokens: 64_000 };
const text = (one: string) => ({ type: 'text', text: one });
const user = (...content: object[]) => ({ role: 'user', content });
const schema = {
  type: 'object',
  properties: { river: { type: 'string' }, km: { type: 'integer', description: 'minimum: 1.' } },
  required: ['river', 'km'],
  additionalProperties: false,
};
const LOOK_UP = {
  name: 'look_up',
  description: 'Look a town up',
  input_schema: {
    type: 'object',
    properties: { town: { type: 'string' } },
    required: ['town'],
    additionalProperties: false,
  },
};
const calls = (...before: object[]) => ({
  role: 'assistant',
  content: [...before, { type: 'tool_use', id: 'call_a1', name: 'look_up', input: { town: 'Ulm' } }],
});

/** Requests in which the gateway sends something else: the members that differ (null: not sent), or the member that is refused, and why. */
const DIFFERENT: Readonly<Record<string, readonly [why: string, members: Record<string, unknown> | string]>> = {
  system_mid: [
    'no words of the gateway in the prompt',
    { messages: [user(text('Name a river.')), { role: 'assistant', content: [text('Danube')] }, user(text('Now in French.'), text('Again.'))] },
  ],
  tools_parallel_true: ['the provider’s own default', { tool_choice: null }],
  tools_strict: ['strict reaches the provider', { tools: [{ ...LOOK_UP, strict: true }] }],
  tool_loop_no_tools: ['no tool that the client did not send', { tools: null }],
  tool_result_image: [
    'no words of the gateway in the prompt',
    {
      messages: [
        user(text('Name a river.')),
        calls(),
        user({ type: 'tool_result', tool_use_id: 'call_a1', content: [text('map:'), { type: 'image', source: { type: 'base64', media_type: 'image/png', data: '<png>' } }] }),
      ],
    },
  ],
  thinking_blocks: [
    'no words of the gateway in the prompt',
    { messages: [user(text('Name a river.')), calls({ type: 'thinking', thinking: 'hmm', signature: 'c2ln' }), user({ type: 'tool_result', tool_use_id: 'call_a1', content: 'rain' })] },
  ],
  pdf_data: [
    'the file’s name reaches the model',
    { messages: [user(text('Sum up.'), { type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: '<pdf>' } })] },
  ],
  pdf_https: [
    'an address is no id of an upload',
    { messages: [user(text('Sum up.'), { type: 'document', source: { type: 'url', url: 'https://doc.example/a.pdf' } })] },
  ],
  audio_in: ['nothing vanishes', 'messages[0].content[0].input_audio'],
  json_object: [
    'nothing vanishes: the answer is JSON, as a forced tool',
    {
      tools: [{ name: 'json', description: 'Respond with a JSON object.', input_schema: { type: 'object', additionalProperties: true } }],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
    },
  ],
  json_schema: ['the name that the API has today', { output_format: null, output_config: { format: { type: 'json_schema', schema } } }],
  json_schema_tools: ['the name that the API has today', { output_format: null, output_config: { format: { type: 'json_schema', schema } } }],
  effort_low: ['one default limit of a model', { max_tokens: 64_000 }],
  effort_medium: ['one default limit of a model', { max_tokens: 64_000 }],
  effort_high: ['one default limit of a model', { max_tokens: 64_000 }],
  effort_minimal: ['one default limit of a model', { max_tokens: 64_000 }],
  thinking_nomax: ['one default limit of a model', { max_tokens: 64_000 }],
  effort_high_max500: ['the provider would refuse it', 'reasoning_effort'],
  thinking_named: ['the provider would refuse it', 'temperature'],
  web_search: ['not there yet', 'web_search_options'],
  extra_body: ['spread, as clients mean it', { extra_body: null, foo_x: 1, temperature: 0.1 }],
  empty_content: ['no words of the gateway in the prompt', { messages: [user(text(''))] }],
  only_system: ['the provider says it', { system: [text('Be brief.')], messages: [], max_tokens: 64_000, model: CLAUDE.upstreamName }],
  prompt_cache_key: ['a hint that changes no answer; the other names the user', { model: CLAUDE.upstreamName, max_tokens: 64_000, messages: [user(text('Name a river.'))], metadata: { user_id: 's1' } }],
}; // prettier-ignore

/** Returns the body that should leave. LiteLLM writes the type of a client's tool, which is the default. */
function expectedBody({ name, body = {} }: Recorded): Record<string, unknown> {
  const [, members] = DIFFERENT[name] ?? [];
  const expected = { ...body, ...(typeof members === 'object' && members) };
  for (const member of Object.keys(expected)) if (expected[member] === null) delete expected[member];
  const tools = expected.tools as { type?: string }[] | undefined;
  if (tools) expected.tools = tools.map((tool) => ({ ...tool, type: undefined }));
  return expected;
}

describe('a chat for Anthropic', () => {
  it.each(RECORDED.map((one) => [one.name, one] as const))('%s', async (name, recorded) => {
    const { max_tokens, max_completion_tokens } = recorded.sent;
    const maxOutputTokens = (max_tokens ?? max_completion_tokens) as number | undefined;
    const sent = sentFor('/chat/completions', recorded.sent, CLAUDE, { maxOutputTokens });
    const different = DIFFERENT[name]?.[1];
    if (typeof different === 'string' || (recorded.refused && !different)) {
      const error = await sent.catch((refusal: unknown) => refusal);
      expect(error).toBeInstanceOf(MalformedBodyError);
      if (typeof different === 'string') expect((error as MalformedBodyError).param).toBe(different);
      return;
    }
    expect((await sent).body).toEqual(expectedBody(recorded));
  });

  it('names no difference that is none', () => {
    const names = new Set(RECORDED.map(({ name }) => name));
    expect(Object.keys(DIFFERENT).filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('reasoning of Claude', () => {
  const ask = (members: object, name = 'claude-sonnet-4-5', maxOutputTokens = 20_000) =>
    sentFor('/chat/completions', { messages: [{ role: 'user', content: 'hi' }], ...members }, { ...CLAUDE, upstreamName: name }, { maxOutputTokens }); // prettier-ignore

  it.each([
    [{ reasoning_effort: 'high' }, 20_000, { type: 'enabled', budget_tokens: 4_096 }],
    [{ reasoning_effort: 'high' }, 2_000, { type: 'enabled', budget_tokens: 1_999 }],
    [
      { thinking: { type: 'enabled', budget_tokens: 5_000 } },
      7_000,
      { type: 'enabled', budget_tokens: 5_000 },
    ],
    [{ thinking: { type: 'disabled' } }, 7_000, { type: 'disabled' }],
    [{ reasoning_effort: 'none' }, 7_000, undefined],
  ])('%j within %i tokens', async (members, limit, thinking) => {
    const { body } = await ask(members, 'claude-sonnet-4-5', limit);
    expect(body.thinking).toEqual(thinking);
    expect(body.max_tokens).toBe(limit);
  });

  it.each([
    ['claude-opus-4-6', 'medium', 'medium'],
    ['claude-opus-4-7', 'xhigh', 'xhigh'],
    ['claude-opus-4-6-20260204', 'minimal', 'low'],
  ])('%s takes the word %s', async (name, effort, expected) => {
    const { body } = await ask({ reasoning_effort: effort }, name);
    expect(body.thinking).toEqual({ type: 'adaptive' });
    expect(body.output_config).toEqual({ effort: expected });
  });

  it('a limit above what the package knows is sent as it was held', async () => {
    const { body } = await ask({}, 'claude-3-haiku-20240307', 100_000);
    expect(body.max_tokens).toBe(100_000);
  });
});

describe('members of the body', () => {
  it.each(['max_tokens', 'model', 'tools', 'service_tier'])('extra_body may not hide %s', async (name) => {
    const sent = sentFor('/chat/completions', { messages: [{ role: 'user', content: 'hi' }], extra_body: { [name]: 1 } }, CLAUDE); // prettier-ignore
    await expect(sent).rejects.toMatchObject({ param: `extra_body.${name}` });
  });

  it('a member that only Anthropic’s clients know is not lost silently', async () => {
    const sent = sentFor(
      '/chat/completions',
      { messages: [{ role: 'user', content: 'hi' }], system: 'x' },
      CLAUDE,
    );
    await expect(sent).rejects.toMatchObject({ param: 'system' });
  });

  it('members for the gateway do not reach the provider', async () => {
    const { body } = await sentFor('/chat/completions', { messages: [{ role: 'user', content: 'hi' }], num_retries: 3, max_new_tokens: 9_000, litellm_trace_id: 'a' }, CLAUDE); // prettier-ignore
    expect(Object.keys(body).toSorted()).toEqual(['max_tokens', 'messages', 'model']);
  });
});
