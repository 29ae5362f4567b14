import type { Role } from './facts.js';
import type { RouteList } from './routes.js';

export type OrganizationRole = 'org_admin' | 'internal_user' | 'internal_user_viewer';

/** The id of the user that the master key acts for, as in LiteLLM. It has no row. */
export const MASTER_CALLER_ID = 'default_user_id';

/** Roles of a user in a team. An `org_admin` stands above the admins of the team. */
export interface TeamRole {
  readonly as: 'org_admin' | 'admin' | 'user';
  /** Routes that the team permits its members to call for its keys. */
  readonly permissions: readonly string[];
}

/** The caller of an admin route, and what the caller owns. */
export interface Principal {
  /** Value of `created_by` and `updated_by` of what the caller writes. */
  readonly id: string;
  readonly role: Role;
  /** Null for a key without a user. */
  readonly userId: string | null;
  /** Hash of the calling key; absent for the master key and for tokens. */
  readonly keyHash?: string;
  /** Route lists that limit a token. Each limits alone. A key that the caller makes may call no more. */
  readonly routes?: readonly RouteList[];
  /** Id of a token's caller; absent for all others. */
  readonly tokenId?: string;
  /** Teams of the caller, and all teams of the organizations that the caller administers. */
  readonly teams: ReadonlyMap<string, TeamRole>;
  readonly organizations: ReadonlyMap<string, OrganizationRole>;
}

/** The columns that say who owns a key. */
interface KeyOwners {
  readonly secretHash: string;
  readonly userId: string | null;
  readonly teamId: string | null;
  readonly organizationId: string | null;
}

/** Permissions of a team's members if the team lists none (LiteLLM's default). */
const DEFAULT_MEMBER_PERMISSIONS: readonly string[] = ['/key/info', '/key/health'];

/** Returns what members may do in a team that lists these permissions. */
export const memberPermissions = (listed: readonly string[]): readonly string[] =>
  listed.length ? listed : DEFAULT_MEMBER_PERMISSIONS;

/**
 * Returns the role of a key: its user's, else `team` for a key of a team, else `customer`. An unknown role counts as
 * `internal_user`.
 */
export function roleOf(
  user: { readonly userRole: string | null } | null,
  key: Omit<KeyOwners, 'secretHash'>,
): Role {
  if (key.userId === null) return key.teamId === null ? 'customer' : 'team';
  const known = USER_ROLES.find((role) => role === user?.userRole);
  return known ?? 'internal_user';
}

/** Roles that a user's row may have. */
export const USER_ROLES = [
  'proxy_admin',
  'proxy_admin_viewer',
  'internal_user',
  'internal_user_viewer',
] as const;

export const isProxyAdmin = ({ role }: Principal) => role === 'proxy_admin';

export const seesEverything = ({ role }: Principal) =>
  role === 'proxy_admin' || role === 'proxy_admin_viewer';

/** Tells whether the caller may see a key. The calling key itself counts as the caller's own. */
const ownsKey = ({ userId, keyHash }: Principal, key: KeyOwners) =>
  key.secretHash === keyHash || (userId !== null && key.userId === userId);

export function maySeeKey(caller: Principal, key: KeyOwners): boolean {
  return (
    seesEverything(caller) ||
    ownsKey(caller, key) ||
    mayInTeam(caller, key.teamId, '/key/info') ||
    administersOrganization(caller, key.organizationId)
  );
}

/**
 * Tells whether the caller may do what `route` does to this key. For a key of a team, even its user needs the team's
 * permission.
 */
export function mayChangeKey(caller: Principal, key: KeyOwners, route: string): boolean {
  if (isProxyAdmin(caller) || administersKey(caller, key)) return true;
  if (key.teamId !== null) return mayInTeam(caller, key.teamId, route);
  return caller.userId !== null && key.userId === caller.userId;
}

/** Tells whether the caller administers the key, and so may undo what others did to it. */
export const administersKey = (caller: Principal, { teamId, organizationId }: KeyOwners) =>
  isProxyAdmin(caller) || administersTeam(caller, teamId) || administersOrganization(caller, organizationId);

/**
 * Tells whether the caller is an admin of the team, an admin of its organization, or a member whom the team permits this.
 */
export function mayInTeam(caller: Principal, teamId: string | null, permission: string): boolean {
  if (isProxyAdmin(caller)) return true;
  const role = teamId === null ? undefined : caller.teams.get(teamId);
  return role !== undefined && (role.as !== 'user' || role.permissions.includes(permission));
}

export const maySeeTeam = (caller: Principal, teamId: string) =>
  seesEverything(caller) || caller.teams.has(teamId);

export function administersTeam(caller: Principal, teamId: string | null): boolean {
  if (isProxyAdmin(caller)) return true;
  const role = teamId === null ? undefined : caller.teams.get(teamId);
  return role !== undefined && role.as !== 'user';
}

/** Tells whether the caller is above the team's admins: the team belongs to an organization that the caller administers. */
export const isAboveTeam = (caller: Principal, teamId: string) =>
  isProxyAdmin(caller) || caller.teams.get(teamId)?.as === 'org_admin';

export const maySeeOrganization = (caller: Principal, organizationId: string) =>
  seesEverything(caller) || caller.organizations.has(organizationId);

export const administersOrganization = (caller: Principal, organizationId: string | null) =>
  isProxyAdmin(caller) ||
  (organizationId !== null && caller.organizations.get(organizationId) === 'org_admin');

/** Returns the teams in which the caller may do this, for lists. */
export const teamsWhere = (caller: Principal, permission: string) =>
  [...caller.teams.keys()].filter((teamId) => mayInTeam(caller, teamId, permission));

export const administeredTeams = (caller: Principal) =>
  [...caller.teams.keys()].filter((teamId) => administersTeam(caller, teamId));

export const administeredOrganizations = (caller: Principal) =>
  [...caller.organizations.keys()].filter((id) => administersOrganization(caller, id));
