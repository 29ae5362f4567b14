import type { IncomingHttpHeaders } from 'node:http';
import { MalformedBodyError, objectsIn, type ScannedObject } from '../body/json-scanner.js';
import type { CallSize, Fee } from '../policy/bound.js';
import { SERVICE_TIERS, type Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import { type CallType, type Mocked, type OutputLimits, wordsOf } from './call-type.js';
import { completionSize } from './completion-size.js';
import {
  DEFAULT_WEB_SEARCHES,
  isUntypedFunction,
  namesProviderTool,
  type Tool,
  type ToolRules,
  toolsAsked,
  withFee,
} from './fees.js';
import type { ReadMember } from './read-members.js';
import { isObject, part, tokens } from './reported-usage.js';
import { typedEvent, typedStream } from './typed-stream.js';

const OUTPUT_LIMITS: OutputLimits = [['max_tokens', 1]];

/** Tools of Anthropic's that the client runs: their instructions are tokens nobody sees, but no fees. */
const CLIENT_TOOL = /^(?:bash|text_editor|computer|memory)_\d+$/;
/** The provider's, but without a fee: it only chooses among the tools of the body. */
const TOOL_SEARCH = /^tool_search_tool_(?:regex|bm25)(?:_\d+)?$/;
const OWN_TOOLS = new Set<string | undefined>(['custom', 'function']);

/** Anthropic's Messages. */
export const messages: CallType = {
  callType: 'anthropic_messages',
  path: '/messages',
  size: messagesSize,
  limitMember: () => 'max_tokens',
  passedHeaders: ['anthropic-version', 'anthropic-beta'],
  usage: (answer) => anthropicUsage(answer?.usage),
  made: (answer) => (Array.isArray(answer?.content) ? answer.content : []),
  stream: typedStream(
    ['message_start', 'message_delta', 'message_stop'],
    ['content_block_stop'],
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
  webSearchCap: cappedTools,
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
/** Thoughts between calls of tools are limited over a whole turn: that may be more than one answer is. */
const THOUGHTS_BETWEEN = /\binterleaved-thinking-/;

function messagesSize(body: CallBody, headers: IncomingHttpHeaders): CallSize {
  const tools = toolsAsked(body, TOOLS);
  const beta = String(headers['anthropic-beta']);
  const { leastOutputTokens, images, ...size } = completionSize(body, OUTPUT_LIMITS, 1, tools);
  const hasClientTool = tools.types.some((type) => CLIENT_TOOL.test(type ?? ''));
  return {
    ...size,
    copies: 1,
    ...(tools.count > 0 && { hiddenTokens: TOOL_PROMPT_TOKENS }),
    ...(LONG_CONTEXT.test(beta) && { contextTokens: LONG_CONTEXT_TOKENS }),
    ...(leastOutputTokens !== undefined && !THOUGHTS_BETWEEN.test(beta) && { leastOutputTokens }),
    hasMedia: size.hasMedia || hasClientTool,
    ...(images && !hasClientTool && { images }),
    ...withFee(size.fee ?? dearerIn(body)),
  };
}

const WEB_SEARCH = /^web_search_\d+$/;
const MAX_USES = 1_000;

const TOOLS: ToolRules = {
  isFree: (tool) => isOwnTool(tool) || CLIENT_TOOL.test(tool.type ?? '') || TOOL_SEARCH.test(tool.type ?? ''),
  searchesWeb: ({ type = '' }) => WEB_SEARCH.test(type),
  mostSearches: (searching) => searching.reduce((sum, tool) => sum + mostUses(tool), 0),
};

const isOwnTool = (tool: Tool): boolean =>
  isUntypedFunction(tool) || (OWN_TOOLS.has(tool.type) && !namesProviderTool(tool));

/** How often a tool may be used. Throws a `MalformedBodyError` where what it says of that is no number. */
function mostUses(tool: Tool): number {
  if (!('max_uses' in tool)) return DEFAULT_WEB_SEARCHES;
  const { max_uses: uses } = tool;
  if (typeof uses !== 'number' || !Number.isInteger(uses) || uses < 1 || uses > MAX_USES)
    throw new MalformedBodyError(
      `The max_uses of a tool must be a whole number between 1 and ${MAX_USES}.`,
      'tools',
    );
  return uses;
}

/** The tools of a body, each that searches and says nothing of how often with a limit; every other byte as it is. */
function cappedTools(
  bytes: Buffer,
  members: ScannedObject['members'],
): readonly ['tools', string] | undefined {
  const tools = members.get('tools')!;
  const cap = `"max_uses":${DEFAULT_WEB_SEARCHES},`;
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

/** Edits that only take something away from the prompt. */
const isHarmlessEdit = (edit: unknown): boolean =>
  isObject(edit) && typeof edit.type === 'string' && edit.type.startsWith('clear_');

/** What makes the provider run more than one answer, or charge more for it than any price here says. */
function dearerIn(body: CallBody): Fee | undefined {
  const asked = (name: ReadMember, plain?: string) => (body.value(name) ?? plain ?? null) !== (plain ?? null);
  const edits = (body.value('context_management') as { edits?: unknown } | null | undefined)?.edits;
  const compacts = Array.isArray(edits) && edits.some((edit) => !isHarmlessEdit(edit));
  const param = asked('speed', 'standard')
    ? 'speed'
    : asked('inference_geo', 'global')
      ? 'inference_geo'
      : (['mcp_servers', 'container'] as const).find((name) => asked(name));
  const dearer = param ?? (compacts ? 'context_management' : undefined);
  return dearer && { what: `'${dearer}'`, param: dearer };
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
  const webSearches = isObject(usage.server_tool_use)
    ? (tokens(usage.server_tool_use.web_search_requests) ?? 0)
    : (before?.webSearches ?? 0);
  const inputTokens = (plain ?? 0) + cachedInputTokens + written;
  // The end of a stream may say nothing of the prompt, or less than its start did.
  if (before && inputTokens < before.inputTokens)
    return { ...before, outputTokens, ...(webSearches && { webSearches }) };
  return {
    inputTokens,
    outputTokens,
    ...(cachedInputTokens && { cachedInputTokens }),
    ...(cacheWriteTokens && { cacheWriteTokens }),
    ...(cacheWrite1hTokens && { cacheWrite1hTokens }),
    ...(serviceTier && { serviceTier }),
    ...(webSearches && { webSearches }),
  };
}
