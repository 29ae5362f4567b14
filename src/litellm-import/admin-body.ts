import type { Type } from '@nestjs/common';
import { AdminValidationPipe, ignoredFields } from '../admin/admin-validation.pipe.js';
import { acceptedFields } from '../http/unknown-fields.js';
import { anyFieldsWhere } from '../parties/fields/all-fields.js';
import { MAX_PARALLEL, MAX_RATE } from '../parties/rate.js';
import { nanoUsdFromUsd, nearestNanoUsd, usdFromNanoUsd } from '../policy/money.js';
import type { ImportWarnings } from './import-warnings.js';
import type { LitellmRow } from './litellm-database.js';
import { SkippedRowError } from './skipped-row.error.js';

/** Columns that no request sends: authors and times, counters, and content of other tables. */
const NOT_SENT = new Set([
  'spend', 'total_spend', 'model_spend', 'budget_reset_at', 'last_active', 'soft_budget_cooldown', 'created_at', 'created_by',
  'updated_at', 'updated_by', 'expires', 'token', 'key_name', 'rotation_count', 'last_rotation_at', 'key_rotation_at',
  'admins', 'members', 'members_with_roles', 'teams', 'model_id', 'former_token', 'former_ends_at', 'former_is_key',
]); // prettier-ignore

/** Limits and labels that LiteLLM keeps inside `metadata`. */
const INSIDE_METADATA = anyFieldsWhere(({ inMetadata }) => inMetadata !== undefined);

const AMOUNTS = anyFieldsWhere(
  ({ type, column }) => column !== null && ['usd', 'budgetWindows', 'modelBudgets'].includes(type),
);

const RATES = anyFieldsWhere(({ type }) => type === 'rate');

const pipe = new AdminValidationPipe();

/**
 * Returns a row as the body of the request that would create it, validated as that request. Rejects if the row is invalid.
 */
export async function bodyOf<T extends object>(
  dto: Type<T>,
  row: LitellmRow,
  warnings: ImportWarnings,
): Promise<T> {
  const fields = acceptedFields(dto);
  const sent = withoutHiding(row, fields);
  for (const [field, value] of Object.entries(sent))
    if (!NOT_SENT.has(field)) sent[field] = finite(field, value, warnings);
  for (const field of AMOUNTS) if (field in sent) sent[field] = inNanos(sent[field], warnings);
  for (const field of RATES) {
    const most = field === 'max_parallel_requests' ? MAX_PARALLEL : MAX_RATE;
    if (typeof sent[field] !== 'number' || sent[field] <= most) continue;
    warnings.changed(`${field}: ${most} instead of ${sent[field]}`);
    sent[field] = most;
  }
  if (isSomething(sent.budget_limits) || isSomething(sent.model_max_budget))
    warnings.changed(
      'budget_limits, model_max_budget: what was spent on these so far is not in the database; they start at nothing',
    );
  const entries = Object.entries(sent)
    .map(([field, value]) => [field, isEmpty(value) ? null : value] as const)
    .filter(([field, value]) => !NOT_SENT.has(field) && (fields.has(field) || isSomething(value)));
  const bytes = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const body = (await pipe.transform(bytes, { type: 'body', metatype: dto })) as T;
  for (const field of ignoredFields(bytes) ?? [])
    warnings.changed(`${field}: has no counterpart here, so it is not taken`);
  return body;
}

/** Returns the spend of a row in nano-dollars, from LiteLLM's float. Throws SkippedRowError if it is no valid amount. */
export function spentIn({ spend }: LitellmRow, warnings: ImportWarnings) {
  const spent = nearestNanoUsd(spend ?? 0);
  if (spent === undefined)
    throw new SkippedRowError(`spend: ${spend as number} is no amount that can have been spent`);
  if (nanoUsdFromUsd(spend ?? 0) === undefined) warnings.rounded();
  return spent;
}

/**
 * Returns a finite value. NaN and infinity mean no limit in LiteLLM and become null. Throws SkippedRowError for minus
 * infinity, and for non-finite numbers inside a list or mapping.
 */
function finite(field: string, value: unknown, warnings: ImportWarnings): unknown {
  if (isFinite(value)) return value;
  if (!Number.isNaN(value) && value !== Infinity)
    throw new SkippedRowError(`${field}: holds a number that cannot be kept here`);
  warnings.changed(`${field}: ${value as number} limits nothing, so there is none here`);
  return null;
}

const isFinite = (value: unknown): boolean =>
  typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value !== 'object' || value === null || Object.values(value).every(isFinite);

/** Returns the row with the fields inside its `metadata` moved to the top. A column of the row takes precedence. */
function withoutHiding(row: LitellmRow, fields: ReadonlySet<string>): Record<string, unknown> {
  const { metadata } = row;
  if (!isMapping(metadata)) return { ...row };
  const open = Object.entries(metadata).filter(
    ([name, value]) =>
      INSIDE_METADATA.has(name) && fields.has(name) && value !== null && !isSomething(row[name]),
  );
  const rest = { ...metadata };
  for (const [name] of open) delete rest[name];
  return { ...row, ...Object.fromEntries(open.map(inUtc)), metadata: rest };
}

/** Marks an instant as UTC, because Python writes UTC without a mark. */
const inUtc = ([name, value]: [string, unknown]): [string, unknown] => [
  name,
  name === 'temp_budget_expiry' && typeof value === 'string' && !/(?:Z|[+-]\d\d:?\d\d)$/i.test(value)
    ? `${value.replace(' ', 'T')}Z`
    : value,
];

/** Returns a value with every amount in it rounded to whole nano-dollars. */
function inNanos(value: unknown, warnings: ImportWarnings): unknown {
  if (Array.isArray(value)) return value.map((one) => inNanos(one, warnings));
  if (isMapping(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inNanos(one, warnings)]));
  if (nanoUsdFromUsd(value) !== undefined) return value;
  const near = nearestNanoUsd(value);
  if (near === undefined) return value;
  warnings.rounded();
  return usdFromNanoUsd(near);
}

/** Reads a column of JSON. Throws SkippedRowError if it holds no mapping. */
export function mappingIn(column: string, value: unknown): Record<string, unknown> {
  if (!isMapping(value)) throw new SkippedRowError(`${column}: is no mapping`);
  return value;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Tells whether a value is an empty list or mapping, which is a column's default. */
const isEmpty = (value: unknown) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

const isSomething = (value: unknown) => Boolean(value) && !isEmpty(value);
