import { Logger } from '@nestjs/common';
import { createLocalJWKSet, type JSONWebKeySet, type LocalJWKSet } from 'jose';
import type { Clock } from '../platform/clock.js';
import { DependencyUnavailableError } from '../platform/dependency-unavailable.error.js';
import { errorReason } from '../http/error-reason.js';

const PATIENCE_MS = 5_000;
const MAX_BYTES = 1024 * 1024;
/** Shortest time between two requests to an issuer, for any number of tokens. */
const PAUSE_MS = 5_000;
const DISCOVERY = '/.well-known/openid-configuration';

/** Lifetime of fetched keys, in milliseconds. */
interface KeyLife {
  readonly keysTtlMs: number;
  readonly keysStaleTtlMs: number;
}

/** A set of keys. Its version grows when the keys change. Tokens verified by an older version must be verified again. */
export interface KeySet {
  readonly keyFor: LocalJWKSet;
  readonly version: number;
}

interface Known extends KeySet {
  readonly text: string;
  readonly fetchedAt: number;
}

/** The public keys at one configured address. Concurrent requests share one fetch. */
export class SigningKeys {
  private readonly logger = new Logger(SigningKeys.name);
  private known: Known | undefined;
  private fetching: Promise<void> | undefined;
  private triedAt = -Infinity;
  private isSilent = false;

  constructor(
    private readonly url: string,
    private readonly life: KeyLife,
    private readonly clock: Clock,
    /** Set if the address is found by discovery. The document must then name this issuer. */
    private readonly issuer?: string,
  ) {}

  /** Tells whether this version was fetched last and is still fresh. */
  stands(version: number): boolean {
    return this.known?.version === version && this.isFresh();
  }

  /**
   * Returns the keys. If the issuer does not answer, older keys stay usable for a while. Throws
   * `DependencyUnavailableError` if they are too old.
   */
  async current(): Promise<KeySet> {
    if (!this.isFresh()) {
      const refreshed = this.refresh();
      // While the issuer is known not to answer, only a request without usable keys waits for it.
      if (!this.isSilent || !this.usable()) await refreshed;
    }
    const usable = this.usable();
    if (usable) return usable;
    throw new DependencyUnavailableError('issuer of tokens', 'its keys could not be read');
  }

  /** Returns other keys for a key that this version lacks; undefined if the issuer has none or was asked just now. */
  async renewed(version: number): Promise<KeySet | undefined> {
    if (this.known?.version === version) await this.refresh();
    return this.known?.version === version ? undefined : this.known;
  }

  private async refresh(): Promise<void> {
    if (!this.fetching && this.clock().getTime() - this.triedAt < PAUSE_MS) return;
    this.fetching ??= this.fetch().finally(() => (this.fetching = undefined));
    await this.fetching;
  }

  /** Fetches the keys. Never throws: a failed fetch leaves the old keys, whose age shows it. */
  private async fetch(): Promise<void> {
    const fetchedAt = this.clock().getTime();
    try {
      const keys = await this.read();
      const text = JSON.stringify(keys);
      const { version = 0 } = this.known ?? {};
      this.known =
        text === this.known?.text
          ? { ...this.known, fetchedAt }
          : { keyFor: createLocalJWKSet(keys), version: version + 1, text, fetchedAt };
      this.isSilent = false;
    } catch (error) {
      this.isSilent = true;
      this.logger.warn(`${this.url} gave no keys: ${errorReason(error)}`);
    }
    this.triedAt = this.clock().getTime();
  }

  private async read(): Promise<JSONWebKeySet> {
    if (!this.url.endsWith(DISCOVERY)) return (await fetchedJson(this.url)) as JSONWebKeySet;
    const { issuer, jwks_uri: url } = (await fetchedJson(this.url)) as Record<string, unknown>;
    if (this.issuer !== undefined && issuer !== this.issuer)
      throw new Error('The discovery document is of another issuer');
    const wanted = this.url.startsWith('https:') ? /^https:\/\// : /^https?:\/\//;
    if (typeof url !== 'string' || !wanted.test(url)) throw new Error('It names no jwks_uri that is as safe');
    return (await fetchedJson(url)) as JSONWebKeySet;
  }

  private isFresh(): boolean {
    return this.known !== undefined && this.age(this.known) < this.life.keysTtlMs;
  }

  private usable(): Known | undefined {
    const { keysTtlMs, keysStaleTtlMs } = this.life;
    return this.known && this.age(this.known) < keysTtlMs + keysStaleTtlMs ? this.known : undefined;
  }

  private age({ fetchedAt }: Known): number {
    return this.clock().getTime() - fetchedAt;
  }
}

/** Returns the address of an issuer's discovery document. */
export const discoveryOf = (issuer: string) => issuer.replace(/\/$/, '') + DISCOVERY;

async function fetchedJson(url: string): Promise<object> {
  const givingUp = new AbortController();
  const timer = setTimeout(() => givingUp.abort(), PATIENCE_MS);
  try {
    const { ok, status, body } = await fetch(url, { signal: givingUp.signal, redirect: 'error' });
    if (!ok || !body) throw new Error(`It answered ${status}`);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) throw new Error(`It is larger than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as object;
  } finally {
    clearTimeout(timer);
  }
}
