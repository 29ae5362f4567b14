import { AsyncLocalStorage } from 'node:async_hooks';

/** On whose behalf rows are written, and in which request. */
export interface Actor {
  /** What goes into `created_by`: a user, or the name of a key of nobody. */
  readonly id: string;
  /** Of the key that was presented; absent for the master key. */
  readonly keyHash?: string;
  readonly requestId: string;
}

const storage = new AsyncLocalStorage<Actor>();
let inside = 0;

/** Who acts here; undefined where nobody does, as in a call of a model or in the background. */
export const actor = (): Actor | undefined => (inside ? storage.getStore() : undefined);

/** Runs the start of something on behalf of somebody; `actor()` tells whom until the function returned is called. */
export function actAs<T>(who: Actor, start: () => T): { readonly started: T; readonly end: () => void } {
  inside += 1;
  return { started: storage.run(who, start), end };
}

/** Following the asynchronous costs every promise of the process: so nobody is followed while nobody acts. */
function end(): void {
  inside -= 1;
  if (!inside) storage.disable();
}
