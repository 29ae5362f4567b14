import { MalformedBodyError, memberValue } from '../body/json-scanner.js';
import type { CallSize, Fee } from '../policy/bound.js';
import type { Usage } from '../policy/price.js';
import type { CallBody } from './call-body.js';
import { type CallType, type Mocked, type OutputLimits, type MockAnswer, wordsOf } from './call-type.js';
import { completionSize } from './completion-size.js';
import { DEFAULT_WEB_SEARCHES, RESPONSES_TOOLS, toolsAsked, withFee } from './fees.js';
import type { ReadMember } from './read-members.js';
import { isObject, reportedUsage } from './reported-usage.js';
import { openaiErrorEvent, typedEvent, typedStream } from './typed-stream.js';

const OUTPUT_LIMITS: OutputLimits = [['max_output_tokens', 1]];
/** The event that tells of a search that was made. */
const SEARCHED = 'response.web_search_call.completed';
/** OpenAI refuses a lower limit. */
const LEAST_OUTPUT_TOKENS = 16;
/** What the provider holds and puts before the prompt: its tokens do not show in the bytes. */
const HELD_BY_PROVIDER: readonly ReadMember[] = ['previous_response_id', 'conversation'];

/** OpenAI's Responses. Answers are not kept here: there is no GET of one, and none that is made in the background. */
export const responses: CallType = {
  callType: 'responses',
  path: '/responses',
  size: responsesSize,
  limitMember: () => 'max_output_tokens',
  usage: (answer) => responseUsage(answer),
  made: (answer) => (Array.isArray(answer?.output) ? answer.output : []),
  stream: typedStream(
    ['response.completed', 'response.incomplete', 'response.failed', SEARCHED],
    ['response.output_text.done', 'response.content_part.done', 'response.output_item.done'],
    ({ type, response }, before) => {
      if (type === SEARCHED)
        return {
          usage: { inputTokens: 0, outputTokens: 0, webSearches: (before?.webSearches ?? 0) + 1 },
          usageIsPartial: true,
        };
      const used = responseUsage(isObject(response) ? response : undefined);
      return used ? { usage: used, ends: true } : { ends: true };
    },
    ['delta'],
    openaiErrorEvent,
  ),
  mock: { whole: mockedResponse, events: mockedEvents },
  webSearchCap: (bytes, members) => {
    const named = members.get('max_tool_calls');
    return named && memberValue(bytes, named) !== null
      ? undefined
      : ['max_tool_calls', String(DEFAULT_WEB_SEARCHES)];
  },
};

/** An answer's usage, and the searches among what it did: of pages that are only opened nothing is charged. */
function responseUsage(answer: MockAnswer): Usage | undefined {
  const used = reportedUsage(answer?.usage, answer?.service_tier);
  const webSearches = Array.isArray(answer?.output) ? answer.output.filter(isSearch).length : 0;
  return used && webSearches ? { ...used, webSearches } : used;
}

function isSearch(item: unknown): boolean {
  if (!isObject(item) || item.type !== 'web_search_call') return false;
  return !isObject(item.action) || (item.action.type ?? 'search') === 'search';
}

function mockedResponse(said: Mocked) {
  const { inputTokens: input_tokens, outputTokens: output_tokens } = said;
  return {
    id: said.id,
    object: 'response',
    created_at: said.created,
    status: 'completed',
    model: said.model,
    output: [mockedMessage(said, 'completed', said.text)],
    usage: { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens },
  };
}

const mockedMessage = ({ id }: Mocked, status: string, text?: string) => ({
  id: `msg_${id}`,
  type: 'message',
  role: 'assistant',
  status,
  content: text === undefined ? [] : [{ type: 'output_text', text, annotations: [] }],
});

function* mockedEvents(said: Mocked): Generator<string> {
  let sequence_number = 0;
  const event = (type: string, more: object) =>
    typedEvent({ type, sequence_number: sequence_number++, ...more });
  const item = { item_id: `msg_${said.id}`, output_index: 0, content_index: 0 };
  const part = (text: string) => ({ ...item, part: { type: 'output_text', text, annotations: [] } });
  const response = mockedResponse(said);
  yield event('response.created', {
    response: { ...response, status: 'in_progress', output: [], usage: null },
  });
  yield event('response.output_item.added', { output_index: 0, item: mockedMessage(said, 'in_progress') });
  yield event('response.content_part.added', part(''));
  for (const delta of wordsOf(said))
    yield event('response.output_text.delta', { ...item, delta, logprobs: [] });
  yield event('response.output_text.done', { ...item, text: said.text, logprobs: [] });
  yield event('response.content_part.done', part(said.text));
  yield event('response.output_item.done', { output_index: 0, item: response.output[0] });
  yield event('response.completed', { response });
}

function responsesSize(body: CallBody): CallSize {
  if (body.flag('background'))
    throw new MalformedBodyError(
      'Responses in the background are not served here: nobody would hear what they used.',
      'background',
    );
  const { images, ...size } = completionSize(body, OUTPUT_LIMITS, 1, toolsAsked(body, RESPONSES_TOOLS));
  const isHeld =
    HELD_BY_PROVIDER.some((name) => (body.value(name) ?? null) !== null) ||
    (body.mentionsId('input') && namesStoredItem(body.value('input')));
  return {
    ...size,
    copies: 1,
    leastOutputTokens: Math.max(LEAST_OUTPUT_TOKENS, size.leastOutputTokens ?? 0),
    hasMedia: size.hasMedia || isHeld,
    ...(images && !isHeld && { images }),
    // A stored prompt may bring tools of its own.
    ...withFee(
      size.fee ?? (isObject(body.value('prompt')) ? STORED_PROMPT : compacts(body) ? COMPACTION : undefined),
    ),
  };
}

/** Members one of which an item has that the body itself says in full … */
const SAID_IN_FULL = ['content', 'arguments', 'output', 'input', 'action', 'operation', 'encrypted_content'];
/** … and thoughts have. */
const THOUGHT_IN_FULL = ['content', 'encrypted_content'];

/** Does a list of items name one that the provider keeps, by its id alone? */
function namesStoredItem(input: unknown): boolean {
  if (!Array.isArray(input)) return false;
  return input.some(
    (item) =>
      isObject(item) &&
      isGiven(item.id) &&
      !(item.type === 'reasoning' ? THOUGHT_IN_FULL : SAID_IN_FULL).some((name) => isFilled(item[name])),
  );
}

const isGiven = (value: unknown) => value !== undefined && value !== null;

/** A context that the provider itself writes anew, for tokens nobody limits. */
const COMPACTION: Fee = { what: "'context_management'", param: 'context_management' };
const compacts = (body: CallBody) =>
  body.has('context_management') && isFilled(body.value('context_management'));
const isFilled = (value: unknown) =>
  isGiven(value) && value !== '' && !(Array.isArray(value) && value.length === 0);

const STORED_PROMPT: Fee = { what: "the stored 'prompt'", param: 'prompt' };
