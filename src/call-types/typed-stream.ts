import type { Usage } from '../policy/price.js';
import { answerId } from './answer-id.js';
import type { EventContent, StreamFormat } from './call-type.js';
import { indexOfWord, quotedWord } from './json-string-search.js';

/** An event whose data has its `type`. */
type TypedEvent = Readonly<Record<string, unknown>> & { readonly type: string };

const NOTHING: EventContent = {};

/**
 * Returns the format of a stream whose events have types. `parsedTypes`: the types that are parsed. `finalTypes`: the types
 * after which the stream has no more text.
 */
export function typedStream(
  parsedTypes: readonly string[],
  finalTypes: readonly string[],
  read: (event: TypedEvent, before: Usage | undefined) => EventContent,
  textMembers: readonly string[],
  failure: StreamFormat['failure'],
): StreamFormat {
  const parsedWords = parsedTypes.map(quotedWord);
  const finalWords = finalTypes.map(quotedWord);
  const mayCarryUsage = (events: Buffer) => parsedWords.some((word) => indexOfWord(events, word) >= 0);
  return {
    mayCarryUsage,
    hasFinalText: (events) => finalWords.some((word) => indexOfWord(events, word) >= 0),
    read: (data, before) => {
      if (!mayCarryUsage(data)) return NOTHING;
      try {
        const event = JSON.parse(data.toString('utf8')) as TypedEvent;
        if (!parsedTypes.includes(event.type)) return NOTHING;
        const id = answerId(event);
        const content = read(event, before);
        return id === undefined ? content : { ...content, answerId: id };
      } catch {
        return NOTHING;
      }
    },
    textMembers: textMembers.map(quotedWord),
    failure,
  };
}

/** Returns the text of one event. */
export const typedEvent = (event: TypedEvent) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Returns the error event of OpenAI's typed streams. */
export const openaiErrorEvent: StreamFormat['failure'] = ({ message, code, param }) =>
  typedEvent({ type: 'error', code, message, param });
