import { foldedAddress } from '../platform/folded-address.js';
import type { JwtClaims, JwtSettings, RoleMapping, RolePermission, TrustedIssuer } from './config.js';
import { routeEntries } from './route-entries.js';
import type { Section, SectionText } from './section.js';

const SECONDS = 1_000;
const DEFAULT_TTL_MS = 600_000;
const DEFAULT_STALE_TTL_MS = 3_600_000;
const MAX_LEEWAY_MS = 300_000;
const DEFAULT_ADMIN_SCOPE = 'litellm_proxy_admin';
const ROLES = ['proxy_admin', 'team', 'internal_user'] as const;

/** LiteLLM's `admin_allowed_routes`, and the routes that explain. */
const ADMIN_ROUTES = [
  'management_routes',
  'spend_tracking_routes',
  'global_spend_tracking_routes',
  'info_routes',
  '/access/v1/evaluation',
  '/access/v1/evaluations',
];

/** Wire names of the claims that identify the caller. */
const CLAIMS = {
  user_id_jwt_field: 'userId',
  user_email_jwt_field: 'userEmail',
  user_roles_jwt_field: 'userRoles',
  team_id_jwt_field: 'teamId',
  team_ids_jwt_field: 'teamIds',
  team_alias_jwt_field: 'teamAlias',
  org_id_jwt_field: 'organizationId',
  org_alias_jwt_field: 'organizationAlias',
  end_user_id_jwt_field: 'endUserId',
  roles_jwt_field: 'roles',
  object_id_jwt_field: 'objectId',
} as const satisfies Record<string, keyof JwtClaims>;

/** LiteLLM's fields that deny access or bill a party. Ignoring one would allow more than was meant. */
const MISSED = [
  'custom_validate',
  'virtual_key_claim_field',
  'jwt_client_id_field',
  'unregistered_jwt_client_behavior',
  'agent_id_jwt_field',
];

/** Settings of tokens from the environment: `JWT_PUBLIC_KEY_URL`, `JWT_AUDIENCE`, `JWT_ISSUER`. */
export interface JwtSummary {
  readonly keysUrl: SectionText | undefined;
  readonly audience: SectionText | undefined;
  readonly issuer: SectionText | undefined;
}

/**
 * Reads `general_settings.litellm_jwtauth` if `enable_jwt_auth` is on. The file must name the trusted issuers, or say
 * that any is trusted.
 */
export function readJwtSettings(general: Section, environment: JwtSummary): JwtSettings | undefined {
  const isEnabled = general.flag('enable_jwt_auth') ?? false;
  if (!isEnabled) {
    if (general.keys().includes('litellm_jwtauth')) general.ignore('litellm_jwtauth');
    return undefined;
  }
  const auth = general.section('litellm_jwtauth');
  for (const key of MISSED) {
    if (auth.raw(key) !== undefined)
      auth.problem(key, 'is not supported; without it more would be allowed than you mean');
  }
  const trusted = trustOf(auth, environment);
  const teamAllowedRoutes = routeEntries(auth, 'team_allowed_routes');
  const teamIdDefault = auth.text('team_id_default');
  const userAllowedEmailDomain = auth.text('user_allowed_email_domain');
  const settings: JwtSettings = {
    ...trusted,
    keysTtlMs: auth.milliseconds('public_key_ttl', SECONDS) ?? DEFAULT_TTL_MS,
    keysStaleTtlMs: auth.milliseconds('public_key_stale_ttl', SECONDS) ?? DEFAULT_STALE_TTL_MS,
    leewayMs: leeway(auth),
    adminAllowedRoutes: routeEntries(auth, 'admin_allowed_routes') ?? ADMIN_ROUTES,
    userAllowedRoles: auth.texts('user_allowed_roles') ?? [],
    userIdUpsert: auth.flag('user_id_upsert') ?? false,
    teamIdUpsert: auth.flag('team_id_upsert') ?? false,
    upsertUserToTeam: auth.flag('upsert_sso_user_to_team') ?? false,
    enforceRbac: auth.flag('enforce_rbac') ?? general.flag('enforce_rbac') ?? false,
    enforceTeam: auth.flag('enforce_team_based_model_access') ?? false,
    rolePermissions: general.sections('role_permissions').map(rolePermission),
    scopeMappings: scopeMappings(auth),
    ...(teamAllowedRoutes && { teamAllowedRoutes }),
    ...(teamIdDefault !== undefined && { teamIdDefault }),
    ...(userAllowedEmailDomain !== undefined && {
      userAllowedEmailDomain: foldedAddress(userAllowedEmailDomain),
    }),
  };
  requireTogether(auth, general, settings);
  auth.ignoreTheRest();
  return settings;
}

/** The trust in one issuer, as one part of the file states it. */
interface Mandate {
  readonly claims: JwtClaims;
  /** Absent: not stated. Empty: none. */
  readonly adminScope?: string;
  /** Absent: not stated. */
  readonly roleMappings?: readonly RoleMapping[];
}

function mandateOf(section: Section): Mandate {
  const claims = Object.entries(CLAIMS).map(([key, claim]) => [claim, claimPath(section, key)] as const);
  const adminScope = section.raw('admin_jwt_scope') === '' ? '' : section.text('admin_jwt_scope');
  return {
    claims: Object.fromEntries(claims.filter(([, path]) => path !== undefined)),
    ...(adminScope !== undefined && { adminScope }),
    ...(section.raw('role_mappings') !== undefined && { roleMappings: roleMappings(section) }),
  };
}

function claimPath(section: Section, key: string): string | undefined {
  const path = section.text(key);
  if (path !== undefined && /\[|\.\d+(?:\.|$)/.test(path))
    section.problem(key, 'must name the claim itself; of a list the first is taken');
  return path;
}

/**
 * Returns the trusted issuers with their settings. A single issuer has the settings beside `issuers`, overridden by its
 * own. With several issuers each has only its own; the settings beside `issuers` belong to the issuer named there, and
 * have no effect if none is.
 */
function trustOf(
  auth: Section,
  environment: JwtSummary,
): Pick<JwtSettings, 'issuers' | 'adminScope' | 'roleMappings'> {
  const beside = mandateOf(auth);
  const listed = auth
    .sections('issuers')
    .map((entry) => ({ entry, own: mandateOf(entry), trusted: listedIssuer(entry) }));
  const besideThem = globalIssuer(auth, environment, listed.length > 0);
  for (const { entry } of listed) entry.ignoreTheRest();
  if (listed.length + (besideThem ? 1 : 0) <= 1) {
    const [only] = listed;
    const { claims, adminScope, roleMappings = [] } = only ? { ...beside, ...only.own, claims: { ...beside.claims, ...only.own.claims } } : beside; // prettier-ignore
    requireMappings(only?.entry ?? auth, { claims, roleMappings });
    const scope = adminScope ?? DEFAULT_ADMIN_SCOPE;
    return {
      issuers: [only?.trusted ?? besideThem].flatMap((issuer) => (issuer ? [{ ...issuer, claims }] : [])),
      ...(scope !== '' && { adminScope: scope }),
      roleMappings,
    };
  }
  if (besideThem) requireMappings(auth, beside);
  else for (const key of MANDATE) if (auth.raw(key) !== undefined) auth.ignore(key);
  for (const { entry, own } of listed) requireMappings(entry, own);
  return {
    issuers: [
      ...listed.map(({ trusted, own }) => ({ ...trusted, ...alone(own) })),
      ...(besideThem ? [{ ...besideThem, ...alone(beside) }] : []),
    ],
    roleMappings: [],
  };
}

const MANDATE = [...Object.keys(CLAIMS), 'admin_jwt_scope', 'role_mappings'];

/** Reads the settings of one of several issuers. It gets no other settings. */
const alone = ({ claims, adminScope, roleMappings }: Mandate) => ({
  claims,
  ...(adminScope && { adminScope }),
  ...(roleMappings && { roleMappings }),
});

function listedIssuer(entry: Section): Omit<TrustedIssuer, 'claims'> {
  const issuer = entry.requiredText('issuer');
  const userIdPrefix = entry.text('user_id_prefix');
  const trusted = {
    ...(issuer && { issuer }),
    keyUrls: addresses(entry, 'jwks_url', entry.described('jwks_url')),
    ...audiences(entry),
    ...(userIdPrefix !== undefined && { userIdPrefix }),
  };
  if (issuer && !trusted.keyUrls.length) requireAddress(entry, 'issuer', issuer);
  return trusted;
}

/** Returns the issuers that the fields of `litellm_jwtauth` itself name; none if only `issuers` lists some. */
function globalIssuer(
  auth: Section,
  environment: JwtSummary,
  othersAreListed: boolean,
): Omit<TrustedIssuer, 'claims'> | undefined {
  const issuer = environment.issuer ?? auth.described('issuer');
  const keysUrl = environment.keysUrl ?? auth.described('public_key_url');
  const isAnyIssuer = auth.flag('disable_issuer_validation') ?? false;
  if (othersAreListed && !issuer && !keysUrl && !isAnyIssuer) return undefined;
  if (!issuer && !isAnyIssuer)
    auth.problem('issuer', 'is required (or JWT_ISSUER); disable_issuer_validation: true trusts any');
  if (issuer && isAnyIssuer) auth.problem('disable_issuer_validation', `contradicts ${issuer.at}`);
  const keyUrls = addresses(auth, 'public_key_url', keysUrl);
  if (!keyUrls.length && issuer) requireAddress(auth, 'issuer', issuer.text);
  if (!keyUrls.length && !issuer)
    auth.problem('public_key_url', 'is required (or JWT_PUBLIC_KEY_URL), unless issuer says where to ask');
  return { ...(issuer && { issuer: issuer.text }), keyUrls, ...audiences(auth, environment.audience) };
}

/** Reads one text, several separated by commas, or a list. */
function audiences(section: Section, environment?: SectionText): Pick<TrustedIssuer, 'audiences'> {
  const isAny = section.flag('disable_audience_validation') ?? false;
  const own = Array.isArray(section.raw('audience')) ? section.texts('audience') : section.text('audience');
  const meant = environment
    ? commaList(environment.text)
    : typeof own === 'string'
      ? commaList(own)
      : (own ?? []);
  if (meant.length && isAny)
    section.problem('disable_audience_validation', `contradicts ${environment?.at ?? 'audience'}`);
  if (!meant.length && !isAny)
    section.problem(
      'audience',
      'is required (for all tokens: or JWT_AUDIENCE); disable_audience_validation: true accepts what is meant for anybody',
    );
  return meant.length ? { audiences: meant } : {};
}

function addresses(section: Section, key: string, environment: SectionText | undefined): string[] {
  const urls = environment ? commaList(environment.text) : [];
  for (const url of urls) requireAddress(section, key, url);
  return urls;
}

function requireAddress(section: Section, key: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username || url.password)
    section.problem(key, 'must be an http:// or https:// address without credentials');
}

const commaList = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

function leeway(auth: Section): number {
  const ms = auth.milliseconds('leeway', SECONDS) ?? 0;
  if (ms > MAX_LEEWAY_MS) auth.problem('leeway', `must be at most ${MAX_LEEWAY_MS / SECONDS}`);
  return ms;
}

function roleMappings(auth: Section): RoleMapping[] {
  return auth.sections('role_mappings').map((mapping) => {
    const role = mapping.requiredText('role');
    const internalRole = mapping.oneOf('internal_role', ROLES);
    if (!internalRole) mapping.requiredText('internal_role');
    mapping.ignoreTheRest();
    return { role, internalRole: internalRole ?? 'internal_user' };
  });
}

function rolePermission(entry: Section): RolePermission {
  const role = entry.oneOf('role', ROLES);
  if (!role) entry.requiredText('role');
  const [models, routes] = [entry.texts('models'), routeEntries(entry, 'routes')];
  const permission = { role: role ?? 'internal_user', ...(models && { models }), ...(routes && { routes }) };
  entry.ignoreTheRest();
  return permission;
}

function scopeMappings(auth: Section): JwtSettings['scopeMappings'] {
  const isEnforced = auth.flag('enforce_scope_based_access') ?? false;
  const mappings = auth.sections('scope_mappings').map((mapping) => {
    const routes = routeEntries(mapping, 'routes');
    const entry = {
      scope: mapping.requiredText('scope'),
      models: mapping.texts('models') ?? [],
      ...(routes && { routes }),
    };
    mapping.ignoreTheRest();
    return entry;
  });
  if (mappings.length && !isEnforced)
    auth.problem('scope_mappings', 'needs enforce_scope_based_access: true');
  if (!mappings.length && isEnforced) auth.problem('enforce_scope_based_access', 'needs scope_mappings');
  return isEnforced ? mappings : undefined;
}

function requireMappings(
  section: Section,
  { claims: { roles, objectId }, roleMappings: mappings = [] }: Omit<Mandate, 'adminScope'>,
): void {
  if ((roles === undefined) !== !mappings.length)
    section.problem('role_mappings', 'and roles_jwt_field must be set together');
  if (objectId !== undefined && !mappings.length)
    section.problem('object_id_jwt_field', 'needs role_mappings: they say whose id it is');
}

function requireTogether(
  auth: Section,
  general: Section,
  { issuers, userAllowedRoles, rolePermissions, enforceRbac }: JwtSettings,
): void {
  if (issuers.some(({ claims }) => claims.userRoles !== undefined) !== userAllowedRoles.length > 0)
    auth.problem('user_allowed_roles', 'and user_roles_jwt_field must be set together');
  if (rolePermissions.length && !enforceRbac)
    general.problem('role_permissions', 'needs litellm_jwtauth.enforce_rbac: true');
}
