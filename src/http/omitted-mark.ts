import { randomUUID } from 'node:crypto';
import { MAX_LISTED } from '../policy/some-of.js';

/** Member name that marks omitted content in a view. It is random, so no stored content can have it. */
const MARK = randomUUID();
let isUsed = false;

/** Returns the mark for content that is too large for a list. */
export function omittedMark(): Record<string, unknown> {
  isUsed = true;
  return { [MARK]: true };
}

/** Members that name a row, the most specific first. */
const NAME_MEMBERS = ['token', 'team_id', 'user_id', 'organization_id', 'name', 'key_alias'];

/** Removes the marks from a response body. Returns it with the names of the first rows that had omitted content. */
export function withoutOmittedMarks(body: unknown): {
  readonly body: unknown;
  readonly rows: readonly string[];
} {
  // The body is not searched while no row was too large.
  if (!isUsed) return { body, rows: [] };
  const rows: string[] = [];
  return { body: stripped(body, rows, undefined), rows: rows.slice(0, MAX_LISTED) };
}

function stripped(value: unknown, rows: string[], owner: Record<string, unknown> | undefined): unknown {
  if (Array.isArray(value)) return value.map((entry) => stripped(entry, rows, undefined));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const members = value as Record<string, unknown>;
  if (members[MARK] === true) rows.push(nameOf(members) ?? nameOf(owner ?? {}) ?? '-');
  return Object.fromEntries(
    Object.entries(members)
      .filter(([name]) => name !== MARK)
      .map(([name, inner]) => [name, stripped(inner, rows, members)]),
  );
}

const nameOf = (row: Record<string, unknown>): string | undefined =>
  NAME_MEMBERS.map((name) => row[name]).find((name) => typeof name === 'string');
