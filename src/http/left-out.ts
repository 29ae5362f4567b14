import { randomUUID } from 'node:crypto';
import { MAX_TOLD } from '../policy/some-of.js';

/** Stands in a view for what is too large for a list. No stored text can pretend to be one. */
const MARK = randomUUID();
let isUsed = false;

/** What a view shows instead of content that is too large for a list. */
export function leftOut(): Record<string, unknown> {
  isUsed = true;
  return { [MARK]: true };
}

/** Members that name a row in public, the most telling first. */
const NAMES = ['token', 'team_id', 'user_id', 'organization_id', 'name', 'key_alias'];

/** An answer without its marks, and the first rows something of was left out. */
export function withoutMarks(answer: unknown): {
  readonly answer: unknown;
  readonly rows: readonly string[];
} {
  // Nothing costs anything as long as no row is too large.
  if (!isUsed) return { answer, rows: [] };
  const rows: string[] = [];
  return { answer: plain(answer, rows, undefined), rows: rows.slice(0, MAX_TOLD) };
}

function plain(value: unknown, rows: string[], owner: Record<string, unknown> | undefined): unknown {
  if (Array.isArray(value)) return value.map((entry) => plain(entry, rows, undefined));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const members = value as Record<string, unknown>;
  if (members[MARK] === true) rows.push(nameOf(members) ?? nameOf(owner ?? {}) ?? '-');
  return Object.fromEntries(
    Object.entries(members)
      .filter(([name]) => name !== MARK)
      .map(([name, inner]) => [name, plain(inner, rows, members)]),
  );
}

const nameOf = (row: Record<string, unknown>): string | undefined =>
  NAMES.map((name) => row[name]).find((name) => typeof name === 'string');
