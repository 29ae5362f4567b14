import { type Check, deny } from '../decision.js';
import type { CredentialFacts, RouteFacts } from '../facts.js';
import { MASTER_KEY_ROUTES, namesRoute, ROLE_ROUTES, routeListAllows } from '../routes.js';
import { someOf } from '../some-of.js';

/** The caller's role may call this route, and so may its key. (Seed: `allowed_routes_check`.) */
export const routeIsAllowed: Check = ({ credential, route }) => {
  if (credential.kind !== 'key' && credential.kind !== 'token' && credential.kind !== 'master')
    return deny(undefined);
  const { role } = credential;
  const knocks = role === 'proxy_admin' || route.roles === 'any' || route.roles.includes(role);
  const opens = knocks && (route.callsModel || routeListAllows(ROLE_ROUTES[role], route.path));
  if (!opens && !isScraper(credential, route)) {
    return deny({
      code: 'route_not_allowed',
      message: `${roleRefusal(route)} Route=${route.path}. Your role=${role}.`,
    });
  }
  if (credential.kind !== 'master' && MASTER_KEY_ROUTES.has(route.path)) {
    return deny({
      code: 'route_not_allowed',
      message: `Only the master key may call this route. Route=${route.path}.`,
    });
  }
  if (credential.kind === 'key' && !routeListAllows(credential.allowedRoutes, route.path)) {
    return deny({
      code: 'route_not_allowed',
      message: `Virtual key is not allowed to call this route. Only allowed to call routes: [${entriesOf(credential.allowedRoutes)}]. Tried to call route: ${route.path}`,
      scope: { kind: 'key', id: credential.hint },
    });
  }
  if (credential.kind === 'token') {
    const closed = credential.routes.find((list) => !routeListAllows(list, route.path));
    return deny(
      closed && {
        code: 'route_not_allowed',
        message: `${role === 'proxy_admin' ? 'Admin' : 'Token'} not allowed to access this route. Route=${route.path}, Allowed Routes=[${entriesOf(closed)}]`,
      },
    );
  }
  return deny(undefined);
};

/**
 * Tells whether a key without a user reads the metrics, because its list names them. Only proxy admins can put them there. A key
 * of a user has its user's rights alone, so that an admin who lost the role keeps nothing.
 */
const isScraper = (credential: CredentialFacts, { method, path }: RouteFacts) =>
  path === '/metrics' &&
  (method === 'GET' || method === 'HEAD') &&
  credential.kind === 'key' &&
  (credential.role === 'customer' || credential.role === 'team') &&
  namesRoute(credential.allowedRoutes, path);

/** Returns why a role may not call a route. Of routes that write it is LiteLLM's sentence, for which clients search. */
function roleRefusal({ method, path, roles }: RouteFacts): string {
  if (roles === 'any') return 'This role may not call this route.';
  const reads = method === 'GET' || method === 'HEAD' || path.endsWith('/info');
  return reads
    ? `Only ${['proxy_admin', ...roles].join(', ')} may read this.`
    : 'Only proxy admin can be used to generate, delete, update info for new keys/users/teams.';
}

const entriesOf = (list: 'any' | { readonly entries: readonly string[] }) =>
  list === 'any' ? '*' : someOf(list.entries);
