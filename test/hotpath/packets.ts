/** Packets for the tests, built the slow and obvious way. */

export interface Ipv4Fields {
  readonly source?: number;
  readonly destination?: number;
  readonly protocol?: number;
  /** In 8-byte units. */
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
  /** A multiple of 4 bytes. */
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
}

export const CLIENT = 0x0a42_0007;
export const SERVER = 0xc000_0201;

export function ipv4(fields: Ipv4Fields = {}): Uint8Array {
  const options = fields.options ?? new Uint8Array(0);
  const payload = fields.payload ?? new Uint8Array(0);
  const packet = new Uint8Array(20 + options.length + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x40 | ((20 + options.length) / 4));
  view.setUint16(2, packet.length);
  view.setUint16(6, (fields.moreFragments === true ? 0x2000 : 0) | (fields.fragmentOffset ?? 0));
  view.setUint8(8, 64);
  view.setUint8(9, fields.protocol ?? 17);
  view.setUint32(12, fields.source ?? CLIENT);
  view.setUint32(16, fields.destination ?? SERVER);
  packet.set(options, 20);
  view.setUint16(10, ~onesComplementSum(packet.subarray(0, 20 + options.length)) & 0xffff);
  packet.set(payload, 20 + options.length);
  return packet;
}

export const TCP_SYN = 0x02;
export const TCP_ACK = 0x10;

/** A TCP segment with a correct checksum for `fields`' addresses. `options` are padded to a multiple of 4 with End. */
export function tcp(
  options: Uint8Array,
  flags: number = TCP_SYN,
  data: Uint8Array = new Uint8Array(0),
  fields: Ipv4Fields = {},
): Uint8Array {
  const headerLength = 20 + Math.ceil(options.length / 4) * 4;
  const segment = new Uint8Array(headerLength + data.length);
  const view = new DataView(segment.buffer);
  view.setUint16(0, 49_152);
  view.setUint16(2, 443);
  view.setUint32(4, 0x1234_5678);
  view.setUint8(12, (headerLength / 4) << 4);
  view.setUint8(13, flags);
  view.setUint16(14, 0xffff);
  segment.set(options, 20);
  segment.set(data, headerLength);
  const packet = ipv4({ ...fields, protocol: 6, payload: segment });
  const at = packet.length - segment.length;
  new DataView(packet.buffer).setUint16(at + 16, ~tcpSum(packet) & 0xffff);
  return packet;
}

export function mssOption(value: number): Uint8Array {
  return Uint8Array.of(2, 4, value >> 8, value & 0xff);
}

/** The sum over pseudo header and segment: 0xffff when the segment's checksum is right. */
export function tcpSum(packet: Uint8Array): number {
  const headerLength = ((packet[0] ?? 0) & 0x0f) * 4;
  const segment = packet.subarray(headerLength);
  const pseudo = new Uint8Array(12);
  pseudo.set(packet.subarray(12, 20));
  pseudo[9] = 6;
  new DataView(pseudo.buffer).setUint16(10, segment.length);
  return onesComplementSum(concat(pseudo, segment));
}

/** RFC 1071 by its definition: the sum modulo 65535, where a sum that is not 0 never becomes 0. */
export function onesComplementSum(bytes: Uint8Array, initial = 0): number {
  let sum = BigInt(initial);
  for (const [index, byte] of bytes.entries()) sum += BigInt(index % 2 === 0 ? byte * 256 : byte);
  return sum === 0n ? 0 : Number((sum - 1n) % 65_535n) + 1;
}

/** An SSTP data packet with `payload` (a PPP frame). `reserved` goes into the two reserved fields. */
export function sstpData(payload: Uint8Array, reserved = 0): Uint8Array {
  return sstp(0, payload, reserved);
}

/** An SSTP control packet with `body` behind its header. */
export function sstpControl(body: Uint8Array, reserved = 0): Uint8Array {
  return sstp(1, body, reserved);
}

function sstp(control: number, body: Uint8Array, reserved: number): Uint8Array {
  const length = 4 + body.length;
  const header = Uint8Array.of(
    0x10,
    ((reserved << 1) & 0xfe) | control,
    ((reserved << 4) & 0xf0) | (length >> 8),
    length & 0xff,
  );
  return concat(header, body);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
