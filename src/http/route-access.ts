import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { WriteRights } from '../platform/audit-context.js';
import type { Principal } from '../policy/principal.js';
import { AuditContextInterceptor } from './audit-context.interceptor.js';
import { ErrorEnvelope } from './error-envelope.dto.js';

/**
 * Access level of a route. `open`: any client. `metrics`: admins, or any client if so configured. `caller`: any valid
 * credential. `admin`: admins. `model`: callers of models.
 */
export type RouteAccess = 'open' | 'metrics' | 'caller' | 'admin' | 'model';

declare module 'fastify' {
  interface FastifyRequest {
    /** The principal of the request. Set by a guard. */
    principal?: Principal;
    /** The rights that the guard read, to compare them at the write. Absent for the master key. */
    rights?: WriteRights;
  }
}

const ROUTE_ACCESS_METADATA = 'tollgate:route-access';

/** Returns the access level of a handler, or else of its class. If it is undefined, the gateway does not start. */
export function routeAccessOf(...targets: object[]): RouteAccess | undefined {
  return targets
    .map((target) => Reflect.getMetadata(ROUTE_ACCESS_METADATA, target) as RouteAccess | undefined)
    .find(Boolean);
}

export const setRouteAccess = (access: RouteAccess) => SetMetadata(ROUTE_ACCESS_METADATA, access);

const refusals = (...statuses: [number, string][]) =>
  statuses.map(([status, description]) => ApiResponse({ status, description, type: ErrorEnvelope }));

/** Marks a route that needs no credential. */
export const PublicRoute = () => setRouteAccess('open');

/** Marks a route for admins. It needs no credential if `require_auth_for_metrics_endpoint` is false. */
export const MetricsRoute = () =>
  applyDecorators(
    setRouteAccess('metrics'),
    ApiBearerAuth(),
    ...refusals([401, 'No credential, or not a valid one.']),
  );

/** Marks a route for every caller with a valid credential whose role and key allow it. */
export const CallerRoute = () =>
  applyDecorators(
    setRouteAccess('caller'),
    ApiBearerAuth(),
    ...refusals(
      [401, 'No credential, or not a valid one.'],
      [403, 'This caller may not.'],
      [503, 'The database does not answer.'],
    ),
  );

/** Marks a route for proxy admins, and for the roles that `ADMIN_RULES` lists. */
export const AdminRoute = () =>
  applyDecorators(
    setRouteAccess('admin'),
    UseInterceptors(AuditContextInterceptor),
    ApiBearerAuth(),
    ...refusals(
      [400, 'The request contradicts itself, or the configuration file.'],
      [401, 'No credential, or not a valid one.'],
      [403, 'This caller may not, or may see no such row, whether or not there is one.'],
      [404, 'The row is missing. Only proxy admins and their viewers learn it; all other callers get 403.'],
      [409, 'The id or name is taken, or somebody needs what should go.'],
      [422, 'The body or query is invalid; `details.fields` names each problem.'],
      [503, 'The database does not answer.'],
    ),
  );

/** Injects the principal of the request. Handlers of admin routes show and change only what this principal may. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!principal) throw new Error('A route asks for its caller but stands behind no guard.');
  return principal;
});
