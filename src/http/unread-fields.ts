import { SetMetadata, type Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { distance } from 'fastest-levenshtein';
import { invalidFields } from './invalid-fields.js';
import { addFreeContent } from './free-content.js';

const KEPT = 'tollgate:kept-fields';

/** Marks a DTO that also takes `fields` that carry no decorator of their own, because they are kept as sent. */
export const AlsoTakes = (fields: Readonly<Record<string, unknown>>) => {
  addFreeContent(Object.keys(fields).filter((field) => fields[field] === 'mapping'));
  return SetMetadata(KEPT, Object.keys(fields)) as ClassDecorator;
};

/** Fields that limit: a typo in one of them would be an open gate. */
const LIMITING = /budget|limit|max_parallel|duration|^models$|^blocked$|^allowed_routes$/;
const TYPO_DISTANCE = 2;

/** LiteLLM's limiting fields on any route: right words, even where a route does not take them. */
const LITELLM_LIMITS = new Set([
  'budget_duration', 'budget_id', 'budget_limits', 'budget_reset_at', 'default_api_key_rpm_limit',
  'default_api_key_tpm_limit', 'duration', 'max_budget', 'max_budget_in_organization', 'max_budget_in_team',
  'max_parallel_requests', 'model_max_budget', 'mode', 'model', 'model_rpm_limit', 'model_tpm_limit', 'rpm_limit', 'rpm_limit_type',
  'session_rpm_limit', 'session_tpm_limit', 'soft_budget', 'soft_budget_cooldown', 'team_member_budget',
  'team_member_budget_duration', 'team_member_budget_id', 'team_member_key_duration', 'team_member_rpm_limit',
  'team_member_tpm_limit', 'temp_budget_expiry', 'temp_budget_increase', 'tpm_limit', 'tpm_limit_type',
]); // prettier-ignore

/**
 * The fields of a body its route does not take; clients rely on their being ignored. But a name that is no field of
 * LiteLLM's and within two letters of a limit this route takes is a typo: 422, because nobody would notice that the
 * limit is missing.
 */
export function unreadFields(body: object, dto: Type): string[] {
  const taken = takenFields(dto);
  const unread = Object.keys(body).filter((field) => !taken.has(field));
  const typos = unread.flatMap((field) => {
    const meant = LITELLM_LIMITS.has(field) ? undefined : limitMeantBy(field, taken);
    return meant === undefined
      ? []
      : [{ field, message: `there is no such field; ${meant} limits, did you mean that?` }];
  });
  if (typos.length) throw invalidFields(typos);
  return unread;
}

/** LiteLLM's fields that are kept as sent because clients send them, and that nothing here acts on. */
const WITHOUT_EFFECT = ['guardrails', 'policies', 'prompts'];

/** Returns the fields of a body that its route keeps and nothing acts on. Empty lists ask for nothing. */
export function fieldsWithoutEffect(body: Readonly<Record<string, unknown>>, dto: Type): string[] {
  const taken = takenFields(dto);
  return WITHOUT_EFFECT.filter((field) => {
    const sent = body[field];
    return taken.has(field) && Array.isArray(sent) && sent.length > 0;
  });
}

const limitMeantBy = (field: string, taken: ReadonlySet<string>) =>
  [...taken].find((known) => LIMITING.test(known) && isTypo(field, known));

/** The lengths first: a name may have megabytes. */
const isTypo = (field: string, known: string) =>
  Math.abs(field.length - known.length) <= TYPO_DISTANCE && distance(field, known) <= TYPO_DISTANCE;

const fields = new WeakMap<Type, ReadonlySet<string>>();

/** The fields a body of this DTO may have. */
export function takenFields(dto: Type): ReadonlySet<string> {
  let known = fields.get(dto);
  if (!known) {
    const validated = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
    const kept = (Reflect.getMetadata(KEPT, dto) as string[] | undefined) ?? [];
    known = new Set([...validated.map(({ propertyName }) => propertyName), ...kept]);
    fields.set(dto, known);
  }
  return known;
}
