import { type Check, deny } from '../decision.js';
import { routeListAllows } from '../routes.js';

/** The proxy's settings open this route to this caller. (`general_settings.allowed_routes`, `admin_only_routes`) */
export const proxyServesRoute: Check = ({ credential, route: { path }, settings }) => {
  const { allowedRoutes, adminOnlyRoutes } = settings;
  if (allowedRoutes && !routeListAllows(allowedRoutes, path))
    return deny({ code: 'route_not_allowed', message: `Access forbidden: Route ${path} not allowed` });
  const isAdmin = 'role' in credential && credential.role === 'proxy_admin';
  if (adminOnlyRoutes && !isAdmin && routeListAllows(adminOnlyRoutes, path))
    return deny({
      code: 'route_not_allowed',
      message: `user not allowed to access this route. Route=${path} is an admin only route`,
    });
  return deny(undefined);
};
