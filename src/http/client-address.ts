import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { AddressList, canonicalAddress } from '../platform/address-list.js';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * IP address of the client: the connection's, or the one that trusted proxies report. Undefined if a proxy does not know
     * it, or if the client has disconnected before anything read it.
     */
    readonly clientAddress: string | undefined;
    /** `clientAddress`, if the ledger, the audit log and the log may store it. */
    readonly storableAddress: string | undefined;
  }
}

export interface ClientAddressSettings {
  /** Addresses and ranges of the proxies whose `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly string[];
  /** False: no address is stored. */
  readonly storeClientAddress: boolean;
}

/** The most proxies between a client and the gateway. */
const MAX_HOPS = 32;

/** Gives every request the address of its client. It is read from the connection and the header only when it is asked for. */
export function resolveClientAddresses(
  fastify: FastifyInstance,
  { trustedProxies, storeClientAddress }: ClientAddressSettings,
): void {
  const trusted = trustedProxies.length ? new AddressList(trustedProxies) : undefined;
  const resolve = ({ socket, headers }: IncomingMessage) =>
    clientAddress(socket.remoteAddress, headers['x-forwarded-for'], trusted);
  fastify.decorateRequest('clientAddress', {
    getter() {
      return resolve(this.raw);
    },
  });
  fastify.decorateRequest('storableAddress', {
    getter() {
      return storeClientAddress ? resolve(this.raw) : undefined;
    },
  });
}

/**
 * Returns the connection's address unless a trusted proxy has it. Then the right-most address of `X-Forwarded-For` that is
 * no trusted proxy counts, because each proxy appends the address that it sees. Everything left of it may be invented. If a
 * trusted proxy sends no such header, the call is its own. If what it reports is no address, the client's is unknown.
 */
export function clientAddress(
  connection: string | undefined,
  forwardedFor: string | string[] | undefined,
  trusted: AddressList | undefined,
): string | undefined {
  let address = connection === undefined ? undefined : canonicalAddress(connection);
  if (!trusted || address === undefined || !forwardedFor?.length) return address;
  const list = String(forwardedFor);
  let end = list.length;
  for (let hops = 0; end >= 0 && hops < MAX_HOPS && trusted.has(address); hops++) {
    const comma = list.lastIndexOf(',', end - 1);
    const previous = canonicalAddress(withoutPort(list.slice(comma + 1, end).trim()));
    if (previous === undefined) return undefined;
    address = previous;
    end = comma;
  }
  return address;
}

/** Returns the address of `192.0.2.7:4711`, `[2001:db8::1]:4711` and `[2001:db8::1]`. */
const withoutPort = (text: string) =>
  /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d{1,5}$/, '$1');
