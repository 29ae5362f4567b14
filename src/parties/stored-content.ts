import { invalidFields } from '../http/invalid-fields.js';
import type { PassthroughColumns } from './passthrough-fields.js';
import type { PartyRow } from './party-row.js';

/** What a client keeps with one row, in its `metadata` and in LiteLLM's free fields, has at most so many bytes of JSON. */
export const MAX_CONTENT_BYTES = 32 * 1024;

/** Bytes of what a client keeps with a row; lists of names are not among them. */
export function contentBytes({ metadata, extra }: PartyRow, fields: PassthroughColumns): number {
  const mappings = Object.entries(extra ?? {}).filter(([name]) => fields[name] === 'mapping');
  return [['metadata', metadata] as const, ...mappings]
    .filter(([, value]) => value !== null && value !== undefined)
    .reduce((sum, [, value]) => sum + Buffer.byteLength(JSON.stringify(value)), 0);
}

/** 422 where a row keeps too much. One that kept more before may keep it, or less. */
export function requireBoundedContent(row: PartyRow, fields: PassthroughColumns, bytesBefore: number): void {
  const bytes = contentBytes(row, fields);
  if (bytes <= Math.max(MAX_CONTENT_BYTES, bytesBefore)) return;
  throw invalidFields([
    {
      field: 'metadata',
      message: `must have at most ${MAX_CONTENT_BYTES} bytes of JSON, together with the row's other mappings`,
    },
  ]);
}
