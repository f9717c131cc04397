/** ICMP and ICMPv6 echo through a tunnel (RFC 792, RFC 4443), without a network device: what `connect --check` and load tests ping the gateway with. */
import { encodeIcmpv6, parseIcmpv6 } from '../wire/icmpv6.ts';
import { emitIpv4Header, parseIpv6Packet } from '../wire/ip-packet.ts';
import { isWireError } from '../wire/wire-error.ts';
import {
  IPV4_HEADER_LENGTH,
  IpProtocol,
  internetChecksum,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
} from '../wire/ip.ts';

const ICMP_HEADER_LENGTH = 8;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;

export interface EchoRequest {
  readonly source: number;
  readonly destination: number;
  readonly identifier: number;
  readonly sequence: number;
  /** Bytes behind the ICMP header. */
  readonly payloadLength: number;
}

export function echoRequestLength(request: EchoRequest): number {
  return IPV4_HEADER_LENGTH + ICMP_HEADER_LENGTH + request.payloadLength;
}

/** @returns the offset behind the packet. */
export function emitEchoRequest(view: DataView, at: number, request: EchoRequest): number {
  const { source, destination, payloadLength } = request;
  const header = { protocol: IpProtocol.Icmp, source, destination };
  const icmp = emitIpv4Header(view, at, header, ICMP_HEADER_LENGTH + payloadLength);
  const end = at + echoRequestLength(request);
  view.setUint16(icmp, ECHO_REQUEST << 8);
  view.setUint16(icmp + 2, 0);
  view.setUint16(icmp + 4, request.identifier);
  view.setUint16(icmp + 6, request.sequence);
  for (let index = 0; index < payloadLength; index++) {
    view.setUint8(icmp + ICMP_HEADER_LENGTH + index, index & 0xff);
  }
  view.setUint16(icmp + 2, internetChecksum(view, icmp, end));
  return end;
}

/** The sequence number of the echo reply at `[at, end)`, or undefined when it is no intact reply from `source` to `identifier`. */
export function parseEchoReply(
  view: DataView,
  at: number,
  end: number,
  source: number,
  identifier: number,
): number | undefined {
  if (end - at < IPV4_HEADER_LENGTH) return undefined;
  const icmp = at + ipv4HeaderLength(view, at);
  if (end - icmp < ICMP_HEADER_LENGTH || ipv4Protocol(view, at) !== IpProtocol.Icmp) return undefined;
  if (ipv4Source(view, at) !== source || view.getUint8(icmp) !== ECHO_REPLY) return undefined;
  if (view.getUint16(icmp + 4) !== identifier || internetChecksum(view, icmp, end) !== 0) return undefined;
  return view.getUint16(icmp + 6);
}

/** The same for IPv6: a whole packet. */
export function encodeEchoRequest6(
  request: Omit<EchoRequest, 'source' | 'destination'> & { readonly source: bigint; readonly destination: bigint },
): Uint8Array {
  const { source, destination, identifier, sequence, payloadLength } = request;
  const data = Uint8Array.from({ length: payloadLength }, (_, index) => index & 0xff);
  return encodeIcmpv6(source, destination, { kind: 'echo-request', identifier, sequence, data });
}

/** As {@link parseEchoReply}. */
export function parseEchoReply6(bytes: Uint8Array, source: bigint, identifier: number): number | undefined {
  const packet = parseIpv6Packet(bytes);
  if (isWireError(packet) || packet.nextHeader !== IpProtocol.Icmpv6 || packet.source !== source) return undefined;
  const message = parseIcmpv6(packet);
  if (isWireError(message) || message.kind !== 'echo-reply' || message.identifier !== identifier) return undefined;
  return message.sequence;
}
