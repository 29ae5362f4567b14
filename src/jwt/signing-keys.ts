import { Logger } from '@nestjs/common';
import { createLocalJWKSet, type JSONWebKeySet, type LocalJWKSet } from 'jose';
import type { Clock } from '../clock.js';
import { Unanswered } from '../unanswered.js';

const PATIENCE_MS = 5_000;
const MAX_BYTES = 1024 * 1024;
/** However many tokens ask, an issuer is asked no more often than this beside the normal times. */
const PAUSE_MS = 5_000;
const DISCOVERY = '/.well-known/openid-configuration';

/** How long keys count, in milliseconds. */
export interface KeyLife {
  readonly keysTtlMs: number;
  readonly keysStaleTtlMs: number;
}

interface Known {
  readonly set: LocalJWKSet;
  readonly text: string;
  readonly fetchedAt: number;
}

/** The public keys of one address, which is the configuration's alone. Fetched once however many ask at once. */
export class SigningKeys {
  /** Grows when the keys change: whatever was verified by those of before must be verified again. */
  version = 0;
  private readonly logger = new Logger(SigningKeys.name);
  private known: Known | undefined;
  private fetching: Promise<void> | undefined;
  private triedAt = -Infinity;
  private isSilent = false;

  constructor(
    private readonly url: string,
    private readonly life: KeyLife,
    private readonly clock: Clock,
    /** Discovered there: then the document must name this issuer. */
    private readonly issuer?: string,
  ) {}

  /** Fetched within their time: what was verified by this version is still good. */
  isFresh(): boolean {
    return this.known !== undefined && this.age(this.known) < this.life.keysTtlMs;
  }

  /** The keys; those of before for a while if the issuer does not answer. Throws `Unanswered` when they are too old. */
  async current(): Promise<LocalJWKSet> {
    if (!this.isFresh()) {
      const refreshed = this.refresh();
      // While it is known to be silent, nobody waits for it who can do without.
      if (!this.isSilent || !this.usable()) await refreshed;
    }
    const usable = this.usable();
    if (usable) return usable.set;
    throw new Unanswered('issuer of tokens', 'its keys could not be read');
  }

  /** For a key nobody knows: asks again, if it was not asked just now. True when the keys are others than before. */
  async renewed(): Promise<boolean> {
    const { version } = this;
    await this.refresh();
    return this.version !== version;
  }

  private async refresh(): Promise<void> {
    if (!this.fetching && this.clock().getTime() - this.triedAt < PAUSE_MS) return;
    this.fetching ??= this.fetch().finally(() => (this.fetching = undefined));
    await this.fetching;
  }

  /** Never throws: what could not be fetched is told by its age. */
  private async fetch(): Promise<void> {
    const fetchedAt = this.clock().getTime();
    try {
      const keys = await this.read();
      const known = { set: createLocalJWKSet(keys), text: JSON.stringify(keys), fetchedAt };
      if (known.text !== this.known?.text) this.version++;
      this.known = known;
      this.isSilent = false;
    } catch (error) {
      this.isSilent = true;
      this.logger.warn(`${this.url} gave no keys: ${reasonOf(error)}`);
    }
    this.triedAt = this.clock().getTime();
  }

  private async read(): Promise<JSONWebKeySet> {
    if (!this.url.endsWith(DISCOVERY)) return (await fetchedJson(this.url)) as JSONWebKeySet;
    const { issuer, jwks_uri: url } = (await fetchedJson(this.url)) as Record<string, unknown>;
    if (this.issuer !== undefined && issuer !== this.issuer)
      throw new Error('The discovery document is of another issuer');
    if (typeof url !== 'string' || !/^https?:\/\//.test(url)) throw new Error('It names no jwks_uri');
    return (await fetchedJson(url)) as JSONWebKeySet;
  }

  private usable(): Known | undefined {
    const { keysTtlMs, keysStaleTtlMs } = this.life;
    return this.known && this.age(this.known) < keysTtlMs + keysStaleTtlMs ? this.known : undefined;
  }

  private age({ fetchedAt }: Known): number {
    return this.clock().getTime() - fetchedAt;
  }
}

/** Where an issuer says what its keys are. */
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

/** A failed `fetch` says why in its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
