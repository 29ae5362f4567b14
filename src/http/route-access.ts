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

/** Who may knock: a stranger, whoever may read metrics (configured), anyone with a credential, administrators, or a caller about to spend. */
export type RouteAccess = 'open' | 'metrics' | 'caller' | 'admin' | 'model';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling, once a guard knows. */
    principal?: Principal;
    /** What the guard found of its rights, for what it writes; absent for the master key. */
    rights?: WriteRights;
  }
}

const ROUTE_ACCESS_METADATA = 'tollgate:route-access';

/** The door a handler (or else its class) stands behind; `undefined` means somebody forgot, and the start fails. */
export function routeAccessOf(...targets: object[]): RouteAccess | undefined {
  return targets
    .map((target) => Reflect.getMetadata(ROUTE_ACCESS_METADATA, target) as RouteAccess | undefined)
    .find(Boolean);
}

export const setRouteAccess = (door: RouteAccess) => SetMetadata(ROUTE_ACCESS_METADATA, door);

const refusals = (...statuses: [number, string][]) =>
  statuses.map(([status, description]) => ApiResponse({ status, description, type: ErrorEnvelope }));

/** A route that answers a stranger. */
export const PublicRoute = () => setRouteAccess('open');

/** A route for administrators, or for strangers where `require_auth_for_metrics_endpoint: false` says so. */
export const MetricsRoute = () =>
  applyDecorators(
    setRouteAccess('metrics'),
    ApiBearerAuth(),
    ...refusals([401, 'No credential, or not a valid one.']),
  );

/** A route for anyone with a valid credential whose role and key allow it. */
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

/** A route for administrators, and for whomever `ADMIN_RULES` lists. */
export const AdminRoute = () =>
  applyDecorators(
    setRouteAccess('admin'),
    UseInterceptors(AuditContextInterceptor),
    ApiBearerAuth(),
    ...refusals(
      [400, 'The request contradicts itself, or the configuration file.'],
      [401, 'No credential, or not a valid one.'],
      [403, 'This caller may not.'],
      [404, 'Not there, or not this caller’s.'],
      [409, 'The id or name is taken, or somebody needs what should go.'],
      [422, 'The body or query is invalid; `details.fields` names each problem.'],
      [503, 'The database does not answer.'],
    ),
  );

/** Who is calling, and what is theirs: every handler behind an administrator's door answers and changes only that. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal: caller } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!caller) throw new Error('A route asks for its caller but stands behind no guard.');
  return caller;
});
