import type { JwtClaims, JwtSettings, RolePermission, TrustedIssuer } from './config.js';
import type { Section, Told } from './section.js';

const SECONDS = 1_000;
const DEFAULT_TTL_MS = 600_000;
const DEFAULT_STALE_TTL_MS = 3_600_000;
const MAX_LEEWAY_MS = 300_000;
const ROLES = ['proxy_admin', 'team', 'internal_user'] as const;

/** LiteLLM's `admin_allowed_routes`, and the doors that explain. */
const ADMIN_ROUTES = [
  'management_routes',
  'spend_tracking_routes',
  'global_spend_tracking_routes',
  'info_routes',
  '/access/v1/evaluation',
  '/access/v1/evaluations',
];

/** The wire names of the claims that say who somebody is; an entry of `issuers` may have its own. */
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

/** LiteLLM's fields that keep somebody out or bill somebody: without them more would be allowed than was meant. */
const MISSED = [
  'custom_validate',
  'virtual_key_claim_field',
  'jwt_client_id_field',
  'unregistered_jwt_client_behavior',
  'agent_id_jwt_field',
];

/** What the environment says about tokens: `JWT_PUBLIC_KEY_URL`, `JWT_AUDIENCE`, `JWT_ISSUER`. */
export interface ToldOfTokens {
  readonly keysUrl: Told | undefined;
  readonly audience: Told | undefined;
  readonly issuer: Told | undefined;
}

/** `general_settings.litellm_jwtauth`, when `enable_jwt_auth` is on. Who is trusted must be said, or said to be anybody. */
export function readJwtSettings(general: Section, told: ToldOfTokens): JwtSettings | undefined {
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
  const claims = claimsOf(auth);
  const listed = issuersOf(auth, claims);
  const teamAllowedRoutes = auth.texts('team_allowed_routes');
  const teamIdDefault = auth.text('team_id_default');
  const userAllowedEmailDomain = auth.text('user_allowed_email_domain')?.toLowerCase();
  const settings: JwtSettings = {
    issuers: [...listed, ...globalIssuer(auth, claims, told, listed.length > 0)],
    keysTtlMs: auth.milliseconds('public_key_ttl', SECONDS) ?? DEFAULT_TTL_MS,
    keysStaleTtlMs: auth.milliseconds('public_key_stale_ttl', SECONDS) ?? DEFAULT_STALE_TTL_MS,
    leewayMs: leeway(auth),
    ...(auth.raw('admin_jwt_scope') !== '' && {
      adminScope: auth.text('admin_jwt_scope') ?? 'litellm_proxy_admin',
    }),
    adminAllowedRoutes: auth.texts('admin_allowed_routes') ?? ADMIN_ROUTES,
    userAllowedRoles: auth.texts('user_allowed_roles') ?? [],
    userIdUpsert: auth.flag('user_id_upsert') ?? false,
    teamIdUpsert: auth.flag('team_id_upsert') ?? false,
    upsertUserToTeam: auth.flag('upsert_sso_user_to_team') ?? false,
    enforceRbac: auth.flag('enforce_rbac') ?? general.flag('enforce_rbac') ?? false,
    enforceTeam: auth.flag('enforce_team_based_model_access') ?? false,
    roleMappings: roleMappings(auth),
    rolePermissions: general.sections('role_permissions').map(rolePermission),
    scopeMappings: scopeMappings(auth),
    ...(teamAllowedRoutes && { teamAllowedRoutes }),
    ...(teamIdDefault !== undefined && { teamIdDefault }),
    ...(userAllowedEmailDomain !== undefined && { userAllowedEmailDomain }),
  };
  requireTogether(auth, general, settings, claims);
  auth.ignoreTheRest();
  return settings;
}

function claimsOf(section: Section, above: JwtClaims = {}): JwtClaims {
  const own = Object.entries(CLAIMS).map(([key, claim]) => [claim, claimPath(section, key)] as const);
  return { ...above, ...Object.fromEntries(own.filter(([, path]) => path !== undefined)) };
}

function claimPath(section: Section, key: string): string | undefined {
  const path = section.text(key);
  if (path !== undefined && /\[|\.\d+(?:\.|$)/.test(path))
    section.problem(key, 'must name the claim itself; of a list the first is taken');
  return path;
}

function issuersOf(auth: Section, claims: JwtClaims): TrustedIssuer[] {
  return auth.sections('issuers').map((entry) => {
    const issuer = entry.requiredText('issuer');
    const trusted = {
      ...(issuer && { issuer }),
      keyUrls: addresses(entry, 'jwks_url', entry.told('jwks_url')),
      ...audiences(entry),
      claims: claimsOf(entry, claims),
    };
    entry.ignoreTheRest();
    if (issuer && !trusted.keyUrls.length) requireAddress(entry, 'issuer', issuer);
    return trusted;
  });
}

/** Whom the fields of `litellm_jwtauth` itself trust; nobody where only `issuers` are listed. */
function globalIssuer(
  auth: Section,
  claims: JwtClaims,
  told: ToldOfTokens,
  othersAreListed: boolean,
): TrustedIssuer[] {
  const issuer = told.issuer ?? auth.told('issuer');
  const keysUrl = told.keysUrl ?? auth.told('public_key_url');
  const isAnyIssuer = auth.flag('disable_issuer_validation') ?? false;
  if (othersAreListed && !issuer && !keysUrl && !isAnyIssuer) return [];
  if (!issuer && !isAnyIssuer)
    auth.problem('issuer', 'is required (or JWT_ISSUER); disable_issuer_validation: true trusts any');
  if (issuer && isAnyIssuer) auth.problem('disable_issuer_validation', `contradicts ${issuer.at}`);
  const keyUrls = addresses(auth, 'public_key_url', keysUrl);
  if (!keyUrls.length && issuer) requireAddress(auth, 'issuer', issuer.text);
  if (!keyUrls.length && !issuer)
    auth.problem('public_key_url', 'is required (or JWT_PUBLIC_KEY_URL), unless issuer says where to ask');
  return [
    {
      ...(issuer && { issuer: issuer.text }),
      keyUrls,
      ...audiences(auth, told.audience),
      claims,
    },
  ];
}

/** One text, several by comma, or a list. */
function audiences(section: Section, told?: Told): Pick<TrustedIssuer, 'audiences'> {
  const isAny = section.flag('disable_audience_validation') ?? false;
  const own = Array.isArray(section.raw('audience')) ? section.texts('audience') : section.text('audience');
  const meant = told ? commaList(told.text) : typeof own === 'string' ? commaList(own) : (own ?? []);
  if (meant.length && isAny)
    section.problem('disable_audience_validation', `contradicts ${told?.at ?? 'audience'}`);
  if (!meant.length && !isAny)
    section.problem(
      'audience',
      'is required (for all tokens: or JWT_AUDIENCE); disable_audience_validation: true accepts what is meant for anybody',
    );
  return meant.length ? { audiences: meant } : {};
}

function addresses(section: Section, key: string, told: Told | undefined): string[] {
  const urls = told ? commaList(told.text) : [];
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

function roleMappings(auth: Section): JwtSettings['roleMappings'] {
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
  const [models, routes] = [entry.texts('models'), entry.texts('routes')];
  const permission = { role: role ?? 'internal_user', ...(models && { models }), ...(routes && { routes }) };
  entry.ignoreTheRest();
  return permission;
}

function scopeMappings(auth: Section): JwtSettings['scopeMappings'] {
  const isEnforced = auth.flag('enforce_scope_based_access') ?? false;
  const mappings = auth.sections('scope_mappings').map((mapping) => {
    const routes = mapping.texts('routes');
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

function requireTogether(
  auth: Section,
  general: Section,
  { userAllowedRoles, roleMappings: mappings, rolePermissions, enforceRbac }: JwtSettings,
  { userRoles, roles, objectId }: JwtClaims,
): void {
  if ((userRoles === undefined) !== !userAllowedRoles.length)
    auth.problem('user_allowed_roles', 'and user_roles_jwt_field must be set together');
  if ((roles === undefined) !== !mappings.length)
    auth.problem('role_mappings', 'and roles_jwt_field must be set together');
  if (objectId !== undefined && !mappings.length)
    auth.problem('object_id_jwt_field', 'needs role_mappings: they say whose id it is');
  if (rolePermissions.length && !enforceRbac)
    general.problem('role_permissions', 'needs litellm_jwtauth.enforce_rbac: true');
}
