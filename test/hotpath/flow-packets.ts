/** TCP and UDP packets of both IP versions with right checksums, built the slow and obvious way. */
import { concat, onesComplementSum } from './packets.ts';

export const Tcp = { Fin: 0x01, Syn: 0x02, Rst: 0x04, Psh: 0x08, Ack: 0x10, Urg: 0x20, Ece: 0x40, Cwr: 0x80 } as const;

export interface Fields {
  readonly version?: 4 | 6;
  /** Last byte of the addresses. */
  readonly source?: number;
  readonly destination?: number;
  readonly sourcePort?: number;
  /** TCP options, a multiple of 4 bytes. */
  readonly options?: Uint8Array;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly flags?: number;
  readonly window?: number;
  /** Type of service, traffic class. */
  readonly tos?: number;
  readonly ttl?: number;
  readonly identification?: number;
  /** The flags and fragment offset of IPv4. */
  readonly fragment?: number;
  readonly flowLabel?: number;
  readonly ipOptions?: Uint8Array;
  readonly payload?: Uint8Array;
}

const DONT_FRAGMENT = 0x4000;

export function tcpPacket(fields: Fields = {}): Uint8Array {
  const options = fields.options ?? new Uint8Array(0);
  const header = new Uint8Array(20 + options.length);
  const view = new DataView(header.buffer);
  view.setUint16(0, fields.sourcePort ?? 50_000);
  view.setUint16(2, 443);
  view.setUint32(4, fields.sequence ?? 1);
  view.setUint32(8, fields.acknowledgment ?? 7);
  view.setUint8(12, (header.length / 4) << 4);
  view.setUint8(13, fields.flags ?? Tcp.Ack);
  view.setUint16(14, fields.window ?? 502);
  header.set(options, 20);
  return withChecksum(ipPacket(fields, 6, concat(header, fields.payload ?? new Uint8Array(0))), 16);
}

export function udpPacket(fields: Fields = {}): Uint8Array {
  const payload = fields.payload ?? new Uint8Array(0);
  const header = new Uint8Array(8);
  const view = new DataView(header.buffer);
  view.setUint16(0, fields.sourcePort ?? 50_000);
  view.setUint16(2, 4433);
  view.setUint16(4, 8 + payload.length);
  return withChecksum(ipPacket(fields, 17, concat(header, payload)), 6);
}

function ipPacket(fields: Fields, protocol: number, transport: Uint8Array): Uint8Array {
  const ipOptions = fields.ipOptions ?? new Uint8Array(0);
  const packet = new Uint8Array((fields.version === 6 ? 40 : 20 + ipOptions.length) + transport.length);
  const view = new DataView(packet.buffer);
  const source = fields.source ?? 1;
  const destination = fields.destination ?? 2;
  if (fields.version === 6) {
    view.setUint32(0, 0x6000_0000 | ((fields.tos ?? 0) << 20) | (fields.flowLabel ?? 0x12345));
    view.setUint16(4, transport.length);
    view.setUint8(6, protocol);
    view.setUint8(7, fields.ttl ?? 64);
    packet.set([0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, source], 8);
    packet.set([0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, destination], 24);
  } else {
    view.setUint8(0, 0x45 + ipOptions.length / 4);
    view.setUint8(1, fields.tos ?? 0);
    view.setUint16(2, packet.length);
    view.setUint16(4, fields.identification ?? 0);
    view.setUint16(6, fields.fragment ?? DONT_FRAGMENT);
    view.setUint8(8, fields.ttl ?? 64);
    view.setUint8(9, protocol);
    packet.set([10, 66, 0, source, 192, 0, 2, destination], 12);
    packet.set(ipOptions, 20);
    view.setUint16(10, ~onesComplementSum(packet.subarray(0, 20 + ipOptions.length)));
  }
  packet.set(transport, packet.length - transport.length);
  return packet;
}

/** A copy with the transport's checksum, `offset` bytes into its header, made right. UDP sends a checksum of 0 as ffff (RFC 768); TCP sends it as it is. */
export function withChecksum(packet: Uint8Array, offset: number): Uint8Array {
  const copy = packet.slice();
  const view = new DataView(copy.buffer);
  const at = ipHeaderLength(copy) + offset;
  view.setUint16(at, 0);
  const sum = ~onesComplementSum(pseudoPacket(copy)) & 0xffff;
  view.setUint16(at, sum === 0 && transportProtocol(copy) === 17 ? 0xffff : sum);
  return copy;
}

/** Pseudo header and transport: what the checksum covers. */
export function pseudoPacket(packet: Uint8Array): Uint8Array {
  const isIpv4 = packet[0]! >> 4 === 4;
  const transport = packet.subarray(ipHeaderLength(packet));
  const rest = new Uint8Array(8);
  new DataView(rest.buffer).setUint32(0, transport.length);
  rest[7] = transportProtocol(packet);
  return concat(isIpv4 ? packet.subarray(12, 20) : packet.subarray(8, 40), rest, transport);
}

export function ipHeaderLength(packet: Uint8Array): number {
  return packet[0]! >> 4 === 4 ? (packet[0]! & 0x0f) * 4 : 40;
}

export function transportProtocol(packet: Uint8Array): number {
  return packet[0]! >> 4 === 4 ? packet[9]! : packet[6]!;
}

/** The packet behind a router: one hop less to live. */
export function forwarded(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  if (copy[0]! >> 4 === 6) {
    copy[7]! -= 1;
    return copy;
  }
  const view = new DataView(copy.buffer);
  copy[8]! -= 1;
  view.setUint16(10, 0);
  view.setUint16(10, ~onesComplementSum(copy.subarray(0, ipHeaderLength(copy))));
  return copy;
}

/** `length` bytes that differ with `seed`. */
export function data(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 7 + (index >> 8)) & 0xff);
}

export function timestamps(value: number): Uint8Array {
  const options = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 9);
  new DataView(options.buffer).setUint32(4, value);
  return options;
}
