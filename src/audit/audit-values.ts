import { isSecretName } from '../platform/secrets.js';
import { figurePlaceholder } from '../parties/spend-placeholders.js';

type Values = Record<string, unknown>;

const MOST_CHARACTERS = 4_096;
/** Said by the entry itself, or by the rows of other entities. */
const NOT_TOLD = new Set([
  'updated_at',
  'updated_by',
  'admins',
  'members',
  'members_with_roles',
  'teams',
  'users',
  'litellm_model_table',
]);

/** What of a view is kept: no figures of the moment, no lists of other rows. */
export function auditable(view: object): Values {
  return Object.fromEntries(
    Object.entries(view).filter(
      ([name, value]) => value !== undefined && !NOT_TOLD.has(name) && !figurePlaceholder(value),
    ),
  );
}

/** The members in which two views differ, of both. */
export function diff(before: Values, after: Values): [before: Values, after: Values] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  const of = (values: Values) => Object.fromEntries(names.map((name) => [name, values[name] ?? null]));
  return [of(before), of(after)];
}

/** Values as they are written: without what is named like a secret inside them, and not longer than is good. */
export const redact = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, bounded(value)]));

function bounded(value: unknown): unknown {
  const text = typeof value === 'object' && value ? JSON.stringify(value, hideSecrets) : value;
  if (typeof text !== 'string') return value;
  if (text.length > MOST_CHARACTERS) return `(${text.length} characters)`;
  return text === value ? value : (JSON.parse(text) as unknown);
}

const hideSecrets = (name: string, value: unknown) =>
  isSecretName(name) && value !== null ? 'REDACTED' : figurePlaceholder(value) ? undefined : value;
