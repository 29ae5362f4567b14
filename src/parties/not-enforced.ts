import { registerDecorator } from 'class-validator';
import { NOT_ENFORCED_RULE } from '../http/unknown-fields.js';

/** LiteLLM's fields that limit a party, and that the gateway does not enforce. */
export const NOT_ENFORCED = [
  'agent_id', 'allowed_ips', 'allowed_model_region', 'allowed_tools', 'denied_passthrough_routes', 'end_user_budget_id',
  'max_budget_per_session', 'max_iterations', 'model_itpm_limit', 'model_otpm_limit', 'object_permission', 'project_id',
  'require_trace_id', 'session_rpm_limit', 'session_tpm_limit', 'tag_rpm_limit', 'tag_tpm_limit',
  'team_member_model_max_budget',
]; // prettier-ignore

/** Fields that LiteLLM reads from `metadata` too. */
const NOT_ENFORCED_IN_METADATA = [
  'allowed_tools',
  'denied_passthrough_routes',
  'end_user_budget_id',
  'max_budget_per_session',
  'max_iterations',
  'model_itpm_limit',
  'model_otpm_limit',
  'require_trace_id',
  'tag_rpm_limit',
];

/** Tells whether a value limits nothing: null, false, an empty text, list or mapping, or a mapping of such values. */
export function limitsNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  if (typeof value !== 'object') return false;
  return Array.isArray(value) ? !value.length : Object.values(value).every(limitsNothing);
}

/** Marks a DTO whose body may not set these fields: a 200 would promise a limit that the gateway does not enforce. */
export const Refuses =
  (fields: readonly string[]): ClassDecorator =>
  (target) => {
    for (const propertyName of fields)
      registerDecorator({
        name: NOT_ENFORCED_RULE,
        target,
        propertyName,
        validator: {
          validate: limitsNothing,
          defaultMessage: () => `${propertyName} would limit, and is not enforced here`,
        },
      });
  };

/** Declares a DTO field `metadata` that may not have a limit which the gateway does not enforce. */
export const HidesNoLimit = () => (target: object, property: string) =>
  registerDecorator({
    name: 'hidesNoLimit',
    target: target.constructor,
    propertyName: property,
    validator: {
      validate: (metadata: unknown) => hidden(metadata) === undefined,
      defaultMessage: (args) => `${property}.${hidden(args?.value)} would limit, and is not enforced here`,
    },
  });

const hidden = (metadata: unknown): string | undefined =>
  typeof metadata !== 'object' || metadata === null
    ? undefined
    : NOT_ENFORCED_IN_METADATA.find(
        (name) =>
          Object.hasOwn(metadata, name) && !limitsNothing((metadata as Record<string, unknown>)[name]),
      );
