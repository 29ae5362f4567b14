import type { LanguageModelV3FinishReason } from '@ai-sdk/provider';

/** Why an answer ended, in the words of both clients' APIs. */
interface FinishWords {
  readonly chat: 'stop' | 'length' | 'tool_calls' | 'content_filter';
  readonly messages: 'end_turn' | 'max_tokens' | 'tool_use' | 'stop_sequence' | 'refusal' | 'pause_turn' | 'model_context_window_exceeded'; // prettier-ignore
}

const words = (chat: FinishWords['chat'], messages: FinishWords['messages']): FinishWords => ({
  chat,
  messages,
});

const STOP = words('stop', 'end_turn');
const LENGTH = words('length', 'max_tokens');
const TOOLS = words('tool_calls', 'tool_use');
const FILTER = words('content_filter', 'refusal');

/** The words of providers, in lower case. A word that is in no row counts as the AI SDK reads it, and never as a plain stop. */
const BY_WORD: Readonly<Record<string, FinishWords>> = {
  // Anthropic and Bedrock
  end_turn: STOP,
  stop_sequence: words('stop', 'stop_sequence'),
  max_tokens: LENGTH,
  tool_use: TOOLS,
  refusal: FILTER,
  // The answer goes on in a further call.
  pause_turn: words('length', 'pause_turn'),
  model_context_window_exceeded: words('length', 'model_context_window_exceeded'),
  compaction: words('length', 'pause_turn'),
  guardrail_intervened: FILTER,
  content_filtered: FILTER,
  malformed_model_output: FILTER,
  malformed_tool_use: FILTER,
  // OpenAI and providers with its API
  stop: STOP,
  length: LENGTH,
  tool_calls: TOOLS,
  function_call: TOOLS,
  content_filter: FILTER,
  model_length: LENGTH,
  insufficient_system_resource: LENGTH,
  error: FILTER,
  eos: STOP,
  eos_token: STOP,
  // Google
  safety: FILTER,
  recitation: FILTER,
  language: FILTER,
  blocklist: FILTER,
  prohibited_content: FILTER,
  spii: FILTER,
  image_safety: FILTER,
  malformed_function_call: FILTER,
  unexpected_tool_call: FILTER,
  too_many_tool_calls: LENGTH,
  // Cohere
  complete: STOP,
  tool_call: TOOLS,
  timeout: LENGTH,
  error_toxic: FILTER,
  error_limit: LENGTH,
};

const BY_UNIFIED: Readonly<Record<LanguageModelV3FinishReason['unified'], FinishWords>> = {
  stop: FILTER,
  length: LENGTH,
  'content-filter': FILTER,
  'tool-calls': TOOLS,
  error: FILTER,
  other: FILTER,
};

/** Returns the words of both clients' APIs for the end of an answer. `callsTools`: the answer has calls of the client's tools. */
export function finishWords({ unified, raw }: LanguageModelV3FinishReason, callsTools: boolean): FinishWords {
  const word = raw?.toLowerCase();
  const found = word !== undefined && Object.hasOwn(BY_WORD, word) ? BY_WORD[word]! : undefined;
  // A result that the provider forced as a tool is the text of the answer.
  if (found === TOOLS && !callsTools) return unified === 'stop' ? STOP : TOOLS;
  if (found === STOP && callsTools) return TOOLS;
  return (
    found ?? (raw === undefined && unified === 'stop' ? (callsTools ? TOOLS : STOP) : BY_UNIFIED[unified])
  );
}
