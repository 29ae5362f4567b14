import type { LanguageModelV3FinishReason, LanguageModelV3StreamPart } from '@ai-sdk/provider';
import type { Usage } from '../../policy/price.js';
import { finishWords } from '../finish-words.js';
import { redactedIn, signatureIn } from '../prompt-parts.js';
import type { StreamFacts, StreamWriter, TranslatedAnswer } from '../translated-call.js';

/** Returns the usage in OpenAI's members, with LiteLLM's for what OpenAI does not have. */
export function chatUsage(usage: Usage) {
  const {
    inputTokens,
    outputTokens,
    cachedInputTokens = 0,
    cacheWriteTokens = 0,
    cacheWrite1hTokens = 0,
  } = usage;
  const written = cacheWriteTokens + cacheWrite1hTokens;
  const output: Record<string, number> = {};
  if (usage.reasoningTokens !== undefined) output.reasoning_tokens = usage.reasoningTokens;
  if (usage.outputAudioTokens) output.audio_tokens = usage.outputAudioTokens;
  const input: Record<string, number | object> = { cached_tokens: cachedInputTokens };
  if (usage.inputAudioTokens) input.audio_tokens = usage.inputAudioTokens;
  const all: Record<string, unknown> = {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: input,
  };
  if (Object.keys(output).length) all.completion_tokens_details = output;
  if (written) {
    input.cache_write_tokens = written;
    input.cache_creation_tokens = written;
    input.cache_creation_token_details = {
      ephemeral_5m_input_tokens: cacheWriteTokens,
      ephemeral_1h_input_tokens: cacheWrite1hTokens,
    };
  }
  if (written || cachedInputTokens) {
    all.cache_creation_input_tokens = written;
    all.cache_read_input_tokens = cachedInputTokens;
  }
  if (usage.webSearches) all.server_tool_use = { web_search_requests: usage.webSearches };
  if (usage.serviceTier) all.service_tier = usage.serviceTier;
  return all;
}

interface ThinkingBlock {
  readonly type: 'thinking' | 'redacted_thinking';
  readonly thinking?: string;
  readonly signature?: string;
  readonly data?: string;
}

/** Returns a whole answer as a chat completion. */
export function wholeChat({ id, created, model, content, finish, usage }: TranslatedAnswer): object {
  let text = '';
  let reasoning = '';
  const blocks: ThinkingBlock[] = [];
  const calls: object[] = [];
  const annotations: object[] = [];
  for (const part of content)
    switch (part.type) {
      case 'text':
        text += part.text;
        break;
      case 'reasoning': {
        const data = redactedIn(part.providerMetadata);
        const signature = signatureIn(part.providerMetadata);
        reasoning += part.text;
        if (data !== undefined) blocks.push({ type: 'redacted_thinking', data });
        else if (signature !== undefined) blocks.push({ type: 'thinking', thinking: part.text, signature });
        break;
      }
      case 'tool-call':
        // A tool that the provider ran is not the client's to run.
        if (!part.providerExecuted)
          calls.push(toolCall(part.toolCallId, part.toolName, part.input, part.providerMetadata));
        break;
      case 'source':
        if (part.sourceType === 'url') annotations.push(citation(part.url, part.title));
        break;
      default:
        break;
    }
  const message: Record<string, unknown> = { role: 'assistant', content: text || (calls.length ? null : '') };
  if (reasoning) message.reasoning_content = reasoning;
  if (blocks.length) message.thinking_blocks = blocks;
  if (calls.length) message.tool_calls = calls;
  if (annotations.length) message.annotations = annotations;
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [{ index: 0, message, logprobs: null, ...finishOf(finish, calls.length > 0) }],
    ...(usage && { usage: chatUsage(usage) }),
  };
}

const citation = (url: string, title: string | undefined) => ({
  type: 'url_citation',
  url_citation: { url, title: title ?? url, start_index: 0, end_index: 0 },
});

function toolCall(
  id: string,
  name: string,
  args: string,
  metadata: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined,
): object {
  const thought = metadata?.google?.thoughtSignature;
  return {
    id,
    type: 'function',
    function: { name, arguments: args },
    ...(typeof thought === 'string' && { extra_content: { google: { thought_signature: thought } } }),
  };
}

function finishOf(finish: LanguageModelV3FinishReason, callsTools: boolean) {
  const { chat } = finishWords(finish, callsTools);
  return { finish_reason: chat, ...(finish.raw !== undefined && { native_finish_reason: finish.raw }) };
}

/** Writes the chunks of a streamed chat completion. */
export class ChatStreamWriter implements StreamWriter {
  /** The text of a chunk up to its delta. It is the same in all chunks. */
  private start: string | undefined;
  /** Index of each call of a tool, by its id. */
  private readonly calls = new Map<string, number>();
  private readonly withArguments = new Set<string>();

  constructor(private readonly stream: StreamFacts) {}

  write(part: LanguageModelV3StreamPart): string {
    switch (part.type) {
      case 'text-delta':
        return part.delta ? this.chunk(`{"content":${JSON.stringify(part.delta)}}`) : '';
      case 'reasoning-start': {
        const data = redactedIn(part.providerMetadata);
        return data === undefined ? '' : this.thinking('', { type: 'redacted_thinking', data });
      }
      case 'reasoning-delta':
      case 'reasoning-end':
        return this.reasoningDelta(part);
      case 'tool-input-start':
        return part.providerExecuted ? '' : this.toolStart(part.id, part.toolName);
      case 'tool-input-delta':
        return this.calls.has(part.id) && part.delta ? this.toolArguments(part.id, part.delta) : '';
      case 'tool-call':
        return part.providerExecuted ? '' : this.wholeToolCall(part);
      case 'source':
        return part.sourceType === 'url'
          ? this.chunk(`{"annotations":${JSON.stringify([citation(part.url, part.title)])}}`)
          : '';
      case 'finish':
        return this.chunk('{}', part.finishReason);
      default:
        return '';
    }
  }

  end(usage: Usage | undefined): string {
    const { includeUsage } = this.stream;
    const counts =
      usage && includeUsage ? `${this.head()}[],"usage":${JSON.stringify(chatUsage(usage))}}\n\n` : '';
    return `${counts}data: [DONE]\n\n`;
  }

  private head(): string {
    const { id, created, model } = this.stream.facts();
    return `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model }).slice(0, -1)},"choices":`;
  }

  /** Returns a chunk with this delta, as JSON. The first one is preceded by the role. */
  private chunk(delta: string, finish?: LanguageModelV3FinishReason): string {
    let first = '';
    if (this.start === undefined) {
      this.start = `${this.head()}[{"index":0,"delta":`;
      first = `${this.start}{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}\n\n`;
    }
    if (!finish) return `${first}${this.start}${delta},"logprobs":null,"finish_reason":null}]}\n\n`;
    const words = JSON.stringify(finishOf(finish, this.calls.size > 0)).slice(1, -1);
    return `${first}${this.start}${delta},"logprobs":null,${words}}]}\n\n`;
  }

  private thinking(text: string, block: ThinkingBlock): string {
    return this.chunk(JSON.stringify({ reasoning_content: text, thinking_blocks: [block] }));
  }

  private reasoningDelta(
    part: Extract<LanguageModelV3StreamPart, { type: 'reasoning-delta' | 'reasoning-end' }>,
  ): string {
    const text = part.type === 'reasoning-delta' ? part.delta : '';
    const signature = signatureIn(part.providerMetadata);
    if (!text && signature === undefined) return '';
    return this.thinking(text, {
      type: 'thinking',
      thinking: text,
      ...(signature !== undefined && { signature }),
    });
  }

  private toolStart(id: string, name: string): string {
    const index = this.calls.size;
    this.calls.set(id, index);
    return this.chunk(
      `{"tool_calls":[{"index":${index},"id":${JSON.stringify(id)},"type":"function","function":{"name":${JSON.stringify(name)},"arguments":""}}]}`,
    );
  }

  private toolArguments(id: string, text: string): string {
    this.withArguments.add(id);
    return this.chunk(
      `{"tool_calls":[{"index":${this.calls.get(id)},"function":{"arguments":${JSON.stringify(text)}}}]}`,
    );
  }

  /** Writes what the deltas of a call did not. A provider may send a call at once. */
  private wholeToolCall({
    toolCallId: id,
    toolName,
    input,
    providerMetadata,
  }: Extract<LanguageModelV3StreamPart, { type: 'tool-call' }>): string {
    const start = this.calls.has(id) ? '' : this.toolStart(id, toolName);
    const rest = !this.withArguments.has(id) && input ? this.toolArguments(id, input) : '';
    const thought = providerMetadata?.google?.thoughtSignature;
    const extra =
      typeof thought === 'string'
        ? this.chunk(
            JSON.stringify({
              tool_calls: [
                { index: this.calls.get(id), extra_content: { google: { thought_signature: thought } } },
              ],
            }),
          )
        : '';
    return start + rest + extra;
  }
}
