/**
 * A value, or a promise of it. Methods on the path of a warm call return one: what is in memory comes back at once, because each
 * `await` of a value costs the call a turn of the microtask queue and an allocation. Callers of such a method test
 * `instanceof Promise` and continue without `await` where there is none.
 */
export type MaybePromise<T> = T | Promise<T>;
