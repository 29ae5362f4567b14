/** A dependency that a decision needs did not respond. It is never permission: the client gets 503 and may retry. */
export class DependencyUnavailableError extends Error {
  constructor(
    /** `database` or `Redis`. */
    readonly who: string,
    cause: unknown,
  ) {
    super(`The ${who} did not answer: ${String(cause)}`, { cause });
  }
}
