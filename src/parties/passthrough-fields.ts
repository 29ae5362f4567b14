import { UnprocessableEntityException } from '@nestjs/common';
import { parseDuration } from '../calendar/windows.js';
import { laxFlag, laxInteger, laxNumber } from '../http/lax-values.js';
import { hasBlankEnds } from '../policy/model-list.js';
import { isName } from '../policy/name.js';
import { isTagName, MAX_TAG_CHARS } from '../policy/tag-name.js';
import { DURATION_REQUIREMENT } from './duration.js';
import type { Fields } from './fields/field.js';
import { MAX_ENTRIES, MAX_TAGS } from './fields/field-templates.js';
import type { PartyRow } from './party-row.js';
import { isRate, rateRequirement } from './rate.js';

/** Type of a field that is stored as sent. Null always clears the field. */
export type PassthroughType = 'mapping' | 'list' | 'tags' | 'text' | 'flag' | 'number';

const TYPE_RULES: Record<PassthroughType, readonly [test: (value: unknown) => boolean, message: string]> = {
  mapping: [(value) => typeof value === 'object' && !Array.isArray(value), 'must be an object'],
  list: [
    (value) =>
      Array.isArray(value) &&
      value.length <= MAX_ENTRIES &&
      value.every((entry) => typeof entry !== 'string' || isName(entry)),
    `must be a list of at most ${MAX_ENTRIES} names`,
  ],
  tags: [
    (value) => Array.isArray(value) && value.length <= MAX_TAGS && value.every(isTagName),
    `must be a list of at most ${MAX_TAGS} texts of 1 to ${MAX_TAG_CHARS} characters`,
  ],
  text: [(value) => typeof value === 'string', 'must be text'],
  flag: [(value) => typeof value === 'boolean', 'must be true or false'],
  number: [(value) => typeof value === 'number', 'must be a number'],
};

const PER_MODEL = [
  (value: unknown) =>
    Object.entries(value as object).every(
      ([model, most]) => !hasBlankEnds(model) && (most === null || isRate(laxInteger(most))),
    ),
  `must map models, without blanks at the ends of a name, to rates, each of which ${rateRequirement()}`,
] as const;

/** Types whose values may also be sent as texts. */
const LAX: Partial<Record<PassthroughType, (value: unknown) => unknown>> = {
  flag: laxFlag,
  number: laxNumber,
};

/** Further rules for fields that limit. */
const FURTHER_RULES: Readonly<Record<string, readonly [test: (value: unknown) => boolean, message: string]>> =
  {
    model_rpm_limit: PER_MODEL,
    model_tpm_limit: PER_MODEL,
    enforced_params: [
      (value) => (value as unknown[]).every((entry) => typeof entry === 'string' && entry !== ''),
      'must be a list of texts, none of them empty',
    ],
    team_member_key_duration: [
      (value) => value === '' || value === '-1' || parseDuration(value as string) !== undefined,
      `${DURATION_REQUIREMENT}, or -1 for no end`,
    ],
  };

/**
 * Stores LiteLLM's fields as sent, so that a read returns what was written. Throws 422 if a value has the wrong type.
 */
export function storePassthroughFields(row: PartyRow, dto: object, fields: Fields): void {
  const stored = Object.entries(fields).filter(([, { asSent }]) => asSent);
  const sent = { ...dto } as Record<string, unknown>;
  for (const [field, { type }] of stored) {
    const lax = LAX[type as PassthroughType];
    if (lax && sent[field] !== undefined) sent[field] = lax(sent[field]);
  }
  const problems = stored.flatMap(([field, { type }]) => {
    const value = sent[field];
    if (value === undefined || value === null) return [];
    const failed = [TYPE_RULES[type as PassthroughType], FURTHER_RULES[field]].find(
      (rule) => rule && !rule[0](value),
    );
    return failed ? [{ field, message: failed[1] }] : [];
  });
  if (problems.length) {
    const message = problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
    throw new UnprocessableEntityException({ message, fields: problems });
  }
  const extra = { ...row.extra };
  for (const [field] of stored) {
    if (sent[field] === null) delete extra[field];
    else if (sent[field] !== undefined) extra[field] = sent[field];
  }
  row.extra = Object.keys(extra).length ? extra : null;
}
