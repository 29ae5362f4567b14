/** A request as it leaves, which a signature covers. */
export interface FinishedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body. It is in pieces if it is too large to be copied. */
  readonly body: Buffer | readonly Buffer[];
}

/** Source of a deployment's credential headers at the time of a call. It keeps its credential in memory and renews it in time. */
export interface CredentialSource {
  /** Returns undefined if a credential is in memory, else a promise of one. It rejects with a `CredentialError`. */
  ready(): Promise<void> | undefined;
  /** Returns the credential headers of a request to this origin. Callers call `ready` first. */
  headersFor(origin: string, request: FinishedRequest): Readonly<Record<string, string>>;
  /** The secrets that requests carry now or carried lately. They must never be shown. */
  readonly secrets: readonly Buffer[];
}

/** Thrown if a cloud gives no credential. The message is for the log: it has no secret, but it may name hosts and files. */
export class CredentialError extends Error {}
