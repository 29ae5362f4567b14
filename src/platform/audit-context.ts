import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager } from 'typeorm';

/** The actor of a write, and the request it belongs to. */
export interface Actor {
  /** Value of `created_by`: a user, or the name of a key without one. */
  readonly id: string;
  /** Hash of the key that was presented; absent for the master key. */
  readonly keyHash?: string;
  readonly requestId: string;
  /** IP address of the client; absent if it is not stored. */
  readonly clientAddress?: string | undefined;
  /** Rights that the guard found; absent for the master key, whose rights nobody can revoke. */
  readonly rights?: WriteRights;
}

/** The rights of a request. Every transaction that writes for it reads them again. */
export interface WriteRights {
  /**
   * Reads the rows behind the rights again, inside a transaction and before it writes. Throws `RightsChangedError` if
   * they changed. On PostgreSQL the transaction does not commit either if one of the rows changes before its end.
   */
  readonly readAgain: (tx: EntityManager) => Promise<void>;
}

/** The actor's rights changed since the request was authorized. Nothing of the transaction is stored. */
export class RightsChangedError extends Error {
  /** `refusal`: the refusal that a new request would get. Without one, the request is handled once more. */
  constructor(readonly refusal?: Error) {
    super('The rights of the caller changed while the request was handled.');
  }
}

const storage = new AsyncLocalStorage<Actor>();
let inside = 0;

/** Returns the actor of the current request; undefined in model calls and background work. */
export const currentActor = (): Actor | undefined => (inside ? storage.getStore() : undefined);

/** Starts `work` for an actor. `currentActor()` returns it until the returned `end` is called. */
export function runAsActor<T>(who: Actor, start: () => T): { readonly started: T; readonly end: () => void } {
  inside += 1;
  return { started: storage.run(who, start), end };
}

/** AsyncLocalStorage slows every promise of the process, so it is disabled while no admin request is running. */
function end(): void {
  inside -= 1;
  if (!inside) storage.disable();
}
