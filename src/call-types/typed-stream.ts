import type { Usage } from '../policy/price.js';
import type { EventContent, StreamFormat } from './call-type.js';
import { indexOfWord, quotedWord } from './json-string-search.js';

/** An event as these APIs write them: its data says its `type`. */
type TypedEvent = Readonly<Record<string, unknown>> & { readonly type: string };

const NOTHING: EventContent = {};

/** A stream whose events have types; only those of `telling` types are parsed. `lastWords`: those after which nothing is written. */
export function typedStream(
  telling: readonly string[],
  lastWords: readonly string[],
  read: (event: TypedEvent, before: Usage | undefined) => EventContent,
  textMembers: readonly string[],
  failure: StreamFormat['failure'],
): StreamFormat {
  const words = telling.map(quotedWord);
  const last = lastWords.map(quotedWord);
  const mayTell = (events: Buffer) => words.some((word) => indexOfWord(events, word) >= 0);
  return {
    mayCarryUsage: mayTell,
    saysLastWord: (events) => last.some((word) => indexOfWord(events, word) >= 0),
    read: (data, before) => {
      if (!mayTell(data)) return NOTHING;
      try {
        const event = JSON.parse(data.toString('utf8')) as TypedEvent;
        return telling.includes(event.type) ? read(event, before) : NOTHING;
      } catch {
        return NOTHING;
      }
    },
    textMembers: textMembers.map(quotedWord),
    failure,
  };
}

/** One event as these APIs write it. */
export const typedEvent = (event: TypedEvent) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** How OpenAI's typed streams tell an error. */
export const openaiErrorEvent: StreamFormat['failure'] = ({ message, code, param }) =>
  typedEvent({ type: 'error', code, message, param });
