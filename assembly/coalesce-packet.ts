/** What coalescing has to know of a packet: whether it may be merged, to which flow it belongs, whether its checksums are right. */
import { checksum, foldSum } from './checksum';
import {
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
  ipv4Protocol,
  ipv4TotalLength,
  ipv6NextHeader,
  ipv6PayloadLength,
  ipVersion,
} from './ip';
import { loadU16 } from './network-order';
import { TCP_ACK, TCP_FLAGS, TCP_HEADER_LENGTH, TCP_SINGLE, tcpHeaderLength } from './tcp';

const IP_PROTOCOL_ICMPV6: u32 = 58;
const UDP_HEADER_LENGTH: u32 = 8;
const UDP_LENGTH: u32 = 4;
const UDP_CHECKSUM: u32 = 6;

/** Bits of `coalesceKinds`. */
const KIND_TCP: u32 = 1;
const KIND_UDP: u32 = 2;

/** No flow that is coalesced: nothing can overtake it. */
export const SORT_OTHER: u32 = 0;
/** TCP or UDP whose ports are out of sight, in a fragment for example: it may belong to any flow of its source. */
export const SORT_HIDDEN: u32 = 1;
/** Of a known flow, but never merged. */
export const SORT_ALONE: u32 = 2;
export const SORT_MERGEABLE: u32 = 3;

/** 2^64 / golden ratio (Knuth 6.4), in two halves: no number of JavaScript's holds it. */
const MULTIPLIER: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15;

let kinds: u32 = 0;

/** Of the packet that {@link examine} saw last, when it is mergeable: bytes of the IP header, of both headers together. */
export let ipHeaderLength: u32 = 0;
export let headersLength: u32 = 0;

/** What may be merged from now on: 1 = TCP, 2 = UDP. */
export function coalesceKinds(bits: u32): void {
  kinds = bits;
}

/** The sort of the packet. IPv4 options and IPv6 extension headers count as hidden, and so do lengths that contradict each other. */
export function examine(at: u32, length: u32): u32 {
  if (length < IPV4_HEADER_LENGTH) return SORT_OTHER;
  const version = ipVersion(at);
  if (version == 4) {
    const protocol = ipv4Protocol(at);
    if (!isWanted(protocol)) return SORT_OTHER;
    // A header of 20 bytes; no fragment, and none of the flags but DF.
    const isPlain = load<u8>(at) == 0x45 && (loadU16(at + 6) & 0xbfff) == 0 && ipv4TotalLength(at) == length;
    return isPlain ? examineTransport(at, IPV4_HEADER_LENGTH, length, protocol) : SORT_HIDDEN;
  }
  if (version != 6 || length < IPV6_HEADER_LENGTH) return SORT_OTHER;
  const protocol = ipv6NextHeader(at);
  if (!isWanted(protocol)) return isTransportless(protocol) ? SORT_OTHER : SORT_HIDDEN;
  if (ipv6PayloadLength(at) != length - IPV6_HEADER_LENGTH) return SORT_HIDDEN;
  return examineTransport(at, IPV6_HEADER_LENGTH, length, protocol);
}

function isWanted(protocol: u32): bool {
  return (
    (protocol == IP_PROTOCOL_TCP && (kinds & KIND_TCP) != 0) || (protocol == IP_PROTOCOL_UDP && (kinds & KIND_UDP) != 0)
  );
}

/** Every other value may be an extension header, with TCP or UDP behind it. */
function isTransportless(protocol: u32): bool {
  return kinds == 0 || protocol == IP_PROTOCOL_TCP || protocol == IP_PROTOCOL_UDP || protocol == IP_PROTOCOL_ICMPV6;
}

function examineTransport(at: u32, ipLength: u32, length: u32, protocol: u32): u32 {
  const transport = at + ipLength;
  const left = length - ipLength;
  ipHeaderLength = ipLength;
  if (protocol == IP_PROTOCOL_TCP) {
    if (left < TCP_HEADER_LENGTH) return SORT_HIDDEN;
    const tcpLength = tcpHeaderLength(transport);
    if (tcpLength < TCP_HEADER_LENGTH || tcpLength > left) return SORT_HIDDEN;
    headersLength = ipLength + tcpLength;
    const isData = left > tcpLength && (load<u8>(transport, TCP_FLAGS) & (TCP_SINGLE | TCP_ACK)) == TCP_ACK;
    return isData ? SORT_MERGEABLE : SORT_ALONE;
  }
  if (left < UDP_HEADER_LENGTH) return SORT_HIDDEN;
  headersLength = ipLength + UDP_HEADER_LENGTH;
  // A checksum of 0 says that there is none: a segment made from it would have one.
  const isData =
    left > UDP_HEADER_LENGTH && loadU16(transport + UDP_LENGTH) == left && load<u16>(transport, UDP_CHECKSUM) != 0;
  return isData ? SORT_MERGEABLE : SORT_ALONE;
}

/** A number for addresses, protocol and ports, best in its highest bits. The ports are in sight. */
export function flowHash(at: u32): u64 {
  let hash: u64;
  if (ipVersion(at) == 4) {
    hash = load<u64>(at, 12) ^ mix((load<u32>(at, IPV4_HEADER_LENGTH) as u64) | ((ipv4Protocol(at) as u64) << 32));
  } else {
    hash = (load<u32>(at, IPV6_HEADER_LENGTH) as u64) | ((ipv6NextHeader(at) as u64) << 32);
    hash = mix(hash ^ load<u64>(at, 8)) ^ load<u64>(at, 16);
    hash = mix(hash ^ load<u64>(at, 24)) ^ load<u64>(at, 32);
  }
  return mix(hash);
}

/** Likewise for the source address. The packet has 20 bytes at least, 40 when its version is 6. */
export function sourceHash(at: u32): u64 {
  return mix(ipVersion(at) == 4 ? (load<u32>(at, 12) as u64) : load<u64>(at, 8) ^ mix(load<u64>(at, 16)));
}

/** The multiplication spreads upwards, so that the highest bits depend on all; the shift takes them down for the next round. */
function mix(value: u64): u64 {
  const product = value * MULTIPLIER;
  return product ^ (product >> 32);
}

/** Equal versions, protocols, addresses and ports. Both are mergeable, or alone. */
export function isSameFlow(one: u32, other: u32): bool {
  if (ipVersion(one) != ipVersion(other)) return false;
  if (ipVersion(one) == 4) {
    return (
      load<u64>(one, 12) == load<u64>(other, 12) &&
      load<u32>(one, IPV4_HEADER_LENGTH) == load<u32>(other, IPV4_HEADER_LENGTH) &&
      ipv4Protocol(one) == ipv4Protocol(other)
    );
  }
  return (
    load<u64>(one, 8) == load<u64>(other, 8) &&
    load<u64>(one, 16) == load<u64>(other, 16) &&
    load<u64>(one, 24) == load<u64>(other, 24) &&
    load<u64>(one, 32) == load<u64>(other, 32) &&
    load<u32>(one, IPV6_HEADER_LENGTH) == load<u32>(other, IPV6_HEADER_LENGTH) &&
    ipv6NextHeader(one) == ipv6NextHeader(other)
  );
}

/** Of a mergeable packet: those of the IPv4 header and of the transport. */
export function hasRightChecksums(at: u32, length: u32): bool {
  if (ipVersion(at) == 4) {
    return hasRightHeaderChecksum(at) && checksum(at + 12, length - 12, pseudoRest(at, length)) == 0xffff;
  }
  return checksum(at + 8, length - 8, pseudoRest(at, length)) == 0xffff;
}

/** Of an IPv4 header without options: five words in registers, where the general sum would loop over its tail. */
function hasRightHeaderChecksum(at: u32): bool {
  const words =
    (load<u32>(at) as u64) +
    (load<u32>(at, 4) as u64) +
    (load<u32>(at, 8) as u64) +
    (load<u32>(at, 12) as u64) +
    (load<u32>(at, 16) as u64);
  return foldSum(words) == 0xffff;
}

/** The pseudo header's sum (RFC 9293, 3.1; RFC 768; RFC 8200, 8.1), for a packet of `length` bytes: what the device completes. */
export function pseudoSum(at: u32, length: u32): u32 {
  return ipVersion(at) == 4
    ? checksum(at + 12, 8, pseudoRest(at, length))
    : checksum(at + 8, 32, pseudoRest(at, length));
}

/** Protocol and length of the transport: addresses and payload lie behind each other in the packet itself. */
function pseudoRest(at: u32, length: u32): u32 {
  return ipVersion(at) == 4
    ? ipv4Protocol(at) + length - IPV4_HEADER_LENGTH
    : ipv6NextHeader(at) + length - IPV6_HEADER_LENGTH;
}
