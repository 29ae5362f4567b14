/** An id as providers write them. Another text could break a log or a filter, so it is not stored. */
const ID = /^[\x21-\x7e]{1,255}$/;

/**
 * Returns the `id` of an answer, or of the answer inside an event: `message.id`, `response.id`. Undefined if it has none
 * that may be stored.
 */
export function answerId(answer: unknown): string | undefined {
  if (!isObject(answer)) return undefined;
  const { id, message, response } = answer;
  return storable(id) ?? idOf(message) ?? idOf(response);
}

/** Returns the id in the first events of a stream. `events`: bytes of whole events. */
export function answerIdIn(events: Buffer): string | undefined {
  if (events.length > MAX_EVENTS_BYTES) return undefined;
  for (const line of events.toString('utf8').split('\n')) {
    if (!line.startsWith('data:')) continue;
    try {
      const id = answerId(JSON.parse(line.slice('data:'.length)));
      if (id !== undefined) return id;
    } catch {
      // Not JSON: `[DONE]`.
    }
  }
  return undefined;
}

const MAX_EVENTS_BYTES = 1024 * 1024;

const storable = (id: unknown): string | undefined =>
  typeof id === 'string' && ID.test(id) ? id : undefined;

const idOf = (part: unknown): string | undefined => (isObject(part) ? storable(part.id) : undefined);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object';
