import type { Role } from './facts.js';
import type { RouteList } from './routes.js';

export type OrganizationRole = 'org_admin' | 'internal_user' | 'internal_user_viewer';

/** What somebody is in a team. An `org_admin` stands above the team's own admins. */
export interface TeamRole {
  readonly as: 'org_admin' | 'admin' | 'user';
  /** What the team lets its members do with its keys: routes. */
  readonly permissions: readonly string[];
}

/** Who asks at an administrator's door, and what is theirs. */
export interface Principal {
  /** What goes into `created_by` and `updated_by`. */
  readonly id: string;
  readonly role: Role;
  /** Null for a key without a user. */
  readonly userId: string | null;
  /** The calling key's hash; absent for the master key and for tokens. */
  readonly keyHash?: string;
  /** Lists that limit what a token may call, each by itself: keys it makes may call no more. */
  readonly routes?: readonly RouteList[];
  /** What a token's caller is known by; absent for everyone else. */
  readonly tokenId?: string;
  /** The teams they are in, and all teams of the organizations they administer. */
  readonly teams: ReadonlyMap<string, TeamRole>;
  readonly organizations: ReadonlyMap<string, OrganizationRole>;
}

/** What says whose a key is. */
interface KeyOwners {
  readonly secretHash: string;
  readonly userId: string | null;
  readonly teamId: string | null;
  readonly organizationId: string | null;
}

/** What members of a team may do with its keys when the team lists nothing (LiteLLM's default). */
const DEFAULT_MEMBER_PERMISSIONS: readonly string[] = ['/key/info', '/key/health'];

/** What members may do of a team that lists this much. */
export const memberPermissions = (listed: readonly string[]): readonly string[] =>
  listed.length ? listed : DEFAULT_MEMBER_PERMISSIONS;

/** The role of a key: its user's, else `team` for a team's key, else `customer`. Words nobody knows are an `internal_user`. */
export function roleOf(
  user: { readonly userRole: string | null } | null,
  key: Omit<KeyOwners, 'secretHash'>,
): Role {
  if (key.userId === null) return key.teamId === null ? 'customer' : 'team';
  const known = USER_ROLES.find((role) => role === user?.userRole);
  return known ?? 'internal_user';
}

/** The roles a user's row may have. */
export const USER_ROLES = [
  'proxy_admin',
  'proxy_admin_viewer',
  'internal_user',
  'internal_user_viewer',
] as const;

export const isProxyAdmin = ({ role }: Principal) => role === 'proxy_admin';

export const seesEverything = ({ role }: Principal) =>
  role === 'proxy_admin' || role === 'proxy_admin_viewer';

/** Is it this caller's own? The calling key itself counts. */
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

/** May they do what `route` does to this key? A team's key is the team's matter: even its user needs the team's permission. */
export function mayChangeKey(caller: Principal, key: KeyOwners, route: string): boolean {
  if (isProxyAdmin(caller) || administersKey(caller, key)) return true;
  if (key.teamId !== null) return mayInTeam(caller, key.teamId, route);
  return caller.userId !== null && key.userId === caller.userId;
}

/** Do they stand above the key, so that they may undo what was done to it? */
export const administersKey = (caller: Principal, { teamId, organizationId }: KeyOwners) =>
  isProxyAdmin(caller) || administersTeam(caller, teamId) || administersOrganization(caller, organizationId);

/** Is this a team's admin, an admin of its organization, or a member the team permits it? */
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

/** Does the team belong to an organization they administer? */
export const ownsTeam = (caller: Principal, teamId: string) =>
  isProxyAdmin(caller) || caller.teams.get(teamId)?.as === 'org_admin';

export const maySeeOrganization = (caller: Principal, organizationId: string) =>
  seesEverything(caller) || caller.organizations.has(organizationId);

export const administersOrganization = (caller: Principal, organizationId: string | null) =>
  isProxyAdmin(caller) ||
  (organizationId !== null && caller.organizations.get(organizationId) === 'org_admin');

/** The teams in which they may do this, for lists. */
export const teamsWhere = (caller: Principal, permission: string) =>
  [...caller.teams.keys()].filter((teamId) => mayInTeam(caller, teamId, permission));

export const administeredTeams = (caller: Principal) =>
  [...caller.teams.keys()].filter((teamId) => administersTeam(caller, teamId));

export const administeredOrganizations = (caller: Principal) =>
  [...caller.organizations.keys()].filter((id) => administersOrganization(caller, id));
