import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import { AddressList } from '../platform/address-list.js';
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
  private readonly accessByHandler = new WeakMap<object, RouteAccess>();

  private readonly allowedAddresses: AddressList | undefined;

  constructor(
    private readonly llmRequests: LlmRequestReader,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const { allowedIps } = config.general;
    this.allowedAddresses = allowedIps && new AddressList(allowedIps);
  }

  /** Returns the access that a request asks for; undefined on a public route. */
  read(context: ExecutionContext, request: FastifyRequest): AccessRequest | undefined {
    const access = this.routeAccess(context);
    if (access === 'open' || (access === 'metrics' && this.config.litellm.openMetrics)) return undefined;
    return {
      presented: presentedCredential(request.headers, request.raw.rawHeaders),
      headers: request.raw.headers,
      storableAddress: request.storableAddress,
      teamId: requestedTeamId(request),
      route: {
        path: matchedPath(request),
        method: request.method,
        roles: access === 'admin' || access === 'metrics' ? rolesAt(request) : 'any',
        callsModel: access === 'model',
        refusedAddress: this.allowedAddresses && this.refusedAddress(request),
      },
      llm: access === 'model' ? this.llmRequests.of(request) : undefined,
    };
  }

  /** Returns the client's address if no call may come from it. An unknown address is refused. */
  private refusedAddress({ clientAddress = 'unknown' }: FastifyRequest): string | undefined {
    return this.allowedAddresses!.has(clientAddress) ? undefined : clientAddress;
  }

  private routeAccess(context: ExecutionContext): RouteAccess {
    const handler = context.getHandler();
    let access = this.accessByHandler.get(handler);
    if (!access) {
      // A route without a mark counts as an admin route. `RouteGuardCheck` stops a start with such a route.
      access = routeAccessOf(handler, context.getClass()) ?? 'admin';
      this.accessByHandler.set(handler, access);
    }
    return access;
  }
}

/** Returns the roles that a route admits beside `proxy_admin`; none if it has no rule. HEAD is a read like GET. */
function rolesAt({ method, routeOptions }: FastifyRequest): RouteFacts['roles'] {
  return ADMIN_RULES[`${method === 'HEAD' ? 'GET' : method} ${routeOptions.url}`] ?? [];
}
