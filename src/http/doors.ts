import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Role } from '../policy/facts.js';
import { ErrorEnvelope } from './error-envelope.dto.js';

/** Who may knock: a stranger, whoever may read metrics (configured), anyone with a credential, administrators, or a caller about to spend. */
export type Door = 'open' | 'metrics' | 'caller' | 'admin' | 'model';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling, once a guard knows: the admin's or the key owner's name. */
    callerId?: string;
    caller?: CallerIdentity;
  }
}

/** Who is asking, for handlers that answer different callers differently. */
export interface CallerIdentity {
  readonly role: Role;
  /** Absent for the master key. */
  readonly keyHash?: string;
}

const DOOR = 'tollgate:door';

/** The door a handler (or else its class) stands behind; `undefined` means somebody forgot, and the start fails. */
export function doorOf(...targets: object[]): Door | undefined {
  return targets.map((target) => Reflect.getMetadata(DOOR, target) as Door | undefined).find(Boolean);
}

export const markDoor = (door: Door) => SetMetadata(DOOR, door);

const refusals = (...statuses: [number, string][]) =>
  statuses.map(([status, description]) => ApiResponse({ status, description, type: ErrorEnvelope }));

/** A route that answers a stranger. */
export const OpenRoute = () => markDoor('open');

/** A route for administrators, or for strangers where `require_auth_for_metrics_endpoint: false` says so. */
export const MetricsRoute = () =>
  applyDecorators(
    markDoor('metrics'),
    ApiBearerAuth(),
    ...refusals([401, 'No credential, or not a valid one.']),
  );

/** A route for anyone with a valid credential whose role and key allow it. */
export const CallerRoute = () =>
  applyDecorators(
    markDoor('caller'),
    ApiBearerAuth(),
    ...refusals(
      [401, 'No credential, or not a valid one.'],
      [403, 'This caller may not.'],
      [503, 'The database does not answer.'],
    ),
  );

/** A route for administrators. */
export const AdminRoute = () =>
  applyDecorators(
    markDoor('admin'),
    ApiBearerAuth(),
    ...refusals(
      [401, 'No credential, or not a valid one.'],
      [403, 'Not an administrator.'],
      [422, 'The body or query is invalid; `details.fields` names each problem.'],
      [503, 'The database does not answer.'],
    ),
  );

/** Who is calling, as it goes into `created_by` and `updated_by`. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const { callerId } = context.switchToHttp().getRequest<FastifyRequest>();
  if (callerId === undefined) throw new Error('A route asks for its caller but stands behind no guard.');
  return callerId;
});
