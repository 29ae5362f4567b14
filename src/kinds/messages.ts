import type { IncomingHttpHeaders } from 'node:http';
import type { CallSize } from '../policy/bound.js';
import { SERVICE_TIERS, type Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import { type CallKind, type Mocked, type OutputLimits, wordsOf } from './call-kind.js';
import { completionSize } from './completion-size.js';
import { isObject, part, tokens } from './reported-usage.js';
import { typedEvent, typedStream } from './typed-stream.js';

const OUTPUT_LIMITS: OutputLimits = [['max_tokens', 1]];

/** Tools of Anthropic's that the client runs: their instructions are tokens nobody sees, but no fees. */
const CLIENT_TOOL = /^(?:bash|text_editor|computer|memory)_\d+$/;
const OWN_TOOLS = new Set<string | undefined>([undefined, 'custom']);

/** Anthropic's Messages. */
export const messages: CallKind = {
  callType: 'anthropic_messages',
  path: '/messages',
  size: messagesSize,
  outputLimits: OUTPUT_LIMITS,
  outputLimitOf: () => 'max_tokens',
  passedHeaders: ['anthropic-version', 'anthropic-beta'],
  usage: (answer) => anthropicUsage(answer?.usage),
  made: (answer) => (Array.isArray(answer?.content) ? answer.content : []),
  stream: typedStream(
    ['message_start', 'message_delta', 'message_stop'],
    ({ type, message, usage }, before) => {
      if (type === 'message_stop') return { ends: true };
      const said = type === 'message_start' ? (message as { usage?: unknown } | undefined)?.usage : usage;
      const used = anthropicUsage(said, before);
      return used ? { usage: used, ...(type === 'message_start' && { usageIsPartial: true }) } : {};
    },
    ['text', 'thinking', 'partial_json'],
    (error) => typedEvent({ type: 'error', error }),
  ),
  mock: { whole: mockedMessage, events: mockedEvents },
};

function mockedMessage({ id, model, text, inputTokens, outputTokens }: Mocked) {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: inputTokens, output_tokens: outputTokens },
  };
}

function* mockedEvents(said: Mocked): Generator<string> {
  const { usage, ...message } = mockedMessage(said);
  const { stop_reason, stop_sequence } = message;
  const empty = { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } };
  yield typedEvent({ type: 'message_start', message: empty });
  yield typedEvent({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  for (const text of wordsOf(said))
    yield typedEvent({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });
  yield typedEvent({ type: 'content_block_stop', index: 0 });
  yield typedEvent({ type: 'message_delta', delta: { stop_reason, stop_sequence }, usage });
  yield typedEvent({ type: 'message_stop' });
}

/** What Anthropic tells a model that has tools: more than any model is documented with. */
const TOOL_PROMPT_TOKENS = 1_024;
const LONG_CONTEXT = /\bcontext-1m-/;
const LONG_CONTEXT_TOKENS = 1_000_000;

function messagesSize(body: CallBody, headers: IncomingHttpHeaders): CallSize {
  const size = completionSize(body, OUTPUT_LIMITS);
  const types = body.toolTypes.filter((type) => !OWN_TOOLS.has(type));
  return {
    ...size,
    copies: 1,
    ...(body.toolTypes.length > 0 && { hiddenTokens: TOOL_PROMPT_TOKENS }),
    ...(LONG_CONTEXT.test(String(headers['anthropic-beta'])) && { contextTokens: LONG_CONTEXT_TOKENS }),
    ...thoughtIn(body),
    hasMedia: size.hasMedia || types.length > 0,
    hasFees: types.some((type) => !CLIENT_TOOL.test(type!)) || costsMore(body),
  };
}

/** What is thought counts as answer, and its own limit must stay below the answer's. */
function thoughtIn(body: CallBody): { readonly leastOutputTokens?: number } {
  const thinking = body.value('thinking');
  const budget = isObject(thinking) ? tokens(thinking.budget_tokens) : undefined;
  return budget === undefined ? {} : { leastOutputTokens: budget + 1 };
}

/** What makes the provider run more than one answer, or charge more for it than any price here says. */
function costsMore(body: CallBody): boolean {
  const speed = body.value('speed') ?? 'standard';
  const where = body.value('inference_geo') ?? 'global';
  const edits = (body.value('context_management') as { edits?: unknown } | null | undefined)?.edits;
  return (
    speed !== 'standard' ||
    where !== 'global' ||
    (body.value('mcp_servers') ?? body.value('container') ?? null) !== null ||
    (Array.isArray(edits) &&
      edits.some((edit) => String((edit as { type?: unknown } | null)?.type).startsWith('compact')))
  );
}

/** Anthropic counts what came from its cache, or went there, apart from the rest of the prompt. `before`: what the same stream said. */
function anthropicUsage(usage: unknown, before?: Usage): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const count = (name: string) => tokens(usage[name]);
  const [plain, outputTokens] = [count('input_tokens'), count('output_tokens')];
  if (outputTokens === undefined || (plain === undefined && !before)) return undefined;
  const cachedInputTokens = count('cache_read_input_tokens') ?? 0;
  const written = count('cache_creation_input_tokens') ?? 0;
  const cacheWrite1hTokens = part(usage.cache_creation, written)('ephemeral_1h_input_tokens');
  const cacheWriteTokens = written - cacheWrite1hTokens;
  const serviceTier = SERVICE_TIERS.find((tier) => tier === usage.service_tier);
  const inputTokens = (plain ?? 0) + cachedInputTokens + written;
  // The end of a stream may say nothing of the prompt, or less than its start did.
  if (before && inputTokens < before.inputTokens) return { ...before, outputTokens };
  return {
    inputTokens,
    outputTokens,
    ...(cachedInputTokens && { cachedInputTokens }),
    ...(cacheWriteTokens && { cacheWriteTokens }),
    ...(cacheWrite1hTokens && { cacheWrite1hTokens }),
    ...(serviceTier && { serviceTier }),
  };
}
