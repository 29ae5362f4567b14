import type { Decision } from '../policy/decision.js';
import type { AccessRequest } from './access-request.js';
import type { LoadedFacts } from './facts.loader.js';

/**
 * Decision of the guards about a request, with the facts behind it. Plain data, from which `CallAuthorizer` decides again.
 */
export interface CallAccess extends LoadedFacts {
  readonly requestId: string;
  readonly request: AccessRequest;
  readonly decision: Decision;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set when `AuthChecksGuard` admits the request. A running call may replace it with a newer one. */
    access?: CallAccess;
  }
}
