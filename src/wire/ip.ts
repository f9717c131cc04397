// IPv4 and IPv6 headers (RFC 791 3.1, RFC 8200 3), addresses as unsigned 32-bit numbers, and the Internet checksum.
//
// The peek functions read a header whose bytes the caller has already found to be there: they check nothing.

export const IPV4_HEADER_LENGTH = 20;
export const IPV6_HEADER_LENGTH = 40;

/** IANA protocol numbers. */
export const IpProtocol = { Icmp: 1, Tcp: 6, Udp: 17, Icmpv6: 58 } as const;
export type IpProtocol = (typeof IpProtocol)[keyof typeof IpProtocol];

/** 4 or 6 for a packet, anything else for what is none. */
export function ipVersion(view: DataView, at: number): number {
  return view.getUint8(at) >> 4;
}

/** Bytes, options included. Below {@link IPV4_HEADER_LENGTH} the packet is malformed. */
export function ipv4HeaderLength(view: DataView, at: number): number {
  return (view.getUint8(at) & 0x0f) * 4;
}

export function ipv4TotalLength(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** True for a fragment other than the first, which has no transport header. */
export function ipv4IsLaterFragment(view: DataView, at: number): boolean {
  return (view.getUint16(at + 6) & 0x1fff) !== 0;
}

export function ipv4Protocol(view: DataView, at: number): number {
  return view.getUint8(at + 9);
}

export function ipv4Source(view: DataView, at: number): number {
  return view.getUint32(at + 12);
}

export function ipv4Destination(view: DataView, at: number): number {
  return view.getUint32(at + 16);
}

/** Header and payload. A jumbogram announces none and counts as its bare header. */
export function ipv6TotalLength(view: DataView, at: number): number {
  return IPV6_HEADER_LENGTH + view.getUint16(at + 4);
}

/**
 * RFC 1071: one's complement sum of `[at, end)` as big-endian 16-bit words, folded to 16 bits, not inverted. An odd last
 * byte is padded with zero. `initial` is the sum of what belongs in front, such as a pseudo header. Slow and obvious: the
 * packet path has its own.
 */
export function onesComplementSum(view: DataView, at: number, end: number, initial = 0): number {
  let sum = initial;
  for (let next = at; next + 1 < end; next += 2) sum += view.getUint16(next);
  if ((end - at) % 2 === 1) sum += view.getUint8(end - 1) << 8;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

/** What goes into a checksum field that was zero while summing; over data with a valid checksum it is zero. */
export function internetChecksum(view: DataView, at: number, end: number, initial = 0): number {
  return onesComplementSum(view, at, end, initial) ^ 0xffff;
}

// -- Addresses as text ------------------------------------------------------------------------------------------------

/** Dotted decimal. */
export function formatIpv4(address: number): string {
  return [address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff].join('.');
}

/** Four decimal numbers, no leading zeros (which some read as octal); undefined for anything else. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let address = 0;
  for (const part of match.slice(1)) {
    const byte = Number(part);
    if (byte > 0xff || String(byte) !== part) return undefined;
    address = address * 0x100 + byte;
  }
  return address;
}

/** `address` has no bits outside the prefix. */
export interface Ipv4Network {
  readonly address: number;
  readonly prefixLength: number;
}

/** `10.0.0.0/24`. Undefined when malformed, and when the address has bits outside the prefix: one of both is a mistake. */
export function parseIpv4Network(text: string): Ipv4Network | undefined {
  const match = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(text);
  const address = parseIpv4(match?.[1] ?? '');
  if (address === undefined) return undefined;
  const prefixLength = Number(match?.[2]);
  return address % networkSize(prefixLength) === 0 ? { address, prefixLength } : undefined;
}

export function formatIpv4Network({ address, prefixLength }: Ipv4Network): string {
  return `${formatIpv4(address)}/${prefixLength}`;
}

export function networkContains({ address, prefixLength }: Ipv4Network, candidate: number): boolean {
  return candidate >= address && candidate < address + networkSize(prefixLength);
}

/** Number of addresses under a prefix, 1 to 2^32. */
export function networkSize(prefixLength: number): number {
  return 2 ** (32 - prefixLength);
}
