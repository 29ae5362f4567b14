import { isSecretName } from '../platform/secrets.js';
import { figurePlaceholder } from '../parties/spend-placeholders.js';

type Values = Record<string, unknown>;

const MAX_CHARACTERS = 4_096;
/** Fields that the entry itself or entries of other rows contain. */
const LEFT_OUT = new Set([
  'updated_at',
  'updated_by',
  'admins',
  'members',
  'members_with_roles',
  'teams',
  'users',
  'litellm_model_table',
]);

/** Returns the audited values of a view, without current figures and lists of other rows. */
export function auditable(view: object): Values {
  return Object.fromEntries(
    Object.entries(view).filter(
      ([name, value]) => value !== undefined && !LEFT_OUT.has(name) && !figurePlaceholder(value),
    ),
  );
}

/** Returns the differing members of two views, from both. */
export function diff(before: Values, after: Values): [before: Values, after: Values] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  const pick = (values: Values) => Object.fromEntries(names.map((name) => [name, values[name] ?? null]));
  return [pick(before), pick(after)];
}

/** Returns values as they are stored: without secrets, and limited in length. */
export const redact = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, bounded(value)]));

function bounded(value: unknown): unknown {
  const text = typeof value === 'object' && value ? JSON.stringify(value, hideSecrets) : value;
  if (typeof text !== 'string') return value;
  if (text.length > MAX_CHARACTERS) return `(${text.length} characters)`;
  return text === value ? value : (JSON.parse(text) as unknown);
}

const hideSecrets = (name: string, value: unknown) =>
  isSecretName(name) && value !== null ? 'REDACTED' : figurePlaceholder(value) ? undefined : value;
