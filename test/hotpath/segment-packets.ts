/** Super-packets as the kernel writes them, and what became of them, taken apart the slow and obvious way. */
import assert from 'node:assert/strict';
import { FRAME_HEADER_LENGTH, type PacketPath } from '../../src/hotpath/packet-path.ts';
import { IpProtocol, internetChecksum, onesComplementSum } from '../../src/wire/ip.ts';
import { GsoType, VIRTIO_HEADER_LENGTH, VirtioField, VirtioFlag } from '../../src/wire/virtio.ts';
import { CLIENT, SERVER, concat } from './packets.ts';

/** The virtio header of a packet. All that is left out is 0: a plain packet. */
export interface Offload {
  readonly flags?: number;
  readonly gsoType?: number;
  readonly headerLength?: number;
  readonly gsoSize?: number;
  readonly checksumStart?: number;
  readonly checksumOffset?: number;
}

export const TcpFlag = { Fin: 0x01, Psh: 0x08, Ack: 0x10, Ece: 0x40, Cwr: 0x80 } as const;

export interface SuperPacketFields {
  readonly version: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  readonly payload: Uint8Array;
  /** Bytes between the IPv4 header and TCP or UDP. IPv6: between 40 bytes and there, a destination options header. */
  readonly ipOptions?: Uint8Array;
  readonly tcpOptions?: Uint8Array;
  readonly flags?: number;
  readonly sequence?: number;
  readonly id?: number;
}

/**
 * Headers with lengths of the whole, and in the checksum field the sum over the pseudo header, as Linux has it. The IPv4
 * header's own checksum is right.
 */
export function superPacket(fields: SuperPacketFields): Uint8Array {
  const transport = fields.protocol === 'tcp' ? tcpHeader(fields) : udpHeader(fields);
  const segment = concat(transport, fields.payload);
  const ip = fields.version === 4 ? ipv4Header(fields, segment.length) : ipv6Header(fields, segment.length);
  const packet = concat(ip, segment);
  const view = viewOf(packet);
  view.setUint16(ip.length + checksumOffset(fields.protocol), pseudoSum(view, ip.length, packet.length));
  return packet;
}

/** The virtio header that goes with {@link superPacket}. */
export function offloadFor(fields: SuperPacketFields, gsoSize: number): Required<Offload> {
  const tcpType = fields.version === 4 ? GsoType.Tcp4 : GsoType.Tcp6;
  const isTcp = fields.protocol === 'tcp';
  return {
    flags: VirtioFlag.NeedsChecksum,
    gsoType: isTcp ? tcpType | ((fields.flags ?? 0) & TcpFlag.Cwr ? GsoType.Ecn : 0) : GsoType.UdpL4,
    // Nothing may depend on it.
    headerLength: 0xdead,
    gsoSize,
    checksumStart: (fields.version === 4 ? 20 : 40) + (fields.ipOptions?.length ?? 0),
    checksumOffset: checksumOffset(fields.protocol),
  };
}

function checksumOffset(protocol: 'tcp' | 'udp'): number {
  return protocol === 'tcp' ? 16 : 6;
}

function ipv4Header(fields: SuperPacketFields, payloadLength: number): Uint8Array {
  const options = fields.ipOptions ?? new Uint8Array(0);
  const header = concat(new Uint8Array(20), options);
  const view = viewOf(header);
  view.setUint8(0, 0x40 | (header.length / 4));
  view.setUint8(1, 0x02);
  view.setUint16(2, header.length + payloadLength);
  view.setUint16(4, fields.id ?? 0xfffe);
  view.setUint16(6, 0x4000);
  view.setUint8(8, 63);
  view.setUint8(9, fields.protocol === 'tcp' ? IpProtocol.Tcp : IpProtocol.Udp);
  view.setUint32(12, SERVER);
  view.setUint32(16, CLIENT);
  view.setUint16(10, internetChecksum(view, 0, header.length));
  return header;
}

function ipv6Header(fields: SuperPacketFields, payloadLength: number): Uint8Array {
  const options = fields.ipOptions ?? new Uint8Array(0);
  const protocol = fields.protocol === 'tcp' ? IpProtocol.Tcp : IpProtocol.Udp;
  const header = concat(new Uint8Array(40), options);
  const view = viewOf(header);
  view.setUint32(0, 0x6021_2345);
  view.setUint16(4, options.length + payloadLength);
  view.setUint8(6, options.length === 0 ? protocol : 60);
  view.setUint8(7, 63);
  view.setUint32(8, 0x2001_0db8);
  view.setUint32(20, 1);
  view.setUint32(24, 0xfd00_0000);
  view.setUint32(36, 0xffff_0007);
  if (options.length > 0) header[40] = protocol;
  return header;
}

/** A destination options header of `length` bytes, a multiple of 8, with nothing but padding. Its first byte is set by {@link superPacket}. */
export function destinationOptions(length: number): Uint8Array {
  const header = new Uint8Array(length);
  header[1] = length / 8 - 1;
  header[2] = 1;
  header[3] = length - 4;
  return header;
}

function tcpHeader(fields: SuperPacketFields): Uint8Array {
  const options = fields.tcpOptions ?? new Uint8Array(0);
  const header = concat(new Uint8Array(20), options);
  const view = viewOf(header);
  view.setUint16(0, 443);
  view.setUint16(2, 49_152);
  view.setUint32(4, fields.sequence ?? 0xffff_fc00);
  view.setUint32(8, 0x0102_0304);
  view.setUint8(12, (header.length / 4) << 4);
  view.setUint8(13, fields.flags ?? TcpFlag.Ack);
  view.setUint16(14, 0x1234);
  return header;
}

function udpHeader(fields: SuperPacketFields): Uint8Array {
  const header = new Uint8Array(8);
  const view = viewOf(header);
  view.setUint16(0, 443);
  view.setUint16(2, 49_152);
  view.setUint16(4, 8 + fields.payload.length);
  return header;
}

/** Over addresses, protocol and length of what follows the IP headers. */
function pseudoSum(view: DataView, transportAt: number, end: number): number {
  const isIpv4 = view.getUint8(0) >> 4 === 4;
  const [from, to] = isIpv4 ? [12, 20] : [8, 40];
  return onesComplementSum(view, from, to, transportProtocol(view) + end - transportAt);
}

/** Of IPv6, behind one extension header at most. */
function transportProtocol(view: DataView): number {
  if (view.getUint8(0) >> 4 === 4) return view.getUint8(9);
  return view.getUint8(6) === 60 ? view.getUint8(40) : view.getUint8(6);
}

// --- through the packet path

/** Puts the packet into landing slot 0 with its virtio header in front. @returns where the packet is */
export function land(path: PacketPath, packet: Uint8Array, offload: Offload = {}): number {
  const at = path.tunAt + path.headroom;
  const header = at - VIRTIO_HEADER_LENGTH;
  path.memory.set(packet, at);
  path.view.setUint8(header + VirtioField.Flags, offload.flags ?? 0);
  path.view.setUint8(header + VirtioField.GsoType, offload.gsoType ?? GsoType.None);
  path.view.setUint16(header + VirtioField.HeaderLength, offload.headerLength ?? 0, true);
  path.view.setUint16(header + VirtioField.GsoSize, offload.gsoSize ?? 0, true);
  path.view.setUint16(header + VirtioField.ChecksumStart, offload.checksumStart ?? 0, true);
  path.view.setUint16(header + VirtioField.ChecksumOffset, offload.checksumOffset ?? 0, true);
  return at;
}

/** The packets that one becomes, unframed. Fails when it is refused, or announces something else than it writes. */
export function segmentsOf(path: PacketPath, packet: Uint8Array, offload: Offload = {}, mss = 0): Uint8Array[] {
  const packets = path.segmentBegin(land(path, packet, offload), packet.length, mss);
  assert.ok(packets > 0, `refused with ${packets}`);
  const bytes = path.segmentBytes();
  const room = Math.min(bytes, path.transmitBlocks * path.transmitBlockLength);
  assert.equal(path.segmentInto(path.transmitAt, room), bytes);
  assert.equal(path.segmentInto(path.transmitAt, room), 0, 'nothing is left');
  const found = unframe(path.memory.slice(path.transmitAt, path.transmitAt + bytes));
  assert.equal(found.length, packets);
  return found;
}

/** Takes SSTP data packets apart. */
export function unframe(stream: Uint8Array): Uint8Array[] {
  const view = viewOf(stream);
  const packets: Uint8Array[] = [];
  for (let at = 0; at < stream.length;) {
    const length = view.getUint16(at + 2);
    assert.equal(view.getUint16(at), 0x1000);
    assert.ok(length > FRAME_HEADER_LENGTH && length <= 4095 && at + length <= stream.length);
    const packet = stream.slice(at + FRAME_HEADER_LENGTH, at + length);
    assert.equal(view.getUint32(at + 4), packet[0]! >> 4 === 4 ? 0xff03_0021 : 0xff03_0057);
    packets.push(packet);
    at += length;
  }
  return packets;
}

/** A packet's own idea of itself. */
export interface Segment {
  readonly id: number;
  readonly sequence: number;
  readonly flags: number;
  /** IP and TCP options. */
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
}

/** Reads a TCP or UDP packet; fails unless its lengths and checksums are right. */
export function readSegment(packet: Uint8Array, ipOptionsLength = 0): Segment {
  const view = viewOf(packet);
  const isIpv4 = view.getUint8(0) >> 4 === 4;
  const transport = (isIpv4 ? 20 : 40) + ipOptionsLength;
  if (isIpv4) {
    assert.equal((view.getUint8(0) & 0x0f) * 4, transport);
    assert.equal(view.getUint16(2), packet.length, 'total length');
    assert.equal(internetChecksum(view, 0, transport), 0, 'header checksum');
  } else {
    assert.equal(view.getUint16(4), packet.length - 40, 'payload length');
  }
  const isTcp = transportProtocol(view) === IpProtocol.Tcp;
  const sum = onesComplementSum(view, transport, packet.length, pseudoSum(view, transport, packet.length));
  assert.equal(sum, 0xffff, 'transport checksum');
  if (!isTcp) {
    assert.equal(view.getUint16(transport + 4), packet.length - transport, 'UDP length');
    assert.notEqual(view.getUint16(transport + 6), 0, 'a UDP checksum of 0 is none');
  }
  const end = transport + (isTcp ? (view.getUint8(transport + 12) >> 4) * 4 : 8);
  return {
    id: isIpv4 ? view.getUint16(4) : 0,
    sequence: isTcp ? view.getUint32(transport + 4) : 0,
    flags: isTcp ? view.getUint8(transport + 13) : 0,
    options: concat(packet.subarray(isIpv4 ? 20 : 40, transport), packet.subarray(transport + (isTcp ? 20 : 8), end)),
    payload: packet.subarray(end),
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
