// What a host with one address and no services says to an IPv4 packet: it answers ICMP echo (RFC 792) and UDP echo on every port (RFC 862),
// and ICMP destination unreachable to the rest, within the limits that RFC 1122 3.2.2 sets to errors.

import {
  internetChecksum,
  IpProtocol,
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  onesComplementSum,
  UDP_HEADER_LENGTH,
} from '../wire/ip.ts';
import { emitIpv4Header, ipv4PacketError } from '../wire/ip-packet.ts';

const ICMP_HEADER_LENGTH = 8;
const ICMP_ECHO_REPLY = 0;
const ICMP_UNREACHABLE = 3;
const ICMP_ECHO_REQUEST = 8;
const UNREACHABLE_HOST = 1;
const UNREACHABLE_PROTOCOL = 2;
const UNREACHABLE_PORT = 3;
const UDP_ECHO_PORT = 7;
const TIME_TO_LIVE = 64;

/** Header with all options, and the 8 bytes behind it: what an ICMP error quotes. */
const LONGEST_ERROR = IPV4_HEADER_LENGTH + ICMP_HEADER_LENGTH + 60 + 8;

/** The most bytes that {@link echoReply} writes for a packet of `length` bytes. */
export function longestReply(length: number): number {
  return Math.max(length, LONGEST_ERROR);
}

/**
 * Writes the answer of host `address` to the packet at [at, at + length) to `to`, elsewhere in the same memory. Returns the answer's
 * length, or 0 when the packet gets none: malformed, a fragment, an error itself, or not from or to a single host.
 */
export function echoReply(view: DataView, at: number, length: number, to: number, address: number): number {
  if (ipv4PacketError(view, at, length) !== undefined) return 0;
  const source = ipv4Source(view, at);
  const destination = ipv4Destination(view, at);
  if (!isHost(source) || source === address || !isHost(destination)) return 0;
  const payload = at + ipv4HeaderLength(view, at);
  const end = at + ipv4TotalLength(view, at);
  switch (ipv4Protocol(view, at)) {
    case IpProtocol.Icmp:
      if (!isEchoRequest(view, payload, end)) return 0;
      return destination === address
        ? icmpEcho(view, at, payload, end, to)
        : unreachable(view, at, payload, end, to, address, UNREACHABLE_HOST);
    case IpProtocol.Udp:
      if (destination !== address) return unreachable(view, at, payload, end, to, address, UNREACHABLE_HOST);
      return isUdpQuestion(view, at, payload, end) ? udpEcho(view, at, payload, end, to) : 0;
    default: {
      const isTcp = ipv4Protocol(view, at) === IpProtocol.Tcp;
      const local = isTcp ? UNREACHABLE_PORT : UNREACHABLE_PROTOCOL;
      return unreachable(view, at, payload, end, to, address, destination === address ? local : UNREACHABLE_HOST);
    }
  }
}

/** Neither "this network", loopback, multicast, reserved nor broadcast. */
function isHost(address: number): boolean {
  const network = address >>> 24;
  return network !== 0 && network !== 127 && network < 224;
}

function isEchoRequest(view: DataView, icmp: number, end: number): boolean {
  return (
    end - icmp >= ICMP_HEADER_LENGTH &&
    view.getUint16(icmp) === ICMP_ECHO_REQUEST << 8 &&
    internetChecksum(view, icmp, end) === 0
  );
}

/** A datagram that may be answered. One from the echo port might come from another echo service, and never end. */
function isUdpQuestion(view: DataView, at: number, udp: number, end: number): boolean {
  if (end - udp < UDP_HEADER_LENGTH) return false;
  const length = view.getUint16(udp + 4);
  if (length < UDP_HEADER_LENGTH || length > end - udp) return false;
  const sourcePort = view.getUint16(udp);
  if (sourcePort === 0 || sourcePort === UDP_ECHO_PORT) return false;
  if (view.getUint16(udp + 6) === 0) return true;
  const pseudoHeader = onesComplementSum(view, at + 12, at + 20, IpProtocol.Udp + length);
  return internetChecksum(view, udp, udp + length, pseudoHeader) === 0;
}

function icmpEcho(view: DataView, at: number, payload: number, end: number, to: number): number {
  const icmp = returnToSender(view, at, payload, end, to);
  view.setUint16(icmp, ICMP_ECHO_REPLY << 8);
  sealIcmp(view, icmp, to + end - at);
  return end - at;
}

/** Swapping the ports leaves the checksum valid, as swapping the addresses does. */
function udpEcho(view: DataView, at: number, payload: number, end: number, to: number): number {
  const udp = returnToSender(view, at, payload, end, to);
  view.setUint16(udp, view.getUint16(payload + 2));
  view.setUint16(udp + 2, view.getUint16(payload));
  return end - at;
}

/** Copies the packet to `to`, addressed back to where it came from. Returns where the copy's payload begins. */
function returnToSender(view: DataView, at: number, payload: number, end: number, to: number): number {
  new Uint8Array(view.buffer, view.byteOffset).copyWithin(to, at, end);
  view.setUint8(to + 8, TIME_TO_LIVE);
  view.setUint32(to + 12, ipv4Destination(view, at));
  view.setUint32(to + 16, ipv4Source(view, at));
  const copiedPayload = to + payload - at;
  view.setUint16(to + 10, 0);
  view.setUint16(to + 10, internetChecksum(view, to, copiedPayload));
  return copiedPayload;
}

function unreachable(
  view: DataView,
  at: number,
  payload: number,
  end: number,
  to: number,
  address: number,
  code: number,
): number {
  const quoteEnd = Math.min(payload + 8, end);
  const header = { protocol: IpProtocol.Icmp, source: address, destination: ipv4Source(view, at) };
  const icmp = emitIpv4Header(view, to, header, ICMP_HEADER_LENGTH + quoteEnd - at);
  const quote = icmp + ICMP_HEADER_LENGTH;
  const total = quote + quoteEnd - at - to;
  view.setUint32(icmp, (ICMP_UNREACHABLE << 24) | (code << 16));
  view.setUint32(icmp + 4, 0);
  new Uint8Array(view.buffer, view.byteOffset).copyWithin(quote, at, quoteEnd);
  sealIcmp(view, icmp, to + total);
  return total;
}

function sealIcmp(view: DataView, icmp: number, end: number): void {
  view.setUint16(icmp + 2, 0);
  view.setUint16(icmp + 2, internetChecksum(view, icmp, end));
}
