import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import type { MaybePromise } from '../platform/maybe-promise.js';
import type { Enforcer } from '../policy/decision.js';
import { enforce } from './access-denied.exception.js';
import { AccessRequestReader } from './access-request.reader.js';
import { PrincipalLoader } from './principal.loader.js';
import type { CallAccess } from './call-access.js';
import { CallAuthorizer } from './call-authorizer.js';
import { WriteAuthorizer } from './write-authorizer.js';

const ENFORCED_HERE: readonly Enforcer[] = ['AuthChecksGuard'];

/**
 * Admits a request if no check refuses its caller or a party behind it. Runs before every route (`access.module.ts`).
 * `@ModelRoute()` lists it again, to show the order of the two guards. The second run does nothing.
 */
@Injectable()
export class AuthChecksGuard implements CanActivate {
  constructor(
    private readonly requests: AccessRequestReader,
    private readonly authorizer: CallAuthorizer,
    private readonly principals: PrincipalLoader,
    private readonly writes: WriteAuthorizer,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const access = request.access ? undefined : this.authorize(context, request);
    if (!access) return true;
    return access instanceof Promise
      ? access.then((decided) => this.admit(request, decided))
      : this.admit(request, access);
  }

  private authorize(context: ExecutionContext, request: FastifyRequest) {
    const asked = this.requests.read(context, request);
    return asked && this.authorizer.authorize(request.id, asked);
  }

  private admit(request: FastifyRequest, access: CallAccess): MaybePromise<boolean> {
    enforce(access, ENFORCED_HERE, this.config.general);
    request.access = access;
    const rights = this.writes.rightsOf(request, access);
    if (rights) request.rights = rights;
    const caller = this.principals.of(access);
    if (!(caller instanceof Promise)) {
      request.principal = caller;
      return true;
    }
    return caller.then((loaded) => {
      request.principal = loaded;
      return true;
    });
  }
}
