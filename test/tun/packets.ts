// IPv4 packets with correct checksums, as a host's own stack would make them.

import { internetChecksum, IpProtocol, IPV4_HEADER_LENGTH, onesComplementSum, parseIpv4 } from '../../src/wire/ip.ts';

export interface IcmpMessage {
  readonly type: number;
  readonly code?: number;
  readonly id?: number;
  readonly sequence?: number;
  readonly data?: Uint8Array;
}

export function icmpPacket(source: string, destination: string, message: IcmpMessage): Uint8Array {
  const { type, code = 0, id = 0, sequence = 0, data = new Uint8Array(0) } = message;
  const icmp = new Uint8Array(8 + data.length);
  const view = new DataView(icmp.buffer);
  view.setUint8(0, type);
  view.setUint8(1, code);
  view.setUint16(4, id);
  view.setUint16(6, sequence);
  icmp.set(data, 8);
  view.setUint16(2, internetChecksum(view, 0, icmp.length));
  return ipv4Packet(source, destination, IpProtocol.Icmp, icmp);
}

export function echoRequest(source: string, destination: string, sequence = 1, data = new Uint8Array(56)): Uint8Array {
  return icmpPacket(source, destination, { type: 8, id: 0x5350, sequence, data });
}

export function udpPacket(
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
  data: Uint8Array,
): Uint8Array {
  const udp = new Uint8Array(8 + data.length);
  const view = new DataView(udp.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, udp.length);
  udp.set(data, 8);
  const packet = ipv4Packet(source, destination, IpProtocol.Udp, udp);
  const whole = new DataView(packet.buffer);
  whole.setUint16(26, udpChecksum(whole) || 0xffff);
  return packet;
}

/** Zero over a packet of {@link udpPacket}'s layout whose checksum is right. */
export function udpChecksum(packet: DataView): number {
  const pseudoHeader = onesComplementSum(packet, 12, 20, IpProtocol.Udp + packet.getUint16(24));
  return internetChecksum(packet, 20, packet.byteLength, pseudoHeader);
}

export function ipv4Packet(source: string, destination: string, protocol: number, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(20 + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, packet.length);
  view.setUint16(4, 0x1234);
  view.setUint8(8, 17);
  view.setUint8(9, protocol);
  view.setUint32(12, parseIpv4(source) ?? 0);
  view.setUint32(16, parseIpv4(destination) ?? 0);
  view.setUint16(10, internetChecksum(view, 0, 20));
  packet.set(payload, 20);
  return packet;
}

/** Recomputes the header checksum after a test has changed the header. */
export function resealHeader(packet: Uint8Array): Uint8Array {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  view.setUint16(10, 0);
  view.setUint16(10, internetChecksum(view, 0, (packet[0]! & 0x0f) * 4));
  return packet;
}

export interface Message {
  readonly source: string;
  readonly destination: string;
  readonly payload: Uint8Array;
}

const TCP_ACK_PSH = 0x18;

/**
 * A TCP segment as a sender with checksum and segmentation offload leaves it: of any length, its checksum field holding the sum of the
 * pseudo header. No options; ports 40000 to 80.
 */
export function unfinishedTcp({ source, destination, payload }: Message, sequence: number): Uint8Array {
  const tcp = new Uint8Array(20 + payload.length);
  const view = new DataView(tcp.buffer);
  view.setUint16(0, 40_000);
  view.setUint16(2, 80);
  view.setUint32(4, sequence);
  view.setUint32(8, 0x0a0b0c0d);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, TCP_ACK_PSH);
  view.setUint16(14, 0xffff);
  tcp.set(payload, 20);
  return withPseudoSum(ipv4Packet(source, destination, IpProtocol.Tcp, tcp), 16);
}

/** A UDP datagram as {@link unfinishedTcp}, or several of them in one. */
export function unfinishedUdp({ source, destination, payload }: Message): Uint8Array {
  const udp = new Uint8Array(8 + payload.length);
  const view = new DataView(udp.buffer);
  view.setUint16(0, 40_000);
  view.setUint16(2, 9);
  view.setUint16(4, udp.length);
  udp.set(payload, 8);
  return withPseudoSum(ipv4Packet(source, destination, IpProtocol.Udp, udp), 6);
}

/** The sum over pseudo header and transport segment of a packet without IP options, inverted: zero when its checksum is right. */
export function transportChecksum(packet: Uint8Array): number {
  const view = viewOf(packet);
  return internetChecksum(view, IPV4_HEADER_LENGTH, packet.length, pseudoSum(view));
}

/** Completes a checksum whose field holds the pseudo header's sum. `start` and `offset` as in a virtio header. */
export function completeChecksum(packet: Uint8Array, start: number, offset: number): void {
  const view = viewOf(packet);
  view.setUint16(start + offset, internetChecksum(view, start, packet.length));
}

function withPseudoSum(packet: Uint8Array, offset: number): Uint8Array {
  const view = viewOf(packet);
  view.setUint16(IPV4_HEADER_LENGTH + offset, pseudoSum(view));
  return packet;
}

function pseudoSum(packet: DataView): number {
  return onesComplementSum(packet, 12, 20, packet.getUint8(9) + packet.byteLength - IPV4_HEADER_LENGTH);
}

function viewOf(packet: Uint8Array): DataView {
  return new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
}
