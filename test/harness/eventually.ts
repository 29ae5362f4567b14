import { vi } from 'vitest';

/** Longest wait for a condition on a busy machine. A condition that never holds fails then. */
const LIMIT_MS = 60_000;
/** Limit for conditions that would come true by themselves when the caches of replicas expire after 60 s. */
export const BEFORE_CACHES_END_MS = 30_000;

/** Retries until `check` passes. Returns its result. The limit is generous; on an idle machine the first tries pass. */
export const eventually = <T>(check: () => T | Promise<T>, limitMs = LIMIT_MS): Promise<T> =>
  vi.waitFor(check, { timeout: limitMs, interval: 50 });
