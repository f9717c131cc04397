// The same host's IPv6: what it says to ICMPv6 echo (RFC 4443 4) and UDP echo on every port (RFC 862). It stays silent to the rest.

import { internetChecksum, IPV6_HEADER_LENGTH, IpProtocol, onesComplementSum, UDP_HEADER_LENGTH } from '../wire/ip.ts';
import { readIpv6 } from '../wire/ipv6.ts';

const SOURCE = 8;
const DESTINATION = 24;
const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
const ECHO_HEADER_LENGTH = 8;
const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;
const UDP_ECHO_PORT = 7;
const MULTICAST = 0xff;

/**
 * Writes the answer of host `address` to the IPv6 packet at [at, at + length) to `to`, elsewhere in the same memory. Returns the answer's
 * length, never more than the packet's, or 0 when the packet gets none.
 */
export function echoReply6(view: DataView, at: number, length: number, to: number, address: bigint): number {
  if (length < IPV6_HEADER_LENGTH || view.getUint8(at) >> 4 !== 6) return 0;
  const payload = view.getUint16(at + 4);
  const total = IPV6_HEADER_LENGTH + payload;
  if (total > length || view.getUint8(at + SOURCE) === MULTICAST) return 0;
  const bytes = new Uint8Array(view.buffer, view.byteOffset);
  const source = readIpv6(bytes, at + SOURCE);
  if (source === 0n || source === address || readIpv6(bytes, at + DESTINATION) !== address) return 0;
  const protocol = view.getUint8(at + NEXT_HEADER);
  const isEcho = protocol === IpProtocol.Icmpv6 && isEchoRequest(view, at, payload);
  if (!isEcho && (protocol !== IpProtocol.Udp || !isUdpQuestion(view, at, payload))) return 0;
  // Swapped addresses, and ports, leave every checksum as it is.
  bytes.copyWithin(to, at, at + total);
  bytes.copyWithin(to + SOURCE, at + DESTINATION, at + DESTINATION + 16);
  bytes.copyWithin(to + DESTINATION, at + SOURCE, at + SOURCE + 16);
  view.setUint8(to + HOP_LIMIT, 64);
  const upper = to + IPV6_HEADER_LENGTH;
  if (isEcho) {
    view.setUint16(upper, ECHO_REPLY << 8);
    view.setUint16(upper + 2, 0);
    view.setUint16(upper + 2, upperChecksum(view, to, payload));
  } else {
    const sourcePort = view.getUint16(upper);
    view.setUint16(upper, view.getUint16(upper + 2));
    view.setUint16(upper + 2, sourcePort);
  }
  return total;
}

function isEchoRequest(view: DataView, at: number, payload: number): boolean {
  return (
    payload >= ECHO_HEADER_LENGTH &&
    view.getUint16(at + IPV6_HEADER_LENGTH) === ECHO_REQUEST << 8 &&
    upperChecksum(view, at, payload) === 0
  );
}

/** A datagram that may be answered. One from the echo port might come from another echo service, and never end. */
function isUdpQuestion(view: DataView, at: number, payload: number): boolean {
  const udp = at + IPV6_HEADER_LENGTH;
  if (payload < UDP_HEADER_LENGTH || view.getUint16(udp + 4) !== payload) return false;
  const sourcePort = view.getUint16(udp);
  // Over IPv6 a checksum of zero is none at all, and not allowed (RFC 8200 8.1).
  if (sourcePort === 0 || sourcePort === UDP_ECHO_PORT || view.getUint16(udp + 6) === 0) return false;
  return upperChecksum(view, at, payload) === 0;
}

/** Of what follows the header, with its pseudo header: zero when it is right. */
function upperChecksum(view: DataView, at: number, payload: number): number {
  const start = view.getUint8(at + NEXT_HEADER) + payload;
  const pseudoHeader = onesComplementSum(view, at + SOURCE, at + IPV6_HEADER_LENGTH, start);
  return internetChecksum(view, at + IPV6_HEADER_LENGTH, at + IPV6_HEADER_LENGTH + payload, pseudoHeader);
}
