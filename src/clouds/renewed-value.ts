import { CredentialError } from './credential-source.js';

/** A value of a cloud that ends. */
export interface Expiring {
  /** Absent: it does not end. */
  readonly expiresAtMs?: number | undefined;
}

/** Longest wait for a new value. */
const FETCH_TIMEOUT_MS = 15_000;
/**
 * How long before its end a value is replaced. Metadata servers serve the old value until five minutes before its end, so an
 * earlier request would be in vain.
 */
const RENEW_BEFORE_MS = 4 * 60_000;
const LEAST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 24 * 3_600_000;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 60_000;
/** How long calls get the last failure, without a new fetch for each. */
const FAILURE_HOLDS_MS = 1_000;

/**
 * A value that ends, such as a token. It is fetched in the background: at the start, again before it ends, and again after a
 * failure. A call waits for it only if there is none.
 */
export class RenewedValue<T extends Expiring> {
  private value: T | undefined;
  private fetching: Promise<void> | undefined;
  private next: NodeJS.Timeout | undefined;
  private failures = 0;
  private lastFailure: { readonly error: CredentialError; readonly atMs: number } | undefined;
  private isStopped = false;

  constructor(
    private readonly fetch: () => Promise<T>,
    /** Called with each new value. */
    private readonly replaced: (value: T) => void,
    /** Called with each failure in the background. */
    private readonly failed: (error: CredentialError) => void,
    private readonly timeoutMs = FETCH_TIMEOUT_MS,
  ) {}

  /** Begins to fetch the value. */
  start(): void {
    this.renew().catch(() => undefined);
  }

  /** Ends all work in the background. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.next);
  }

  /** Returns undefined if the value is there, else a promise of it. */
  ready(): Promise<void> | undefined {
    if (this.isValid) return undefined;
    const { lastFailure } = this;
    return lastFailure && Date.now() - lastFailure.atMs < FAILURE_HOLDS_MS
      ? Promise.reject(lastFailure.error)
      : this.renew();
  }

  /** Returns the value. Throws a `CredentialError` if there is none. */
  current(): T {
    if (!this.value) throw new CredentialError('There is no credential.');
    return this.value;
  }

  private get isValid(): boolean {
    const { value } = this;
    return value !== undefined && (value.expiresAtMs === undefined || value.expiresAtMs > Date.now());
  }

  /** Fetches a new value, or joins the fetch that is under way. */
  private renew(): Promise<void> {
    this.fetching ??= this.fetchInTime().finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  private async fetchInTime(): Promise<void> {
    clearTimeout(this.next);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new CredentialError('No answer in time.')), this.timeoutMs);
    });
    try {
      const value = await Promise.race([this.fetch(), timeout]);
      this.failures = 0;
      this.value = value;
      this.replaced(value);
      if (value.expiresAtMs !== undefined) this.renewLater(delayMs(value.expiresAtMs - Date.now()));
    } catch (error) {
      const known = error instanceof CredentialError ? error : new CredentialError(messageOf(error));
      this.lastFailure = { error: known, atMs: Date.now() };
      this.failed(known);
      this.renewLater(Math.min(FIRST_RETRY_MS * 2 ** this.failures++, LONGEST_RETRY_MS));
      throw known;
    } finally {
      clearTimeout(timer);
    }
  }

  private renewLater(afterMs: number): void {
    if (this.isStopped) return;
    this.next = setTimeout(() => this.start(), afterMs);
    this.next.unref();
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Returns when to renew a value that ends in `leftMs`: four minutes before its end, or at half of a short life. */
function delayMs(leftMs: number): number {
  const delay = Math.max(leftMs - RENEW_BEFORE_MS, leftMs / 2, LEAST_DELAY_MS);
  return Math.min(delay, LONGEST_DELAY_MS);
}
