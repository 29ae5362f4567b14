import type { Decision, Refusal } from '../policy/decision.js';
import type { AccessDenied } from './access-denied.js';
import type { ModelFacts } from '../policy/facts.js';
import type { LoadedFacts } from './facts.loader.js';

/** What the guards found out about a request; it stays with the request, and a call may get a newer one. */
export interface Access extends LoadedFacts {
  readonly decision: Decision;
  /** Asks again, for the model that is about to be called, with what is known now, where that has changed: right before bytes move. Rejects with the refusal. */
  readonly recheck: (model: ModelFacts) => Promise<void> | undefined;
  /** The access there is now, when what this one was made of has changed, and what is known now of this model. Rejects with the refusal. */
  readonly refreshed: (model: string) => Promise<{ readonly access: Access; readonly model: ModelFacts }>;
  /** Makes the exception of a refusal that was found after the guards. */
  readonly refused: (refusal: Refusal) => AccessDenied;
  /** Why not, of everything that is in the way now; undefined when nothing is any more. */
  readonly explained: () => Promise<Refusal | undefined>;
}

declare module 'fastify' {
  interface FastifyRequest {
    access?: Access;
  }
}
