import { BlockList, isIP, SocketAddress } from 'node:net';

const MAPPED = '::ffff:';

/**
 * Returns an IP address in the one form in which addresses are compared and stored. An IPv4 address inside an IPv6 one is
 * IPv4, and a zone (`%eth0`) is left out. Undefined for any other text.
 */
export function canonicalAddress(text: string): string | undefined {
  const zone = text.indexOf('%');
  const address = zone < 0 ? text : text.slice(0, zone);
  const version = isIP(address);
  if (version !== 6) return version ? address : undefined;
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address;
  const inner = canonical.startsWith(MAPPED) ? canonical.slice(MAPPED.length) : '';
  return isIP(inner) === 4 ? inner : canonical;
}

/** A set of IP addresses, from texts such as `10.0.0.0/8`, `192.0.2.7` and `fd00::/8`. */
export class AddressList {
  private readonly addresses = new BlockList();

  /** Throws a `RangeError` if a text is neither an address nor a range. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const { address, prefixBits, family } = rangeOf(range);
      this.addresses.addSubnet(address, prefixBits, family);
    }
  }

  /** Returns whether the list has this address, in any of its forms. False for any other text. */
  has(address: string): boolean {
    const canonical = canonicalAddress(address);
    return (
      canonical !== undefined && this.addresses.check(canonical, canonical.includes(':') ? 'ipv6' : 'ipv4')
    );
  }
}

/** Returns whether a text is an IP address or a range of them (CIDR). */
export function isAddressRange(text: string): boolean {
  try {
    rangeOf(text);
    return true;
  } catch {
    return false;
  }
}

function rangeOf(range: string) {
  const slash = range.indexOf('/');
  const text = slash < 0 ? range : range.slice(0, slash);
  const address = text.includes('%') ? undefined : canonicalAddress(text);
  const isIpv6 = address?.includes(':') ?? false;
  const bits = isIpv6 ? 128 : 32;
  const bitsText = slash < 0 ? undefined : range.slice(slash + 1);
  // `::ffff:10.0.0.0/104` is 10.0.0.0/8.
  const skipped = !isIpv6 && text.includes(':') ? 96 : 0;
  const prefixBits = bitsText === undefined ? bits : Number(bitsText) - skipped;
  if (
    address === undefined ||
    (bitsText !== undefined && !/^\d{1,3}$/.test(bitsText)) ||
    prefixBits < 0 ||
    prefixBits > bits
  )
    throw new RangeError(`'${range}' is neither an IP address nor a range such as 10.0.0.0/8`);
  return { address, prefixBits, family: isIpv6 ? ('ipv6' as const) : ('ipv4' as const) };
}
