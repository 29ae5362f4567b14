import { applyDecorators, SetMetadata, type Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { distance } from 'fastest-levenshtein';
import { invalidFields } from './invalid-fields.js';
import { addFreeContent, hasFreeNames } from './free-content.js';

const DECLARED = 'tollgate:declared-fields';

/** The part of a field's declaration (`parties/fields/field.ts`) that reading a body needs. */
interface DeclaredField {
  readonly type: string;
  /** True if the DTO has no property for it. */
  readonly asSent?: true;
  /** True if a typo in its name would leave the party without the limit. */
  readonly limits: boolean;
  /** Set if it names the owner of the party. */
  readonly names?: string;
  /** Set where no class declares it: the decorators of its property. */
  readonly own?: { readonly sentAs: readonly PropertyDecorator[] };
}

/**
 * The gateway's own limits, of any resource. LiteLLM knows none of them, so no client of it sends one by chance.
 */
const OWN_LIMITS = new Set<string>();

/** Marks a DTO with the declarations of its fields. It accepts those that are stored as sent beside its properties. */
export const DeclaredBy = (fields: Readonly<Record<string, DeclaredField>>) => {
  const mappings = Object.entries(fields).filter(([, { asSent, type }]) => asSent && type === 'mapping');
  addFreeContent(mappings.map(([name]) => name));
  for (const [name, { own, limits }] of Object.entries(fields)) if (own && limits) OWN_LIMITS.add(name);
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

/** Names of limits in other gateways, and the field that limits here. */
const FOREIGN_LIMITS: Readonly<Record<string, string>> = {
  budget: 'max_budget', budgets: 'max_budget', budgetlimit: 'max_budget', budgetmax: 'max_budget', budgetusd: 'max_budget',
  costlimit: 'max_budget', creditlimit: 'max_budget', limitusd: 'max_budget', maxcost: 'max_budget', maxspend: 'max_budget',
  monthlybudget: 'max_budget', quota: 'max_budget', spendinglimit: 'max_budget', spendlimit: 'max_budget', usagelimit: 'max_budget',
  budgetperiod: 'budget_duration', budgetreset: 'budget_duration', resetduration: 'budget_duration', resetperiod: 'budget_duration',
  maxrpm: 'rpm_limit', ratelimit: 'rpm_limit', ratelimits: 'rpm_limit', requestlimit: 'rpm_limit', requestsperminute: 'rpm_limit', rpm: 'rpm_limit',
  maxtpm: 'tpm_limit', tokenlimit: 'tpm_limit', tokensperminute: 'tpm_limit', tpm: 'tpm_limit',
  concurrency: 'max_parallel_requests', maxconcurrency: 'max_parallel_requests', maxconcurrentrequests: 'max_parallel_requests',
  parallelrequests: 'max_parallel_requests',
  expiration: 'duration', expires: 'duration', expiresat: 'duration', expiresin: 'duration', expiry: 'duration', expirydate: 'duration',
  lifetime: 'duration', ttl: 'duration', validuntil: 'duration',
  allowedmodels: 'models', modelaccess: 'models', modelallowlist: 'models', modelids: 'models', modellist: 'models', modelnames: 'models',
  modelwhitelist: 'models', permittedmodels: 'models',
  blockedmodels: 'models', deniedmodels: 'models', excludedmodels: 'models',
  active: 'blocked', disabled: 'blocked', enabled: 'blocked', isactive: 'blocked', isblocked: 'blocked', isdisabled: 'blocked',
  isenabled: 'blocked', suspended: 'blocked',
  allowedendpoints: 'allowed_routes', permittedroutes: 'allowed_routes', routes: 'allowed_routes',
  org: 'organization_id', orgid: 'organization_id', organization: 'organization_id', team: 'team_id', user: 'user_id', owner: 'user_id',
}; // prettier-ignore

/**
 * Returns the fields of a body that its route does not accept. Clients rely on that they are ignored. Throws 422 for a probable
 * typo of a limit, because the client would not notice that the limit is missing. A typo is at most two letters from a limit
 * that the route accepts, its name in another spelling or in another gateway, and no field of LiteLLM. Throws 422 too for a
 * limit of the gateway that the resource does not have, unless it is null.
 */
export function unknownFields(body: object, dto: Type, above = ''): string[] {
  if (hasFreeNames(dto)) return [];
  const accepted = acceptedFields(dto);
  const unknown = Object.keys(body).filter((field) => !accepted.has(field));
  const problems = unknown.flatMap((field) => {
    const message = problemOf(field, body, dto);
    return message === undefined ? [] : [{ field: above + field, message }];
  });
  if (problems.length) throw invalidFields(problems);
  return unknown;
}

/** Returns why a field that the route does not accept is refused; undefined if it is ignored. */
function problemOf(field: string, body: object, dto: Type): string | undefined {
  const value = (body as Record<string, unknown>)[field];
  if (OWN_LIMITS.has(field) && Object.keys(declaredFields(dto)).length)
    return value === null ? undefined : `${field} would limit, and is not enforced here`;
  const limit = LITELLM_LIMITS.has(field)
    ? undefined
    : (otherSpelling(field, value, dto) ?? closestLimit(field, limitingFields(dto)));
  return limit === undefined ? undefined : `there is no such field; ${limit} limits, did you mean that?`;
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

/** Returns the limit or owner that another spelling or another gateway's name means; undefined if it means none. */
function otherSpelling(field: string, value: unknown, dto: Type): string | undefined {
  const declared = declaredFields(dto);
  // A client that sends back a view, or a field of another route, loses no limit.
  if (Object.hasOwn(declared, field) || value === null || value === '') return undefined;
  const plain = withoutSeparators(field);
  const spelled = Object.entries(declared).find(
    ([name, { limits, names }]) => (limits || names !== undefined) && withoutSeparators(name) === plain,
  )?.[0];
  const foreign = Object.hasOwn(FOREIGN_LIMITS, plain) ? FOREIGN_LIMITS[plain] : undefined;
  return spelled ?? (foreign !== undefined && Object.hasOwn(declared, foreign) ? foreign : undefined);
}

/** Returns a name in lower case without what separates its words: `teamId` and `team-id` are one. */
const withoutSeparators = (name: string) =>
  name.length > MAX_NAME_CHARS ? name : name.toLowerCase().replace(/[^a-z0-9]/g, '');

const MAX_NAME_CHARS = 64;

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

/** Tells whether a DTO has declared fields. */
export const isDeclared = (dto: Type): boolean => Reflect.hasMetadata(DECLARED, dto);

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
