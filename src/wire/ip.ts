// IPv4 headers (RFC 791 3.1), addresses as unsigned 32-bit numbers, and the Internet checksum.
//
// The peek functions read a header whose bytes the caller has already found to be there: they check nothing.

export const IPV4_HEADER_LENGTH = 20;
export const IPV6_HEADER_LENGTH = 40;
/** Without options. */
export const TCP_HEADER_LENGTH = 20;
export const UDP_HEADER_LENGTH = 8;
/** In the 16 bits of flags and fragment offset. */
export const IPV4_DONT_FRAGMENT = 0x4000;
/** Likewise: more fragments, and the fragment offset. Zero in a packet that is whole. */
export const IPV4_FRAGMENT_MASK = 0x3fff;

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

export function ipv4Protocol(view: DataView, at: number): number {
  return view.getUint8(at + 9);
}

export function ipv4Source(view: DataView, at: number): number {
  return view.getUint32(at + 12);
}

export function ipv4Destination(view: DataView, at: number): number {
  return view.getUint32(at + 16);
}

/**
 * RFC 1071: one's complement sum of `[at, end)` as big-endian 16-bit words, folded to 16 bits, not inverted. An odd
 * last byte is padded with zero. `initial` is the sum of what belongs in front, such as a pseudo header. Slow and
 * obvious: the packet path has its own.
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
