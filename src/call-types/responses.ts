import { MalformedBodyError, memberValue } from '../body/json-scanner.js';
import type { CallSize, Fee } from '../policy/bound.js';
import type { Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import {
  type CallType,
  type MockContent,
  type OutputLimits,
  type ResponseObject,
  wordsIn,
} from './call-type.js';
import { completionSize } from './completion-size.js';
import { RESPONSES_TOOLS, requestedTools, withFee } from './fees.js';
import type { ReadMember } from './read-members.js';
import { isObject, reportedUsage } from './reported-usage.js';
import { openaiErrorEvent, typedEvent, typedStream } from './typed-stream.js';

const OUTPUT_LIMITS: OutputLimits = [['max_output_tokens', 1]];
/** The event that reports a completed search. */
const SEARCH_COMPLETED = 'response.web_search_call.completed';
/** OpenAI refuses a lower limit. */
const LEAST_OUTPUT_TOKENS = 16;
/** Members that name context stored at the provider. Its tokens do not show in the bytes of the body. */
const STORED_CONTEXT_MEMBERS: readonly ReadMember[] = ['previous_response_id', 'conversation'];

/** Calls of OpenAI's Responses API. The gateway stores no responses, so it serves neither GET nor background responses. */
export const responses: CallType = {
  callType: 'responses',
  path: '/responses',
  metadata: 'texts',
  size: responsesSize,
  limitMember: () => 'max_output_tokens',
  usage: (response) => responseUsage(response),
  writtenParts: (response) => (Array.isArray(response?.output) ? response.output : []),
  stream: typedStream(
    ['response.completed', 'response.incomplete', 'response.failed', SEARCH_COMPLETED],
    ['response.output_text.done', 'response.content_part.done', 'response.output_item.done'],
    ({ type, response }, before) => {
      if (type === SEARCH_COMPLETED)
        return {
          usage: { inputTokens: 0, outputTokens: 0, webSearches: (before?.webSearches ?? 0) + 1 },
          usageIsPartial: true,
        };
      const usage = responseUsage(isObject(response) ? response : undefined);
      return { ends: true, ...(usage && { usage }), ...(type === 'response.failed' && { fails: true }) };
    },
    ['delta'],
    openaiErrorEvent,
  ),
  mock: { whole: mockedResponse, events: mockedEvents },
  webSearchCap: (bytes, members, most) => {
    const maxToolCalls = members.get('max_tool_calls');
    return maxToolCalls && memberValue(bytes, maxToolCalls) !== null
      ? undefined
      : ['max_tool_calls', String(most)];
  },
};

/** Returns a response's usage and how often the provider ran its tools. Pages that are only opened cost nothing. */
function responseUsage(response: ResponseObject): Usage | undefined {
  const usage = reportedUsage(response?.usage, response?.service_tier);
  if (!usage || !Array.isArray(response?.output)) return usage;
  let webSearches = 0;
  let fileSearches = 0;
  const containers = new Set<unknown>();
  for (const item of response.output as readonly unknown[]) {
    if (!isObject(item)) continue;
    if (isSearch(item)) webSearches++;
    else if (item.type === 'file_search_call') fileSearches++;
    else if (item.type === 'code_interpreter_call') containers.add(item.container_id);
  }
  return {
    ...usage,
    ...(webSearches && { webSearches }),
    ...(fileSearches && { fileSearches }),
    ...(containers.size && { codeInterpreterSessions: containers.size }),
  };
}

function isSearch(item: Readonly<Record<string, unknown>>): boolean {
  if (item.type !== 'web_search_call') return false;
  return !isObject(item.action) || (item.action.type ?? 'search') === 'search';
}

function mockedResponse(mock: MockContent) {
  const { inputTokens: input_tokens, outputTokens: output_tokens } = mock;
  return {
    id: mock.id,
    object: 'response',
    created_at: mock.created,
    status: 'completed',
    model: mock.model,
    output: [mockedMessage(mock, 'completed', mock.text)],
    usage: { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens },
  };
}

const mockedMessage = ({ id }: MockContent, status: string, text?: string) => ({
  id: `msg_${id}`,
  type: 'message',
  role: 'assistant',
  status,
  content: text === undefined ? [] : [{ type: 'output_text', text, annotations: [] }],
});

function* mockedEvents(mock: MockContent): Generator<string> {
  let sequence_number = 0;
  const event = (type: string, more: object) =>
    typedEvent({ type, sequence_number: sequence_number++, ...more });
  const item = { item_id: `msg_${mock.id}`, output_index: 0, content_index: 0 };
  const part = (text: string) => ({ ...item, part: { type: 'output_text', text, annotations: [] } });
  const response = mockedResponse(mock);
  yield event('response.created', {
    response: { ...response, status: 'in_progress', output: [], usage: null },
  });
  yield event('response.output_item.added', { output_index: 0, item: mockedMessage(mock, 'in_progress') });
  yield event('response.content_part.added', part(''));
  for (const delta of wordsIn(mock))
    yield event('response.output_text.delta', { ...item, delta, logprobs: [] });
  yield event('response.output_text.done', { ...item, text: mock.text, logprobs: [] });
  yield event('response.content_part.done', part(mock.text));
  yield event('response.output_item.done', { output_index: 0, item: response.output[0] });
  yield event('response.completed', { response });
}

function responsesSize(body: CallBody): CallSize {
  if (body.flag('background'))
    throw new MalformedBodyError(
      'Responses in the background are not served here: nobody would hear what they used.',
      'background',
    );
  const { images, ...size } = completionSize(body, OUTPUT_LIMITS, 1, requestedTools(body, RESPONSES_TOOLS));
  const hasStoredContext =
    STORED_CONTEXT_MEMBERS.some((name) => (body.value(name) ?? null) !== null) ||
    (body.mayContainId('input') && namesStoredItem(body.value('input')));
  return {
    ...size,
    copies: 1,
    leastOutputTokens: Math.max(LEAST_OUTPUT_TOKENS, size.leastOutputTokens ?? 0),
    hasMedia: size.hasMedia || hasStoredContext,
    ...(images && !hasStoredContext && { images }),
    // A stored prompt may contain tools.
    ...withFee(
      size.fee ?? (isObject(body.value('prompt')) ? STORED_PROMPT : compacts(body) ? COMPACTION : undefined),
    ),
  };
}

/** Members of items. An item with one of them is complete in the body. */
const FULL_ITEM_MEMBERS = [
  'content',
  'arguments',
  'output',
  'input',
  'action',
  'operation',
  'encrypted_content',
];
/** The same for reasoning items. */
const FULL_REASONING_MEMBERS = ['content', 'encrypted_content'];

/** Returns whether a list has an item that only names one stored at the provider. */
function namesStoredItem(input: unknown): boolean {
  if (!Array.isArray(input)) return false;
  return input.some(
    (item) =>
      isObject(item) &&
      isPresent(item.id) &&
      !(item.type === 'reasoning' ? FULL_REASONING_MEMBERS : FULL_ITEM_MEMBERS).some((name) =>
        isFilled(item[name]),
      ),
  );
}

const isPresent = (value: unknown) => value !== undefined && value !== null;

/** The fee of compaction: the provider rewrites the context, and its tokens have no limit. */
const COMPACTION: Fee = { what: "'context_management'", param: 'context_management' };
const compacts = (body: CallBody) =>
  body.has('context_management') && isFilled(body.value('context_management'));
const isFilled = (value: unknown) =>
  isPresent(value) && value !== '' && !(Array.isArray(value) && value.length === 0);

const STORED_PROMPT: Fee = { what: "the stored 'prompt'", param: 'prompt' };
