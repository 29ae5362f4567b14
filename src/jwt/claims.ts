import type { JwtClaims, JwtRole, JwtSettings, TrustedIssuer } from '../config/config.js';
import { foldedAddress } from '../platform/folded-address.js';
import type { Role } from '../policy/facts.js';
import { compileModelList, type ModelList } from '../policy/model-list.js';
import { compileRouteList, type RouteList } from '../policy/routes.js';

/** Identities that a verified token names, by its claims alone. No row was read yet. */
export interface TokenSubject {
  /** The role that the token itself gives. Absent: the rows decide. */
  readonly role?: Role;
  readonly userId?: string;
  readonly userEmail?: string;
  /**
   * Ids of the teams that the token may act for, in the order they are tried. A token without ids may have a `teamAlias`.
   */
  readonly teamIds: readonly string[];
  readonly teamAlias?: string;
  readonly organizationId?: string;
  readonly organizationAlias?: string;
  readonly endUserId?: string;
  readonly subject?: string;
  /** Limits of the token itself. Every list must allow the call. */
  readonly routes: readonly RouteList[];
  readonly models: readonly ModelList[];
}

/** The reason why a verified token authenticates no caller. */
export interface UnknownSubject {
  readonly code: 'token_invalid' | 'token_not_allowed';
  readonly reason: string;
}

/** Settings for the tokens of one issuer. */
export type IssuerRules = Omit<JwtSettings, 'issuers'> & Pick<TrustedIssuer, 'userIdPrefix'>;

export type Payload = Readonly<Record<string, unknown>>;

/** Reads the identities that a token names. A claim that the configuration of its issuer does not mention has no effect. */
export function subjectOf(
  payload: Payload,
  claims: JwtClaims,
  settings: IssuerRules,
): TokenSubject | UnknownSubject {
  const subject = subjectIn(payload, claims, settings);
  if (subject.isAdmin) return { ...common(payload, claims), ...subject.user, ...adminOf(settings) };
  const objection = objectionTo(subject, claims, settings);
  if (objection) return objection;
  return {
    ...common(payload, claims),
    ...subject.user,
    teamIds: subject.teamIds,
    ...(!subject.teamIds.length && optional('teamAlias', subject.teamAlias)),
    ...limitsOf(subject, payload, settings),
  };
}

const adminOf = ({ adminAllowedRoutes }: IssuerRules) => ({
  role: 'proxy_admin' as const,
  teamIds: [],
  routes: [onlyRoutes(adminAllowedRoutes)],
  models: [],
});

const common = (payload: Payload, claims: JwtClaims) => ({
  ...optional('organizationId', first(payload, claims.organizationId)),
  ...optional('organizationAlias', first(payload, claims.organizationAlias)),
  ...optional('endUserId', first(payload, claims.endUserId)),
  ...optional('subject', first(payload, 'sub')),
});

interface ClaimedSubject {
  readonly isAdmin: boolean;
  readonly user: { readonly userId?: string; readonly userEmail?: string };
  readonly teamIds: readonly string[];
  readonly teamAlias: string | undefined;
}

function subjectIn(payload: Payload, claims: JwtClaims, settings: IssuerRules): ClaimedSubject {
  const roles = all(payload, claims.roles);
  const mappedRole = settings.roleMappings.find(({ role }) => roles.includes(role))?.internalRole;
  const objectId = first(payload, claims.objectId);
  const team = first(payload, claims.teamId) ?? (mappedRole === 'team' ? objectId : undefined);
  const teamIds = [...(team === undefined ? [] : [team]), ...all(payload, claims.teamIds)];
  const teamAlias = first(payload, claims.teamAlias);
  if (!teamIds.length && teamAlias === undefined && settings.teamIdDefault !== undefined)
    teamIds.push(settings.teamIdDefault);
  return {
    isAdmin:
      mappedRole === 'proxy_admin' ||
      (settings.adminScope !== undefined && scopesOf(payload).includes(settings.adminScope)),
    user: userIn(payload, claims, settings, mappedRole === 'internal_user' ? objectId : undefined),
    teamIds: [...new Set(teamIds)],
    teamAlias,
  };
}

/** Reads the user. If the configuration limits users to some roles, an issuer without a claim for roles names no user. */
function userIn(
  payload: Payload,
  claims: JwtClaims,
  { userAllowedRoles, userIdPrefix = '' }: IssuerRules,
  objectId: string | undefined,
): ClaimedSubject['user'] {
  const isUser =
    (claims.userRoles === undefined && !userAllowedRoles.length) ||
    all(payload, claims.userRoles).some((role) => userAllowedRoles.includes(role));
  if (!isUser) return {};
  const email = isVerified(payload, claims.userEmail) ? first(payload, claims.userEmail) : undefined;
  const isOwn = !isAddress(claims.userId, claims) || isVerified(payload, claims.userId);
  const userId = (isOwn ? first(payload, claims.userId) : undefined) ?? objectId ?? email;
  return {
    ...optional('userId', userId === undefined ? undefined : userIdPrefix + userId),
    ...optional('userEmail', email),
  };
}

const EMAIL = /(?<=^|[./])email$/;

/** Tells whether the claim at this path names users by email address. */
const isAddress = (path: string | undefined, { userEmail }: JwtClaims) =>
  path !== undefined && (path === userEmail || EMAIL.test(path));

/** Tells whether an address counts. A claim `email_verified`, beside the address or at the top, must be absent or true. */
const isVerified = (payload: Payload, path: string | undefined) =>
  ['email_verified', (path ?? '').replace(EMAIL, 'email_verified')]
    .map((claim) => claimAt(payload, claim))
    .every((verified) => verified === undefined || verified === true || verified === 'true');

const hasTeam = ({ teamIds, teamAlias }: ClaimedSubject) => teamIds.length > 0 || teamAlias !== undefined;

function objectionTo(
  subject: ClaimedSubject,
  claims: JwtClaims,
  { userAllowedEmailDomain: domain, enforceRbac, enforceTeam }: IssuerRules,
): UnknownSubject | undefined {
  const { userId, userEmail } = subject.user;
  const refused = (reason: string): UnknownSubject => ({ code: 'token_not_allowed', reason });
  if (!hasTeam(subject) && claims.teamId !== undefined && claims.teamIds === undefined)
    return {
      code: 'token_invalid',
      reason: `No team found in token. Checked team_id field '${claims.teamId}' and team_alias field '${claims.teamAlias ?? ''}'.`,
    };
  if (!hasTeam(subject) && enforceTeam)
    return refused('No team found in token. enforce_team_based_model_access is set to True.');
  if (
    domain !== undefined &&
    userId !== undefined &&
    !(userEmail && foldedAddress(userEmail).endsWith(`@${domain}`))
  )
    return refused(`The token's user has no email of the allowed domain ${domain}.`);
  if (hasTeam(subject) || userId !== undefined) return undefined;
  return refused(
    enforceRbac
      ? 'Unmatched token passed in. enforce_rbac is set to True. Token must belong to a proxy admin, team, or user.'
      : 'The token names neither a user nor a team.',
  );
}

/**
 * Returns the limits of the token itself, beside those of its rows. A token with limited models is a `customer`, so it
 * creates no keys that may call others.
 */
function limitsOf(
  subject: ClaimedSubject,
  payload: Payload,
  { teamAllowedRoutes, rolePermissions, scopeMappings }: IssuerRules,
): Pick<TokenSubject, 'role' | 'routes' | 'models'> {
  const role: JwtRole = hasTeam(subject) ? 'team' : 'internal_user';
  const permission = rolePermissions.find((entry) => entry.role === role);
  const scopes = scopesOf(payload);
  const granted = scopeMappings?.filter(({ scope }) => scopes.includes(scope));
  const routes = [
    role === 'team' ? teamAllowedRoutes : undefined,
    permission?.routes,
    granted?.length && granted.every((mapping) => mapping.routes)
      ? granted.flatMap((mapping) => mapping.routes!)
      : undefined,
  ];
  const models = [permission?.models, granted?.flatMap((mapping) => mapping.models)];
  const isLimited = models.some((list) => list !== undefined);
  return {
    ...(isLimited && { role: 'customer' as const }),
    routes: routes.filter((list) => list !== undefined).map(onlyRoutes),
    models: models.filter((list) => list !== undefined).map(onlyModels),
  };
}

/** An empty list allows nothing here, unlike an empty list of a row. */
const onlyRoutes = (routes: readonly string[]) => compileRouteList(routes.length ? routes : ['(none)']);
const onlyModels = (models: readonly string[]) =>
  compileModelList(models.length ? models : ['no-default-models']);

const scopesOf = ({ scope }: Payload): string[] =>
  typeof scope === 'string' ? scope.split(' ').filter(Boolean) : namesIn(scope);

const all = (payload: Payload, path: string | undefined) =>
  path === undefined ? [] : namesIn(claimAt(payload, path));

const first = (payload: Payload, path: string | undefined): string | undefined => all(payload, path)[0];

/** Returns the value at a dotted path. A claim whose own name has dots takes precedence. */
function claimAt(payload: Payload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  let value: unknown = payload;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Payload)[name];
  }
  return value;
}

/** Pattern of names that can be stored and shown. Other values name no identity. */
const NAME = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

const namesIn = (value: unknown): string[] =>
  (Array.isArray(value) ? (value as unknown[]) : [value])
    .map((one) => (typeof one === 'number' ? String(one) : one))
    .filter((one): one is string => typeof one === 'string' && NAME.test(one));

const optional = <K extends string, T>(key: K, value: T | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { readonly [name in K]?: T };
