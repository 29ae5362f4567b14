import type { Decision } from '../policy/decision.js';
import type { AccessRequest } from './access-request.js';
import type { LoadedFacts } from './facts.loader.js';

/** What the guards decided about a request, and from which facts. Plain data; `CallAuthorizer` decides again with it. */
export interface CallAccess extends LoadedFacts {
  readonly requestId: string;
  readonly request: AccessRequest;
  readonly decision: Decision;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once `AuthChecksGuard` let the request in. A call may get a newer one while it runs. */
    access?: CallAccess;
  }
}
