import type { EntityMetadata, Repository } from 'typeorm';
import { omittedMark } from '../http/omitted-mark.js';
import { MAX_CONTENT_BYTES } from './stored-content.js';
import type { PartyRow } from './party-row.js';

/** `extra` also has lists of names. */
const MAX_EXTRA_CHARS = 4 * MAX_CONTENT_BYTES;
/** The most content of all rows of one list together. */
const MAX_LIST_CHARS = 4 * 1024 * 1024;

const CONTENT: ReadonlySet<string> = new Set(['metadata', 'extra']);

/**
 * Returns the names of all columns except the content that clients store with a row. `withContent` reads the content up to
 * a bound.
 */
export const lightNames = ({ columns }: EntityMetadata): string[] =>
  columns.map(({ propertyName }) => propertyName).filter((name) => !CONTENT.has(name));

interface Content {
  readonly id: string;
  readonly metadata: string | null;
  readonly extra: string | null;
  readonly isLarge: boolean | number | bigint;
}

/**
 * Adds to listed rows the content that clients store with them. Rows older than the bound may have more: their content
 * is not read, and the row is marked (`omittedMark`).
 */
export async function withContent<T extends PartyRow>(repository: Repository<T>, rows: T[]): Promise<T[]> {
  if (!rows.length) return rows;
  const [metadata, extra] = [
    `LENGTH(r.metadata) > ${MAX_CONTENT_BYTES}`,
    `LENGTH(r.extra) > ${MAX_EXTRA_CHARS}`,
  ];
  const contentRows = await repository
    .createQueryBuilder('r')
    .select('r.id', 'id')
    .addSelect(`CASE WHEN ${metadata} THEN NULL ELSE r.metadata END`, 'metadata')
    .addSelect(`CASE WHEN ${extra} THEN NULL ELSE r.extra END`, 'extra')
    .addSelect(`CASE WHEN ${metadata} OR ${extra} THEN 1 ELSE 0 END`, 'isLarge')
    .where('r.id IN (:...ids)', { ids: rows.map(({ id }) => id) })
    .getRawMany<Content>();
  const contents = new Map(contentRows.map((content) => [content.id, content]));
  let chars = 0;
  for (const row of rows) {
    const content = contents.get(row.id);
    chars += (content?.metadata?.length ?? 0) + (content?.extra?.length ?? 0);
    const isTooMuch = chars > MAX_LIST_CHARS;
    row.metadata = isTooMuch ? null : parsed(content?.metadata);
    row.extra = isTooMuch ? null : parsed(content?.extra);
    if (isTooMuch || Number(content?.isLarge ?? 0)) mark(row, repository.metadata);
  }
  return rows;
}

const parsed = (text: string | null | undefined) =>
  text ? (JSON.parse(text) as Record<string, unknown>) : null;

/** Marks a row, in the field in which its view shows the content. */
function mark(row: PartyRow, { tableName }: EntityMetadata): void {
  const showsMetadata = tableName !== 'end_users';
  if (showsMetadata) row.metadata = { ...row.metadata, ...omittedMark() };
  else row.extra = { ...row.extra, ...omittedMark() };
}
