import { answerId } from './answer-id.js';
import type { Usage } from '../policy/price.js';
import { type EventContent, type MockContent, type StreamFormat, wordsIn } from './call-type.js';
import { indexOfValue, quotedWord } from './json-string-search.js';
import { reportedUsage } from './reported-usage.js';

const DONE = Buffer.from('[DONE]');
const USAGE = quotedWord('usage');
const TEXT_MEMBERS = ['content', 'text', 'reasoning_content', 'reasoning', 'arguments', 'refusal'];
const FINISH_REASON = quotedWord('finish_reason');
const OBJECT = 0x7b;
const QUOTE = 0x22;

/** The stream format of completions: chunks, one of them with usage, then `[DONE]`. */
export const openaiStream: StreamFormat = {
  mayCarryUsage: (events) => events.includes(DONE) || mentionsUsage(events),
  read: (data) => (data.equals(DONE) ? ENDS : mentionsUsage(data) ? usageEvent(data) : NOTHING),
  hasFinalText: (events) => hasFinishReason(events),
  textMembers: TEXT_MEMBERS.map(quotedWord),
  failure: (error) => `data: ${JSON.stringify({ error })}\n\n`,
};

const ENDS: EventContent = { ends: true };
const NOTHING: EventContent = {};

/** Returns whether a `"usage"` is not null. If asked for usage, OpenAI adds `"usage":null` to every event. */
function mentionsUsage(bytes: Buffer): boolean {
  for (let at = indexOfValue(bytes, USAGE); at >= 0; at = indexOfValue(bytes, USAGE, at)) {
    if (bytes[at] === OBJECT) return true;
  }
  return false;
}

function hasFinishReason(bytes: Buffer): boolean {
  for (let at = indexOfValue(bytes, FINISH_REASON); at >= 0; at = indexOfValue(bytes, FINISH_REASON, at))
    if (bytes[at] === QUOTE) return true;
  return false;
}

function usageEvent(data: Buffer): EventContent {
  try {
    const event = JSON.parse(data.toString('utf8')) as Record<string, unknown>;
    const usage: Usage | undefined = reportedUsage(event.usage, event.service_tier);
    if (!usage) return NOTHING;
    const id = answerId(event);
    return Array.isArray(event.choices) && event.choices.length
      ? { usage, answerId: id }
      : { usage, answerId: id, onlyUsage: true };
  } catch {
    return NOTHING;
  }
}

export const openaiUsage = ({
  inputTokens,
  outputTokens,
}: Pick<MockContent, 'inputTokens' | 'outputTokens'>) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
});

/** Yields a mocked stream, one event per word. `choice`: returns the choice with a word, or without one for the last event. */
export function* mockedChunks(
  mock: MockContent,
  object: string,
  choice: (text: string | undefined) => object,
): Generator<string> {
  const { id, created, model } = mock;
  const event = (choices: object[], extra = {}) =>
    `data: ${JSON.stringify({ id, created, model, object, choices, ...extra })}\n\n`;
  for (const word of wordsIn(mock)) yield event([{ index: 0, ...choice(word), finish_reason: null }]);
  yield event([{ index: 0, ...choice(undefined), finish_reason: 'stop' }]);
  yield event([], { usage: openaiUsage(mock) });
  yield 'data: [DONE]\n\n';
}
