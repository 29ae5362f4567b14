import { invalidFields } from '../http/invalid-fields.js';
import type { Fields } from './fields/field.js';
import type { PartyRow } from './party-row.js';

/** The most bytes of JSON that a client may store with one row, in its `metadata` and LiteLLM's free fields. */
export const MAX_CONTENT_BYTES = 32 * 1024;

/** Returns the bytes that a client stores with a row. Lists of names do not count. */
export function contentBytes({ metadata, extra }: PartyRow, fields: Fields): number {
  const mappings = Object.entries(extra ?? {}).filter(
    ([name]) => fields[name]?.asSent && fields[name].type === 'mapping',
  );
  return [['metadata', metadata] as const, ...mappings]
    .filter(([, value]) => value !== null && value !== undefined)
    .reduce((sum, [, value]) => sum + Buffer.byteLength(JSON.stringify(value)), 0);
}

/** Throws 422 if a row stores too much. A row that stored more before may keep as much, or less. */
export function requireBoundedContent(row: PartyRow, fields: Fields, bytesBefore: number): void {
  const bytes = contentBytes(row, fields);
  if (bytes <= Math.max(MAX_CONTENT_BYTES, bytesBefore)) return;
  throw invalidFields([
    {
      field: 'metadata',
      message: `must have at most ${MAX_CONTENT_BYTES} bytes of JSON, together with the row's other mappings`,
    },
  ]);
}
