/** Something the gate cannot decide without did not answer. Never permission: the client is told 503 and to try again. */
export class DependencyUnavailableError extends Error {
  constructor(
    /** `database` or `Redis`. */
    readonly who: string,
    cause: unknown,
  ) {
    super(`The ${who} did not answer: ${String(cause)}`, { cause });
  }
}
