/** Lets an implementation gather packets, and takes its super-packets apart again, the way a kernel would but slowly. */
import assert from 'node:assert/strict';
import {
  CoalesceKind,
  SUPER_BYTES,
  SUPER_FIRST_VECTOR,
  SUPER_LENGTH,
  SUPER_PACKETS,
  SUPER_VECTORS,
  VECTOR_LENGTH,
} from '../../src/hotpath/coalescing.ts';
import type { PacketPath } from '../../src/hotpath/packet-path.ts';
import { ipHeaderLength, pseudoPacket, transportProtocol, withChecksum } from './flow-packets.ts';
import { writeEntry } from './implementations.ts';
import { concat, onesComplementSum } from './packets.ts';

const VIRTIO_LENGTH = 10;
/** What the kernel would see: above 2^32, so that both halves of an address count. */
const BASE = 0x7f12_ffff_f000n;

export interface SuperPacket {
  readonly virtio: readonly number[];
  readonly bytes: Uint8Array;
  readonly packets: number;
}

/** Puts `packets` into the arena and the table, each behind 8 bytes as of a frame header. */
function layOut(path: PacketPath, packets: readonly Uint8Array[]): void {
  let at = path.inputAt;
  for (const [index, packet] of packets.entries()) {
    at += 8;
    path.memory.set(packet, at);
    writeEntry(path, index, at, packet.length, packet.length > 0 && packet[0]! >> 4 === 6 ? 0x0057 : 0x0021);
    at += packet.length;
  }
  assert.ok(at <= path.inputAt + path.inputLength, 'the packets of one test fit into the arena');
}

/** One round for all of `packets`. */
export function coalesce(
  path: PacketPath,
  packets: readonly Uint8Array[],
  kinds: number = CoalesceKind.Tcp | CoalesceKind.Udp,
): SuperPacket[] {
  layOut(path, packets);
  path.coalesceKinds(kinds);
  path.setMemoryBase(Number(BASE & 0xffff_ffffn), Number(BASE >> 32n));
  assert.equal(path.gather(packets.length, 0, 0), packets.length);
  assert.equal(path.gathered(), packets.length);
  const supers = readSupers(path, path.gatherEnd());
  path.gatherReset();
  assert.equal(path.gatherEnd(), 0);
  return supers;
}

/** Follows the I/O vectors, as writev would. */
function readSupers(path: PacketPath, count: number): SuperPacket[] {
  return Array.from({ length: count }, (_, index) => {
    const row = path.supersAt + index * SUPER_LENGTH;
    const first = path.view.getUint32(row + SUPER_FIRST_VECTOR, true);
    const vectors = path.view.getUint32(row + SUPER_VECTORS, true);
    const pieces = Array.from({ length: vectors }, (_, vector) => {
      const at = path.vectorsAt + (first + vector) * VECTOR_LENGTH;
      const from = Number(path.view.getBigUint64(at, true) - BASE);
      const length = Number(path.view.getBigUint64(at + 8, true));
      assert.ok(from >= 0 && from + length <= path.memory.length);
      return path.memory.slice(from, from + length);
    });
    const packets = path.view.getUint32(row + SUPER_PACKETS, true);
    assert.equal(vectors, packets + 1);
    assert.equal(pieces[0]!.length, VIRTIO_LENGTH);
    const bytes = concat(...pieces.slice(1));
    assert.equal(path.view.getUint32(row + SUPER_BYTES, true), VIRTIO_LENGTH + bytes.length);
    return { virtio: [...pieces[0]!], bytes, packets };
  });
}

/** The way into a tunnel: the super-packet as if the device had read it. */
export function segment(path: PacketPath, { virtio, bytes, packets }: SuperPacket): Uint8Array[] {
  const at = path.tunAt + path.headroom;
  path.memory.set(virtio, at - virtio.length);
  path.memory.set(bytes, at);
  assert.equal(path.segmentBegin(at, bytes.length, 0), packets);
  const segments: Uint8Array[] = [];
  for (;;) {
    const end = path.transmitAt + path.segmentInto(path.transmitAt, path.transmitBlockLength);
    if (end === path.transmitAt) return segments;
    for (let frame = path.transmitAt; frame < end;) {
      const length = path.view.getUint16(frame + 2);
      segments.push(path.memory.slice(frame + 8, frame + length));
      frame += length;
    }
  }
}

/** Cuts a super-packet into the packets that it was made of; checks what a kernel would refuse. */
export function split({ virtio, bytes, packets }: SuperPacket): Uint8Array[] {
  const header = new DataView(Uint8Array.from(virtio).buffer);
  const [flags, type] = [header.getUint8(0), header.getUint8(1)];
  if (type === 0) {
    assert.deepEqual([virtio.every(byte => byte === 0), packets], [true, 1]);
    return [bytes];
  }
  const isIpv4 = bytes[0]! >> 4 === 4;
  const ipLength = ipHeaderLength(bytes);
  const isTcp = transportProtocol(bytes) === 6;
  const transport = new DataView(bytes.buffer, bytes.byteOffset + ipLength);
  const headers = ipLength + (isTcp ? (transport.getUint8(12) >> 4) * 4 : 8);
  const [kernelHeaders, size] = [header.getUint16(2, true), header.getUint16(4, true)];
  assert.equal(flags, 1);
  assert.equal(type & 0x7f, isTcp ? (isIpv4 ? 1 : 4) : 5);
  assert.equal((type & 0x80) !== 0, isTcp && (transport.getUint8(13) & 0x80) !== 0);
  assert.deepEqual([kernelHeaders, header.getUint16(6, true)], [headers, ipLength]);
  assert.equal(header.getUint16(8, true), isTcp ? 16 : 6);
  assertWholeHeaders(bytes, ipLength, isTcp);
  const payload = bytes.subarray(headers);
  assert.ok(payload.length > size && size > 0 && bytes.length <= 65_535);
  const count = Math.ceil(payload.length / size);
  assert.equal(count, packets);
  return Array.from({ length: count }, (_, index) => {
    const piece = payload.subarray(index * size, (index + 1) * size);
    const packet = concat(bytes.subarray(0, headers), piece);
    const view = new DataView(packet.buffer);
    if (isIpv4) {
      view.setUint16(2, packet.length);
      view.setUint16(4, view.getUint16(4) + index);
      view.setUint16(10, 0);
      view.setUint16(10, ~onesComplementSum(packet.subarray(0, 20)));
    } else {
      view.setUint16(4, packet.length - 40);
    }
    if (!isTcp) {
      view.setUint16(ipLength + 4, 8 + piece.length);
      return withChecksum(packet, 6);
    }
    view.setUint32(ipLength + 4, view.getUint32(ipLength + 4) + index * size);
    if (index > 0) packet[ipLength + 13]! &= ~0x80;
    if (index < count - 1) packet[ipLength + 13]! &= ~0x08;
    return withChecksum(packet, 16);
  });
}

/** Lengths, IPv4 checksum and the pseudo header's sum of a super-packet. */
function assertWholeHeaders(bytes: Uint8Array, ipLength: number, isTcp: boolean): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (ipLength === 20) {
    assert.equal(view.getUint16(2), bytes.length);
    assert.equal(onesComplementSum(bytes.subarray(0, 20)), 0xffff);
  } else {
    assert.equal(view.getUint16(4), bytes.length - 40);
  }
  if (!isTcp) assert.equal(view.getUint16(ipLength + 4), bytes.length - ipLength);
  const pseudoLength = ipLength === 20 ? 16 : 40;
  const pseudo = onesComplementSum(pseudoPacket(bytes).subarray(0, pseudoLength));
  assert.equal(view.getUint16(ipLength + (isTcp ? 16 : 6)), pseudo);
}
