import type { IncomingHttpHeaders } from 'node:http';
import { MalformedBodyError, objectsIn, type ScannedObject } from '../body/json-scanner.js';
import { anthropicErrorType } from '../http/anthropic-error.js';
import type { CallSize, Fee } from '../policy/bound.js';
import { serviceTierOf, type Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import {
  type CallType,
  type MockContent,
  type OutputLimits,
  type StreamError,
  wordsIn,
} from './call-type.js';
import { completionSize } from './completion-size.js';
import {
  isUntypedFunction,
  namesProviderTool,
  type Tool,
  type ToolRules,
  requestedTools,
  withFee,
} from './fees.js';
import type { ReadMember } from './read-members.js';
import { countOf, isObject, reportedCount, writtenTokens } from './reported-usage.js';
import { unreadCounts } from './unread-counts.js';
import { typedEvent, typedStream } from './typed-stream.js';

const OUTPUT_LIMITS: OutputLimits = [['max_tokens', 1]];

/** Anthropic's tools that the client runs. They cost no fee, but their instructions are tokens that the body does not show. */
const CLIENT_TOOL = /^(?:bash|text_editor|computer|memory)_\d+$/;
/** A tool that the provider runs without a fee, because it only chooses among the tools of the body. */
const TOOL_SEARCH = /^tool_search_tool_(?:regex|bm25)(?:_\d+)?$/;
const OWN_TOOLS = new Set<string | undefined>(['custom', 'function']);

/** Calls of Anthropic's Messages API. */
export const messages: CallType = {
  callType: 'anthropic_messages',
  path: '/messages',
  metadata: 'user_id',
  size: messagesSize,
  limitMember: () => 'max_tokens',
  forwardedHeaders: ['anthropic-version', 'anthropic-beta'],
  hasRequestIdHeader: true,
  usage: (response) => anthropicUsage(response?.usage),
  writtenParts: (response) => (Array.isArray(response?.content) ? response.content : []),
  stream: typedStream(
    ['message_start', 'message_delta', 'message_stop'],
    ['content_block_stop'],
    ({ type, message, usage }, before) => {
      if (type === 'message_stop') return { ends: true };
      const reported = type === 'message_start' ? (message as { usage?: unknown } | undefined)?.usage : usage;
      const total = anthropicUsage(reported, before);
      return total ? { usage: total, ...(type === 'message_start' && { usageIsPartial: true }) } : {};
    },
    ['text', 'thinking', 'partial_json'],
    (error) => typedEvent({ type: 'error', error: anthropicStreamError(error) }),
  ),
  mock: { whole: mockedMessage, events: mockedEvents },
  webSearchCap: cappedTools,
};

/** Returns an error for the middle of a stream, where Anthropic's clients read nothing but its type. */
function anthropicStreamError({ type, ...error }: StreamError) {
  const shown = anthropicErrorType({ status: Number(error.code), type, isFinal: false });
  return { ...error, type: shown, details: { type } };
}

function mockedMessage({ id, model, text, inputTokens, outputTokens }: MockContent) {
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

function* mockedEvents(mock: MockContent): Generator<string> {
  const { usage, ...message } = mockedMessage(mock);
  const { stop_reason, stop_sequence } = message;
  const empty = { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } };
  yield typedEvent({ type: 'message_start', message: empty });
  yield typedEvent({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  for (const text of wordsIn(mock))
    yield typedEvent({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });
  yield typedEvent({ type: 'content_block_stop', index: 0 });
  yield typedEvent({ type: 'message_delta', delta: { stop_reason, stop_sequence }, usage });
  yield typedEvent({ type: 'message_stop' });
}

/** Maximum tokens of Anthropic's instructions to a model with tools. It exceeds all documented figures. */
export const TOOL_PROMPT_TOKENS = 1_024;
const LONG_CONTEXT = /\bcontext-1m-/;
const LONG_CONTEXT_TOKENS = 1_000_000;
/** With interleaved thinking the reasoning limit covers a whole turn, so it may exceed the output limit. */
const INTERLEAVED_THINKING = /\binterleaved-thinking-/;

function messagesSize(body: CallBody, headers: IncomingHttpHeaders): CallSize {
  const tools = requestedTools(body, TOOLS);
  const beta = `${String(headers['anthropic-beta'])},${String(body.value('anthropic_beta') ?? '')}`;
  const { leastOutputTokens, images, ...size } = completionSize(body, OUTPUT_LIMITS, 1, tools);
  const hasClientTool = tools.types.some((type) => CLIENT_TOOL.test(type ?? ''));
  return {
    ...size,
    copies: 1,
    ...(tools.count > 0 && { hiddenTokens: TOOL_PROMPT_TOKENS }),
    ...(LONG_CONTEXT.test(beta) && { contextTokens: LONG_CONTEXT_TOKENS }),
    ...(leastOutputTokens !== undefined && !INTERLEAVED_THINKING.test(beta) && { leastOutputTokens }),
    hasMedia: size.hasMedia || hasClientTool,
    ...(images && !hasClientTool && { images }),
    ...withFee(size.fee ?? surchargeIn(body)),
  };
}

const WEB_SEARCH = /^web_search_\d+$/;
const MAX_USES = 1_000;

const TOOLS: ToolRules = {
  isFree: (tool) => isOwnTool(tool) || CLIENT_TOOL.test(tool.type ?? '') || TOOL_SEARCH.test(tool.type ?? ''),
  searchesWeb: ({ type = '' }) => WEB_SEARCH.test(type),
  searchLimits: (searching) => searching.map(maxUsesOf),
};

const isOwnTool = (tool: Tool): boolean =>
  isUntypedFunction(tool) || (OWN_TOOLS.has(tool.type) && !namesProviderTool(tool));

/** Returns how often a tool may be used, undefined if the client does not say. Throws a `MalformedBodyError` if its `max_uses` is no valid number. */
function maxUsesOf(tool: Tool): number | undefined {
  if (!('max_uses' in tool)) return undefined;
  const { max_uses: uses } = tool;
  if (typeof uses !== 'number' || !Number.isInteger(uses) || uses < 1 || uses > MAX_USES)
    throw new MalformedBodyError(
      `The max_uses of a tool must be a whole number between 1 and ${MAX_USES}.`,
      'tools',
    );
  return uses;
}

/** Returns the tools of a body, with `max_uses` added to each search tool without it. All other bytes stay the same. */
function cappedTools(
  bytes: Buffer,
  members: ScannedObject['members'],
  most: number,
): readonly ['tools', string] | undefined {
  const tools = members.get('tools')!;
  const cap = `"max_uses":${most},`;
  let text = '';
  let from = tools.valueStart;
  for (const start of objectsIn(bytes, tools)) {
    const tool = JSON.parse(bytes.toString('utf8', start.valueStart, start.valueEnd)) as Tool;
    if (!WEB_SEARCH.test(tool.type ?? '') || 'max_uses' in tool) continue;
    text += bytes.toString('utf8', from, start.valueStart + 1) + cap;
    from = start.valueStart + 1;
  }
  return text ? ['tools', text + bytes.toString('utf8', from, tools.valueEnd)] : undefined;
}

/** Returns whether a context edit only removes parts of the prompt. */
const isHarmlessEdit = (edit: unknown): boolean =>
  isObject(edit) && typeof edit.type === 'string' && edit.type.startsWith('clear_');

/** Returns the first member that makes the provider charge more than the known prices. */
export function surchargeIn(body: CallBody): Fee | undefined {
  const isSet = (name: ReadMember, standard?: string) =>
    (body.value(name) ?? standard ?? null) !== (standard ?? null);
  const edits = (body.value('context_management') as { edits?: unknown } | null | undefined)?.edits;
  const compacts = Array.isArray(edits) && edits.some((edit) => !isHarmlessEdit(edit));
  const param = isSet('speed', 'standard')
    ? 'speed'
    : isSet('inference_geo', 'global')
      ? 'inference_geo'
      : (['mcp_servers', 'container'] as const).find((name) => isSet(name));
  const surcharge = param ?? (compacts ? 'context_management' : undefined);
  return surcharge && { what: `'${surcharge}'`, param: surcharge };
}

/**
 * Returns the usage in Anthropic's format, which counts cached tokens apart from the rest of the prompt. `before`: usage that
 * the same stream reported earlier.
 */
function anthropicUsage(usage: unknown, before?: Usage): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const [plain, output] = [reportedCount(usage.input_tokens), reportedCount(usage.output_tokens)];
  if (output === undefined || (plain === undefined && !before)) return undefined;
  const answer = iteration(usage);
  const hidden = Array.isArray(usage.iterations) ? hiddenIterations(usage.iterations, answer) : [];
  const sum = (name: keyof Iteration) => hidden.reduce((total, one) => total + one[name], answer[name]);
  const [cachedInputTokens, cacheWriteTokens, cacheWrite1hTokens] = [
    sum('read'),
    sum('written'),
    sum('written1h'),
  ];
  const serviceTier = serviceTierOf(usage.service_tier);
  const webSearches = isObject(usage.server_tool_use)
    ? countOf(usage.server_tool_use, 'web_search_requests')
    : (before?.webSearches ?? 0);
  const outputTokens = sum('output');
  const inputTokens = sum('plain') + cachedInputTokens + cacheWriteTokens + cacheWrite1hTokens;
  // The end of a stream may report no prompt tokens, or fewer than its start.
  if (before && inputTokens < before.inputTokens)
    return { ...before, outputTokens, ...(webSearches && { webSearches }) };
  const unread = unreadCounts(usage);
  const multipliers = [usage.inference_geo, usage.speed].flatMap((name) => dearerCircumstance(name) ?? []);
  return {
    inputTokens,
    outputTokens,
    ...(cachedInputTokens && { cachedInputTokens }),
    ...(cacheWriteTokens && { cacheWriteTokens }),
    ...(cacheWrite1hTokens && { cacheWrite1hTokens }),
    ...(serviceTier && { serviceTier }),
    ...(webSearches && { webSearches }),
    ...(multipliers.length && { multipliers }),
    ...(unread && { unreadCounts: unread }),
  };
}

/** Places and speeds of a call at the list price. */
const USUAL: ReadonlySet<string> = new Set(['global', 'not_available', 'standard']);
const WORD = /^[a-z][a-z_-]{0,31}$/;

/** Returns the name of a circumstance that may multiply the price, such as `us` or `fast`. */
function dearerCircumstance(name: unknown): string | undefined {
  const word = typeof name === 'string' ? name.toLowerCase() : '';
  return WORD.test(word) && !USUAL.has(word) ? word : undefined;
}

/** Disjoint counts of one run of the model within a call. */
type Iteration = Readonly<Record<'plain' | 'read' | 'written' | 'written1h' | 'output', number>>;

function iteration(counts: unknown): Iteration {
  const written = isObject(counts) ? writtenTokens(counts) : 0;
  const written1h = isObject(counts)
    ? Math.min(countOf(counts.cache_creation, 'ephemeral_1h_input_tokens'), written)
    : 0;
  return {
    plain: countOf(counts, 'input_tokens'),
    read: countOf(counts, 'cache_read_input_tokens'),
    written: written - written1h,
    written1h,
    output: countOf(counts, 'output_tokens'),
  };
}

/**
 * Returns the runs that the totals leave out: compactions, and whatever else writes no message. None if the totals contain
 * all runs.
 */
function hiddenIterations(iterations: readonly unknown[], answer: Iteration): readonly Iteration[] {
  const hidden = iterations.filter((one) => isObject(one) && one.type !== 'message').map(iteration);
  if (!hidden.length) return hidden;
  const whole = iterations.map(iteration);
  const contains = (name: keyof Iteration) =>
    answer[name] >= whole.reduce((total, one) => total + one[name], 0);
  return contains('output') && contains('plain') ? [] : hidden;
}
