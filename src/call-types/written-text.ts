import { isObject } from './reported-usage.js';

/** Members that describe the output. The model did not write them. */
const NOT_WRITTEN = new Set([
  'id', 'object', 'type', 'role', 'status', 'index', 'model', 'created', 'created_at', 'finish_reason', 'stop_reason', 'stop_sequence',
  'call_id', 'item_id', 'logprobs', 'annotations', 'signature',
]); // prettier-ignore
const MAX_DEPTH = 500;

/** Returns the bytes of the text that the model wrote in a part of its response. Throws if it is nested too deeply. */
export function writtenTextBytes(part: unknown, depth = 0): number {
  if (depth > MAX_DEPTH) throw new RangeError('The response is nested too deeply.');
  if (typeof part === 'string') return Buffer.byteLength(part);
  if (typeof part === 'number' || typeof part === 'boolean') return String(part).length;
  if (!isObject(part)) return 0;
  let bytes = 0;
  for (const [name, value] of Object.entries(part))
    if (Array.isArray(part) || !NOT_WRITTEN.has(name))
      // Arguments of a tool may have members of any name.
      bytes += name === 'input' && isObject(value) ? jsonBytes(value) : writtenTextBytes(value, depth + 1);
  return bytes;
}

const jsonBytes = (value: object) => Buffer.byteLength(JSON.stringify(value));
