import { vi } from 'vitest';

/** So long a condition may take on a machine that is busy with other things; one that never holds fails then. */
const LIMIT_MS = 60_000;
/** The limit where what replicas keep would end by itself after 60 s. */
export const BEFORE_CACHES_END_MS = 30_000;

/** Asks until `check` passes, and returns what it returned. The limit is generous: on an idle machine it passes at once. */
export const eventually = <T>(check: () => T | Promise<T>, limitMs = LIMIT_MS): Promise<T> =>
  vi.waitFor(check, { timeout: limitMs, interval: 50 });
