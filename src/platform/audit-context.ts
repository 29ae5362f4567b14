import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager } from 'typeorm';

/** On whose behalf rows are written, and in which request. */
export interface Actor {
  /** What goes into `created_by`: a user, or the name of a key of nobody. */
  readonly id: string;
  /** Of the key that was presented; absent for the master key. */
  readonly keyHash?: string;
  readonly requestId: string;
  /** What the guard found of its rights; absent where nobody could take them away. */
  readonly rights?: WriteRights;
}

/** The rights a request was let in with. Every transaction that writes on its behalf reads them again. */
export interface WriteRights {
  /**
   * Inside a transaction, before it writes: reads the rows behind the rights again. Throws `RightsChangedError` when they say
   * something else by now. On PostgreSQL the transaction does not commit either when one of the rows changes until its end.
   */
  readonly readAgain: (tx: EntityManager) => Promise<void>;
}

/** The rights of whoever acts are others than the request was let in with. Nothing of the transaction is kept. */
export class RightsChangedError extends Error {
  /** `refusal`: what a request is told that comes now. Without one it is to be handled once more. */
  constructor(readonly refusal?: Error) {
    super('The rights of the caller changed while the request was handled.');
  }
}

const storage = new AsyncLocalStorage<Actor>();
let inside = 0;

/** Who acts here; undefined where nobody does, as in a call of a model or in the background. */
export const currentActor = (): Actor | undefined => (inside ? storage.getStore() : undefined);

/** Runs the start of something on behalf of somebody; `actor()` tells whom until the function returned is called. */
export function runAsActor<T>(who: Actor, start: () => T): { readonly started: T; readonly end: () => void } {
  inside += 1;
  return { started: storage.run(who, start), end };
}

/** Following the asynchronous costs every promise of the process: so nobody is followed while nobody acts. */
function end(): void {
  inside -= 1;
  if (!inside) storage.disable();
}
