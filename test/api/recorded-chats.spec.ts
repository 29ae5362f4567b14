import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

type Body = Readonly<Record<string, unknown>>;
interface Change {
  readonly sent?: Body;
  readonly left?: readonly string[];
}

/** Rows of what LiteLLM 1.108.7 sends to providers of OpenAI's form, where it is not what came. */
const lines = readFileSync(new URL('recorded-chats.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const incoming = new Map<string, Body>();
const providers: { provider: string; model: string; always: Body; refused: string[] }[] = [];
const changes = new Map<string, Change>();
for (const line of lines)
  if (line.body) incoming.set(line.incoming, line.body);
  else if (line.provider) providers.push(line);
  else for (const provider of line.providers) changes.set(`${provider} ${line.of}`, line);

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const root = upstream.url.replace(/\/v1$/, '');
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: providers.map(({ provider, model }) => ({
        model_name: provider,
        litellm_params: {
          model,
          api_base: provider.startsWith('azure') ? root : upstream.url,
          api_key: 'key-of-it',
        },
      })),
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** Cases with something that only some models read, and that LiteLLM turns into something else. */
const EFFORTS = /^(?:effort|thinking)/;
const FILES = /^(?:image|pdf|tool_result_image)/;

/**
 * Why a member that leaves is the client's own, where LiteLLM sends another: by the member, the case and the provider. Every
 * other member leaves as LiteLLM sends it.
 */
const REASONS: readonly (readonly [why: string, member: RegExp, name: RegExp, provider?: RegExp])[] = [
  ['LiteLLM leaves out users', /^user$/, /^user$/],
  ['LiteLLM takes cache marks out', /^(?:messages|tools)$/, /^cache_control/],
  ['LiteLLM leaves `content: null` out of turns with tool calls', /^messages$/, /^(?:tool_loop|thinking_blocks)/],
  ['LiteLLM leaves out empty and named turns, or parts of them', /^messages$/, /^(?:empty_content|name_member)$/],
  ['LiteLLM drops, moves or fetches files and pictures', /^messages$/, FILES],
  ['LiteLLM leaves out the reasoning of the history', /^messages$/, /^reasoning_history$/],
  ['OpenAI and Azure know the role developer', /^messages$/, /^developer$/, /^(?:openai|azure)/],
  ['LiteLLM changes definitions of tools', /^tools$/, /tool/, /^(?:xai|databricks)$/],
  ['LiteLLM turns schemas into forced tools', /^(?:response_format|tools|tool_choice)$/, /^json/, /^databricks$/],
  ['LiteLLM drops a choice of Mistral’s API', /^tool_choice$/, /^tools_(?:named|required)$/, /^mistral$/],
  ['LiteLLM turns efforts and budgets into others', /^(?:reasoning_effort|thinking|max_tokens)$/, EFFORTS, /^(?:deepseek|databricks)$/],
  ['LiteLLM sends a limit that the provider does not read', /^max_(?:completion_)?tokens$/, /^max_completion_tokens$/, /^(?:deepseek|perplexity)$/],
  ['LiteLLM sends a limit that reasoning models refuse', /^max_(?:completion_)?tokens$/, /^thinking/, /^openai-gpt5$/],
  ['metadata goes to answers that are stored', /^metadata$/, /^metadata_user$/],
  ['LiteLLM leaves out the wish for usage', /^stream_options$/, /^stream_usage$/],
  ['the gateway asks for usage, to bill it', /^stream_options$/, /^stream$/],
  ['LiteLLM turns web search into a tool of its own', /^(?:web_search_options|tools)$/, /^web_search$/, /^groq$/],
  ['LiteLLM says what is so by default', /^stream$/, /./, /^(?:azure|azure_ai|snowflake)$/],
  ['OpenRouter tells usage unasked', /^usage$/, /./, /^openrouter$/],
]; // prettier-ignore
/** Members that would change where a call goes, or what it costs, unseen. */
const REFUSED = new Set(['extra_body', 'extra_headers']);

const used = new Set<string>();
/** Values that a member may have beside the client's own. */
const ADDED: Readonly<Record<string, readonly unknown[]>> = {
  stream_options: [{ include_usage: true }],
  metadata: [undefined],
};
const RENAMES = [
  ({ max_completion_tokens: limit, ...others }: Body): Body =>
    limit === undefined ? others : { ...others, max_tokens: limit },
  ({ max_tokens: limit, ...others }: Body): Body =>
    limit === undefined ? others : { ...others, max_completion_tokens: limit },
];

describe.each(providers)('$provider', ({ provider, always, refused }) => {
  it.each([...incoming.keys()])('%s', async (name) => {
    const body = incoming.get(name)!;
    const before = upstream.calls.length;
    const answer = await gateway.admin('POST', '/v1/chat/completions', { ...body, model: provider });
    const calls = upstream.calls.slice(before);
    if (REFUSED.has(name)) return expect([answer.status, calls]).toEqual([400, []]);
    expect([answer.status, calls.length]).toEqual([200, 1]);
    const { model: _, ...sent } = calls[0]!.body;
    // LiteLLM refuses what its table does not know. The provider itself decides.
    if (refused.includes(name)) {
      const limits = ['max_tokens', 'max_completion_tokens'];
      const others = (of: Body) =>
        Object.entries(of).filter(
          ([member]) => !limits.includes(member) && !(provider === 'mistral' && member.endsWith('seed')),
        );
      return expect(others(sent)).toEqual(expect.arrayContaining(others(body)));
    }
    const change = changes.get(`${provider} ${name}`);
    const recorded: Record<string, unknown> = { ...always, ...body, ...change?.sent };
    for (const member of change?.left ?? []) delete recorded[member];
    for (const member of new Set([...Object.keys(sent), ...Object.keys(recorded)])) {
      if (isDeepStrictEqual(sent[member], recorded[member])) continue;
      const [why] =
        REASONS.find(
          ([, members, names, ofProvider]) =>
            members.test(member) && names.test(name) && (ofProvider?.test(provider) ?? true),
        ) ?? [];
      expect([member, why]).toEqual([member, expect.any(String)]);
      used.add(why!);
      const own = [body[member], ...RENAMES.map((rename) => rename(body)[member]), ...(ADDED[member] ?? [])];
      expect(own).toContainEqual(sent[member]);
    }
  });
});

it('every reason is needed', () =>
  expect(REASONS.map(([why]) => why).filter((why) => !used.has(why))).toEqual([]));
