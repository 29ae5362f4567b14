type Labels = Readonly<Record<string, unknown>>;

const MAX_BYTES = 4_096;
const MAX_ENTRIES = 64;
const MAX_DEPTH = 4;
const MAX_TEXT_CHARS = 1_024;
/** A longer text of a header is not parsed. */
const MAX_JSON_CHARS = 16_384;

/**
 * Returns LiteLLM's `spend_logs_metadata` with what may be stored of it: a few entries, not deep, short texts. The rest is
 * left out, because labels refuse no call. Returns undefined if nothing is left. A header has it as JSON.
 */
export function boundedLabels(sent: unknown): Labels | undefined {
  const labels = typeof sent === 'string' ? parsed(sent) : sent;
  if (!isObject(labels)) return undefined;
  const stored = boundedObject(labels, 0, { left: MAX_BYTES });
  return Object.keys(stored).length ? stored : undefined;
}

/** Returns the labels of a call: its own, and those of its key and its team under names that it does not use. */
export function mergedLabels(own: Labels | undefined, inherited: Labels | undefined): Labels | undefined {
  if (!inherited) return own;
  return own ? boundedLabels({ ...own, ...without(inherited, own) }) : inherited;
}

function parsed(text: string): unknown {
  if (text.length > MAX_JSON_CHARS) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Labels =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** The bytes that further parts may have. */
interface Room {
  left: number;
}

function boundedObject(labels: Labels, depth: number, room: Room): Labels {
  const entries: [string, unknown][] = [];
  // An object may have millions of entries, so they are not listed first.
  for (const name in labels) {
    if (entries.length >= MAX_ENTRIES || room.left <= 0) break;
    if (!Object.hasOwn(labels, name) || name.length > MAX_TEXT_CHARS) continue;
    room.left -= bytesOf(name);
    const part = bounded(labels[name], depth + 1, room);
    if (part !== undefined) entries.push([name, part]);
  }
  return Object.fromEntries(entries);
}

/** Returns the part of a value that may be stored; undefined if it is too deep, or if there is no room for it. */
function bounded(value: unknown, depth: number, room: Room): unknown {
  if (typeof value === 'object' && value !== null) {
    if (depth >= MAX_DEPTH) return undefined;
    if (!Array.isArray(value)) return boundedObject(value as Labels, depth, room);
    const parts: unknown[] = [];
    for (const one of value.slice(0, MAX_ENTRIES) as unknown[]) {
      const part = bounded(one, depth + 1, room);
      if (part === undefined) break;
      parts.push(part);
    }
    return parts;
  }
  const part = typeof value === 'string' ? value.slice(0, MAX_TEXT_CHARS) : value;
  room.left -= bytesOf(part);
  return room.left < 0 ? undefined : part;
}

const PUNCTUATION_BYTES = 2;
const bytesOf = (part: unknown): number => Buffer.byteLength(JSON.stringify(part) ?? '') + PUNCTUATION_BYTES;

const without = (labels: Labels, names: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !Object.hasOwn(names, name)));
