import type { Usage } from '../policy/price.js';
import { type EventContent, type Mocked, type StreamFormat, wordsOf } from './call-type.js';
import { indexOfValue, quotedWord } from './json-string-search.js';
import { reportedUsage } from './reported-usage.js';

const DONE = Buffer.from('[DONE]');
const USAGE = quotedWord('usage');
const TEXT_MEMBERS = ['content', 'text', 'reasoning_content', 'reasoning', 'arguments', 'refusal'];
const FINISH_REASON = quotedWord('finish_reason');
const OBJECT = 0x7b;
const QUOTE = 0x22;

/** Chunks of a completion, one of them with the usage, and `[DONE]`. */
export const openaiStream: StreamFormat = {
  mayCarryUsage: (events) => events.includes(DONE) || mentionsUsage(events),
  read: (data) => (data.equals(DONE) ? ENDS : mentionsUsage(data) ? usageEvent(data) : NOTHING),
  saysLastWord: (events) => hasFinishReason(events),
  textMembers: TEXT_MEMBERS.map(quotedWord),
  failure: (error) => `data: ${JSON.stringify({ error })}\n\n`,
};

const ENDS: EventContent = { ends: true };
const NOTHING: EventContent = {};

/** Is there a `"usage"` that is not null? (Asked for usage, OpenAI adds `"usage":null` to every event.) */
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
    const { usage, choices, service_tier } = JSON.parse(data.toString('utf8')) as Record<string, unknown>;
    const used: Usage | undefined = reportedUsage(usage, service_tier);
    if (!used) return NOTHING;
    return Array.isArray(choices) && choices.length ? { usage: used } : { usage: used, onlyUsage: true };
  } catch {
    return NOTHING;
  }
}

export const openaiUsage = ({ inputTokens, outputTokens }: Pick<Mocked, 'inputTokens' | 'outputTokens'>) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
});

/** A mocked answer word by word. `choice`: how one carries its text; undefined: the end. */
export function* mockedChunks(
  said: Mocked,
  object: string,
  choice: (text: string | undefined) => object,
): Generator<string> {
  const { id, created, model } = said;
  const event = (choices: object[], extra = {}) =>
    `data: ${JSON.stringify({ id, created, model, object, choices, ...extra })}\n\n`;
  for (const word of wordsOf(said)) yield event([{ index: 0, ...choice(word), finish_reason: null }]);
  yield event([{ index: 0, ...choice(undefined), finish_reason: 'stop' }]);
  yield event([], { usage: openaiUsage(said) });
  yield 'data: [DONE]\n\n';
}
