import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import { type RouteAccess, routeAccessOf } from '../http/route-access.js';
import { matchedPath } from '../http/matched-path.js';
import { ADMIN_RULES } from '../policy/admin-rules.js';
import type { RouteFacts } from '../policy/facts.js';
import type { AccessRequest } from './access-request.js';
import { presentedCredential, requestedTeamId } from './credential.js';
import { LlmRequestReader } from './llm-request.reader.js';

/** Reads the access that an HTTP request asks for. */
@Injectable()
export class AccessRequestReader {
  private readonly doors = new WeakMap<object, RouteAccess>();

  constructor(
    private readonly llmRequests: LlmRequestReader,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Returns the access that a request asks for; undefined on a public route. */
  read(context: ExecutionContext, request: FastifyRequest): AccessRequest | undefined {
    const door = this.door(context);
    if (door === 'open' || (door === 'metrics' && this.config.litellm.openMetrics)) return undefined;
    return {
      presented: presentedCredential(request.headers, request.raw.rawHeaders),
      teamId: requestedTeamId(request),
      route: {
        path: matchedPath(request),
        method: request.method,
        roles: door === 'admin' || door === 'metrics' ? rolesAt(request) : 'any',
        callsModel: door === 'model',
      },
      llm: door === 'model' ? this.llmRequests.of(request) : undefined,
    };
  }

  private door(context: ExecutionContext): RouteAccess {
    const handler = context.getHandler();
    let door = this.doors.get(handler);
    if (!door) {
      // A route without a mark counts as an admin route. `RouteGuardCheck` stops a start with such a route.
      door = routeAccessOf(handler, context.getClass()) ?? 'admin';
      this.doors.set(handler, door);
    }
    return door;
  }
}

/** Returns the roles that a route admits beside `proxy_admin`; none if it has no rule. HEAD is a read like GET. */
function rolesAt({ method, routeOptions }: FastifyRequest): RouteFacts['roles'] {
  return ADMIN_RULES[`${method === 'HEAD' ? 'GET' : method} ${routeOptions.url}`] ?? [];
}
