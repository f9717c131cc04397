// Whole IP packets as values, for the few that the gateway itself reads and answers: IPv4 without options (RFC 791), IPv6
// without extension headers (RFC 8200), and UDP in both (RFC 768). The packet path has its own ways.
import { viewOf } from './bytes.ts';
import {
  internetChecksum,
  IpProtocol,
  IPV4_DONT_FRAGMENT,
  IPV4_FRAGMENT_MASK,
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipVersion,
  onesComplementSum,
  UDP_HEADER_LENGTH,
} from './ip.ts';
import { readIpv6, writeIpv6 } from './ipv6.ts';
import { WireError } from './wire-error.ts';

const IPV4_TTL = 64;

export interface Ipv4Header {
  readonly protocol: number;
  /** Unsigned 32-bit numbers. */
  readonly source: number;
  readonly destination: number;
}

export interface Ipv4Packet extends Ipv4Header {
  readonly payload: Uint8Array;
}

export interface Ipv6Packet {
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: bigint;
  readonly destination: bigint;
  readonly payload: Uint8Array;
}

export interface UdpDatagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly data: Uint8Array;
}

/** `payload` is a view. Bytes behind the total length are padding, options are passed over. `Value` for a fragment or a wrong checksum. */
export function parseIpv4Packet(bytes: Uint8Array): Ipv4Packet | WireError {
  const view = viewOf(bytes);
  const error = ipv4PacketError(view, 0, bytes.length);
  if (error !== undefined) return error;
  return {
    protocol: ipv4Protocol(view, 0),
    source: ipv4Source(view, 0),
    destination: ipv4Destination(view, 0),
    payload: bytes.subarray(ipv4HeaderLength(view, 0), ipv4TotalLength(view, 0)),
  };
}

/** What keeps the `length` bytes at `at` from being a whole packet with an intact header, as {@link parseIpv4Packet} has it. */
export function ipv4PacketError(view: DataView, at: number, length: number): WireError | undefined {
  if (length < IPV4_HEADER_LENGTH) return WireError.Truncated;
  if (ipVersion(view, at) !== 4) return WireError.Version;
  const header = ipv4HeaderLength(view, at);
  const total = ipv4TotalLength(view, at);
  if (header < IPV4_HEADER_LENGTH || total < header) return WireError.Length;
  if (total > length) return WireError.Truncated;
  const isFragment = (view.getUint16(at + 6) & IPV4_FRAGMENT_MASK) !== 0;
  return isFragment || internetChecksum(view, at, at + header) !== 0 ? WireError.Value : undefined;
}

export function encodeIpv4Packet(packet: Ipv4Packet): Uint8Array {
  const bytes = new Uint8Array(IPV4_HEADER_LENGTH + packet.payload.length);
  bytes.set(packet.payload, emitIpv4Header(viewOf(bytes), 0, packet, packet.payload.length));
  return bytes;
}

/**
 * The header of a packet that is not to be fragmented and so needs no identification (RFC 6864 4.1), for the `payloadLength`
 * bytes behind it. Returns where they begin.
 */
export function emitIpv4Header(view: DataView, at: number, header: Ipv4Header, payloadLength: number): number {
  view.setUint16(at, 0x4500);
  view.setUint16(at + 2, IPV4_HEADER_LENGTH + payloadLength);
  view.setUint32(at + 4, IPV4_DONT_FRAGMENT);
  view.setUint16(at + 8, (IPV4_TTL << 8) | header.protocol);
  view.setUint16(at + 10, 0);
  view.setUint32(at + 12, header.source);
  view.setUint32(at + 16, header.destination);
  const end = at + IPV4_HEADER_LENGTH;
  view.setUint16(at + 10, internetChecksum(view, at, end));
  return end;
}

/** `payload` is a view. Bytes behind the payload length are padding. */
export function parseIpv6Packet(bytes: Uint8Array): Ipv6Packet | WireError {
  if (bytes.length < IPV6_HEADER_LENGTH) return WireError.Truncated;
  const view = viewOf(bytes);
  if (ipVersion(view, 0) !== 6) return WireError.Version;
  const end = IPV6_HEADER_LENGTH + view.getUint16(4);
  if (end > bytes.length) return WireError.Truncated;
  return {
    nextHeader: view.getUint8(6),
    hopLimit: view.getUint8(7),
    source: readIpv6(bytes, 8),
    destination: readIpv6(bytes, 24),
    payload: bytes.subarray(IPV6_HEADER_LENGTH, end),
  };
}

export function encodeIpv6Packet({ nextHeader, hopLimit, source, destination, payload }: Ipv6Packet): Uint8Array {
  const bytes = new Uint8Array(IPV6_HEADER_LENGTH + payload.length);
  const view = viewOf(bytes);
  view.setUint8(0, 0x60);
  view.setUint16(4, payload.length);
  view.setUint8(6, nextHeader);
  view.setUint8(7, hopLimit);
  writeIpv6(source, bytes, 8);
  writeIpv6(destination, bytes, 24);
  bytes.set(payload, IPV6_HEADER_LENGTH);
  return bytes;
}

/** The sum of the pseudo header (RFC 8200 8.1) in front of `length` bytes, to go on from. */
export function ipv6PseudoHeaderSum(source: bigint, destination: bigint, nextHeader: number, length: number): number {
  const addresses = new Uint8Array(32);
  writeIpv6(source, addresses, 0);
  writeIpv6(destination, addresses, 16);
  return onesComplementSum(viewOf(addresses), 0, addresses.length, nextHeader + length);
}

/** The same for IPv4 (RFC 768). */
function ipv4PseudoHeaderSum(source: number, destination: number, protocol: number, length: number): number {
  return (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + length;
}

/** The datagram in an IPv4 packet of protocol UDP, a view. `Value` for a wrong checksum; none at all is fine. */
export function parseUdp4({ source, destination, payload }: Ipv4Packet): UdpDatagram | WireError {
  const isUnchecked = payload.length >= UDP_HEADER_LENGTH && viewOf(payload).getUint16(6) === 0;
  return parseUdp(
    payload,
    isUnchecked ? undefined : length => ipv4PseudoHeaderSum(source, destination, IpProtocol.Udp, length),
  );
}

/** The same for IPv6, where the checksum is not optional. */
export function parseUdp6({ source, destination, payload }: Ipv6Packet): UdpDatagram | WireError {
  return parseUdp(payload, length => ipv6PseudoHeaderSum(source, destination, IpProtocol.Udp, length));
}

function parseUdp(
  payload: Uint8Array,
  pseudoHeader: ((length: number) => number) | undefined,
): UdpDatagram | WireError {
  if (payload.length < UDP_HEADER_LENGTH) return WireError.Truncated;
  const view = viewOf(payload);
  const length = view.getUint16(4);
  if (length < UDP_HEADER_LENGTH) return WireError.Length;
  if (length > payload.length) return WireError.Truncated;
  if (pseudoHeader !== undefined && internetChecksum(view, 0, length, pseudoHeader(length)) !== 0) {
    return WireError.Value;
  }
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    data: payload.subarray(UDP_HEADER_LENGTH, length),
  };
}

/** A whole IPv4 packet around the datagram. */
export function encodeUdp4(source: number, destination: number, datagram: UdpDatagram): Uint8Array {
  const payload = udpPayload(datagram, length => ipv4PseudoHeaderSum(source, destination, IpProtocol.Udp, length));
  return encodeIpv4Packet({ protocol: IpProtocol.Udp, source, destination, payload });
}

/** A whole IPv6 packet around the datagram. */
export function encodeUdp6(source: bigint, destination: bigint, datagram: UdpDatagram): Uint8Array {
  const payload = udpPayload(datagram, length => ipv6PseudoHeaderSum(source, destination, IpProtocol.Udp, length));
  return encodeIpv6Packet({ nextHeader: IpProtocol.Udp, hopLimit: 64, source, destination, payload });
}

function udpPayload({ sourcePort, destinationPort, data }: UdpDatagram, pseudoHeader: (length: number) => number) {
  const bytes = new Uint8Array(UDP_HEADER_LENGTH + data.length);
  const view = viewOf(bytes);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, bytes.length);
  bytes.set(data, UDP_HEADER_LENGTH);
  const checksum = internetChecksum(view, 0, bytes.length, pseudoHeader(bytes.length));
  // Zero would say that there is no checksum.
  view.setUint16(6, checksum === 0 ? 0xffff : checksum);
  return bytes;
}
