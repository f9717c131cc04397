/** What the packet path reads of IP headers (RFC 791, RFC 8200). Callers have checked that the bytes are there. */
import { loadU16, loadU32 } from './network-order';

export const IPV4_HEADER_LENGTH: u32 = 20;
export const IPV6_HEADER_LENGTH: u32 = 40;
export const IP_PROTOCOL_TCP: u32 = 6;
export const IP_PROTOCOL_UDP: u32 = 17;

export function ipVersion(at: u32): u32 {
  return load<u8>(at) >> 4;
}

export function ipv4HeaderLength(at: u32): u32 {
  return ((load<u8>(at) & 0x0f) as u32) << 2;
}

export function ipv4TotalLength(at: u32): u32 {
  return loadU16(at + 2);
}

/** In units of 8 bytes. */
export function ipv4FragmentOffset(at: u32): u32 {
  return loadU16(at + 6) & 0x1fff;
}

/** A fragment has an offset or says that more follow. */
export function ipv4IsFragment(at: u32): bool {
  return (loadU16(at + 6) & 0x3fff) != 0;
}

export function ipv4Protocol(at: u32): u32 {
  return load<u8>(at, 9);
}

/** Of TCP and UDP behind a header of `headerLength` bytes. */
export function destinationPort(at: u32, headerLength: u32): u32 {
  return loadU16(at + headerLength + 2);
}

export function ipv4Source(at: u32): u32 {
  return loadU32(at + 12);
}

export function ipv4Destination(at: u32): u32 {
  return loadU32(at + 16);
}

/** Of what follows the fixed header, extension headers included. */
export function ipv6PayloadLength(at: u32): u32 {
  return loadU16(at + 4);
}

/** What follows the fixed header. */
export function ipv6NextHeader(at: u32): u32 {
  return load<u8>(at, 6);
}
