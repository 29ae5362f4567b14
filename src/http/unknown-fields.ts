import { applyDecorators, SetMetadata, type Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { distance } from 'fastest-levenshtein';
import { invalidFields } from './invalid-fields.js';
import { addFreeContent } from './free-content.js';

const DECLARED = 'tollgate:declared-fields';

/** The part of a field's declaration (`parties/fields/field.ts`) that reading a body needs. */
interface DeclaredField {
  readonly type: string;
  /** True if the DTO has no property for it. */
  readonly asSent?: true;
  /** True if a typo in its name would leave the party without the limit. */
  readonly limits: boolean;
  /** Set where no class declares it: the decorators of its property. */
  readonly own?: { readonly sentAs: readonly PropertyDecorator[] };
}

/** Marks a DTO with the declarations of its fields. It accepts those that are stored as sent beside its properties. */
export const DeclaredBy = (fields: Readonly<Record<string, DeclaredField>>) => {
  const mappings = Object.entries(fields).filter(([, { asSent, type }]) => asSent && type === 'mapping');
  addFreeContent(mappings.map(([name]) => name));
  return applyDecorators(SetMetadata(DECLARED, fields), (dto: { readonly prototype: object }) => {
    for (const [name, { own }] of Object.entries(fields))
      for (const decorate of own?.sentAs ?? []) decorate(dto.prototype, name);
  }) as ClassDecorator;
};

/** The class-validator rule of limiting fields that are refused, because nothing enforces them. */
export const NOT_ENFORCED_RULE = 'isNotEnforced';

const TYPO_DISTANCE = 2;

/** LiteLLM's limiting fields on any route. They are no typos, even if a route does not accept them. */
const LITELLM_LIMITS = new Set([
  'budget_duration', 'budget_id', 'budget_limits', 'budget_reset_at', 'default_api_key_rpm_limit',
  'default_api_key_tpm_limit', 'duration', 'max_budget', 'max_budget_in_organization', 'max_budget_in_team',
  'max_parallel_requests', 'model_max_budget', 'mode', 'model', 'model_rpm_limit', 'model_tpm_limit', 'rpm_limit', 'rpm_limit_type',
  'session_rpm_limit', 'session_tpm_limit', 'soft_budget', 'soft_budget_cooldown', 'team_member_budget',
  'team_member_budget_duration', 'team_member_budget_id', 'team_member_key_duration', 'team_member_rpm_limit',
  'team_member_tpm_limit', 'temp_budget_expiry', 'temp_budget_increase', 'tpm_limit', 'tpm_limit_type',
]); // prettier-ignore

/**
 * Returns the fields of a body that its route does not accept. Clients rely on that they are ignored. Throws 422 for a probable
 * typo of a limit, because the client would not notice that the limit is missing. A typo is at most two letters from a limit
 * that the route accepts, and no field of LiteLLM.
 */
export function unknownFields(body: object, dto: Type): string[] {
  const accepted = acceptedFields(dto);
  const unknown = Object.keys(body).filter((field) => !accepted.has(field));
  const typos = unknown.flatMap((field) => {
    const limit = LITELLM_LIMITS.has(field) ? undefined : closestLimit(field, limitingFields(dto));
    return limit === undefined
      ? []
      : [{ field, message: `there is no such field; ${limit} limits, did you mean that?` }];
  });
  if (typos.length) throw invalidFields(typos);
  return unknown;
}

/** LiteLLM's fields that are stored as sent and have no effect. */
const WITHOUT_EFFECT = ['guardrails', 'policies', 'prompts'];

/** Returns the fields of a body that its route stores without effect. Empty lists are not returned. */
export function fieldsWithoutEffect(body: Readonly<Record<string, unknown>>, dto: Type): string[] {
  const accepted = acceptedFields(dto);
  return WITHOUT_EFFECT.filter((field) => {
    const value = body[field];
    return accepted.has(field) && Array.isArray(value) && value.length > 0;
  });
}

const closestLimit = (field: string, limiting: readonly string[]) =>
  limiting.find((known) => isTypo(field, known));

/** Returns whether a name is a probable typo. Compares the lengths first, because a name may have megabytes. */
const isTypo = (field: string, known: string) =>
  Math.abs(field.length - known.length) <= TYPO_DISTANCE && distance(field, known) <= TYPO_DISTANCE;

/** Returns the fields whose names are guarded against typos: those that limit, and those that would and are refused. */
export function limitingFields(dto: Type): readonly string[] {
  const declared = declaredFields(dto);
  const refused = validationsOf(dto).filter(({ name }) => name === NOT_ENFORCED_RULE);
  const names = new Set([...Object.keys(declared), ...refused.map(({ propertyName }) => propertyName)]);
  return [...names].filter((name) => declared[name]?.limits ?? true);
}

const declaredFields = (dto: Type) =>
  (Reflect.getMetadata(DECLARED, dto) as Readonly<Record<string, DeclaredField>> | undefined) ?? {};

const validationsOf = (dto: Type) => getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);

const fields = new WeakMap<Type, ReadonlySet<string>>();

/** Returns the fields that a body of this DTO may have. */
export function acceptedFields(dto: Type): ReadonlySet<string> {
  let known = fields.get(dto);
  if (!known) {
    const asSent = Object.entries(declaredFields(dto)).filter(([, field]) => field.asSent);
    known = new Set([
      ...validationsOf(dto).map(({ propertyName }) => propertyName),
      ...asSent.map(([name]) => name),
    ]);
    fields.set(dto, known);
  }
  return known;
}
