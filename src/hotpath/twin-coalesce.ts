/** The twin of `assembly/coalesce*.ts`: see there for how packets keep their order. */
import { IPV4_DONT_FRAGMENT } from '../wire/ip.ts';
import { PppProtocol } from '../wire/ppp.ts';
import { GsoType, VIRTIO_HEADER_LENGTH, VirtioField, VirtioFlag } from '../wire/virtio.ts';
import {
  GATHER_PACKETS,
  SUPER_BYTES,
  SUPER_FIRST_VECTOR,
  SUPER_LENGTH,
  SUPER_PACKETS,
  SUPER_VECTORS,
  VECTOR_LENGTH,
  type Coalescing,
} from './coalescing.ts';
import { ENTRY_AT, ENTRY_BYTES, ENTRY_LENGTH, ENTRY_PROTOCOL } from './packet-path.ts';
import { onesComplementSum } from './twin-checksum.ts';
import { CoalescePacket, hasRightChecksums, pseudoSum, Sort, TcpFlag } from './twin-coalesce-packet.ts';

const MAX_PACKETS = 64;
const MAX_SUPER_LENGTH = 65_535;
const VIRTIO_STRIDE = 16;
const TCP_CHECKSUM = 16;
const UDP_CHECKSUM = 6;

/** Bytes that the regions take up. */
export const COALESCE_REGION_LENGTH = GATHER_PACKETS * (SUPER_LENGTH + 2 * VECTOR_LENGTH + VIRTIO_STRIDE);

/** A super-packet that is being built. A packet that stays alone is one of its own. */
class SuperPacket {
  readonly at: number;
  readonly transport: number;
  readonly isIpv4: boolean;
  readonly isTcp: boolean;
  /** Payload bytes of the first packet, which no other exceeds. */
  readonly segment: number;
  readonly barrier: number;
  /** Address and length of each piece. */
  readonly pieces: number[];
  readonly headersLength: number;
  length: number;
  sequence: number;
  isOpen: boolean;
  isVerified = false;
  hasPush = false;
  hasFixedId = false;

  constructor(packet: CoalescePacket, isOpen: boolean, barrier: number) {
    this.at = packet.at;
    this.transport = packet.transport;
    this.isIpv4 = packet.isIpv4;
    this.isTcp = packet.isTcp;
    this.segment = packet.payloadLength;
    this.headersLength = packet.payload - packet.at;
    this.barrier = barrier;
    this.length = packet.length;
    this.pieces = [packet.at, packet.length];
    this.isOpen = isOpen;
    this.sequence = isOpen && packet.isTcp ? (packet.view.getUint32(packet.transport + 4) + this.segment) >>> 0 : 0;
  }

  get packets(): number {
    return this.pieces.length / 2;
  }
}

export class TwinCoalescer implements Omit<Coalescing, 'gather'> {
  readonly supersAt: number;
  readonly vectorsAt: number;
  readonly #virtioAt: number;
  readonly #memory: Uint8Array;
  readonly #view: DataView;
  readonly #tableAt: number;
  readonly #packet: CoalescePacket;
  /** By hash; the latest super-packet of each flow. */
  readonly #flows = new Map<number, SuperPacket[]>();
  /** By hash of the source: how many packets with hidden ports it has sent. */
  readonly #barriers = new Map<number, number>();
  #supers: SuperPacket[] = [];
  #packets = 0;
  #kinds = 0;
  #baseLow = 0;
  #baseHigh = 0;
  #gathered = 0;
  #bytes = 0;

  /** @param at of {@link COALESCE_REGION_LENGTH} bytes. */
  constructor(memory: Uint8Array, view: DataView, tableAt: number, at: number) {
    this.#memory = memory;
    this.#view = view;
    this.#tableAt = tableAt;
    this.#packet = new CoalescePacket(view);
    this.vectorsAt = at;
    this.supersAt = at + 2 * GATHER_PACKETS * VECTOR_LENGTH;
    this.#virtioAt = this.supersAt + GATHER_PACKETS * SUPER_LENGTH;
  }

  coalesceKinds(bits: number): void {
    this.#kinds = bits;
  }

  setMemoryBase(low: number, high: number): void {
    this.#baseLow = low;
    this.#baseHigh = high;
  }

  /** As `gather`, without counting. */
  gather(entries: number, from: number): number {
    const view = this.#view;
    let taken = 0;
    let index = from;
    this.#bytes = 0;
    for (; index < entries; index += 1) {
      const entry = this.#tableAt + index * ENTRY_LENGTH;
      const protocol = view.getUint16(entry + ENTRY_PROTOCOL, true);
      if (protocol !== PppProtocol.Ipv4 && protocol !== PppProtocol.Ipv6) continue;
      if (this.#packets === GATHER_PACKETS) break;
      const length = view.getUint16(entry + ENTRY_BYTES, true);
      this.#take(view.getUint32(entry + ENTRY_AT, true), length);
      this.#packets += 1;
      this.#bytes += length;
      taken += 1;
    }
    this.#gathered = index;
    return taken;
  }

  gathered(): number {
    return this.#gathered;
  }

  /** Bytes of the packets that the last {@link gather} took. */
  get gatheredBytes(): number {
    return this.#bytes;
  }

  gatherEnd(): number {
    let vector = this.vectorsAt;
    for (const [index, packet] of this.#supers.entries()) {
      const virtio = this.#virtioAt + index * VIRTIO_STRIDE;
      const row = this.supersAt + index * SUPER_LENGTH;
      this.#memory.fill(0, virtio, virtio + VIRTIO_HEADER_LENGTH);
      if (packet.packets > 1) completeHeaders(this.#view, packet, virtio);
      this.#view.setUint32(row + SUPER_FIRST_VECTOR, (vector - this.vectorsAt) / VECTOR_LENGTH, true);
      this.#view.setUint32(row + SUPER_VECTORS, 1 + packet.packets, true);
      this.#view.setUint32(row + SUPER_BYTES, VIRTIO_HEADER_LENGTH + packet.length, true);
      this.#view.setUint32(row + SUPER_PACKETS, packet.packets, true);
      vector = this.#writeVector(vector, virtio, VIRTIO_HEADER_LENGTH);
      for (let piece = 0; piece < packet.pieces.length; piece += 2) {
        vector = this.#writeVector(vector, packet.pieces[piece]!, packet.pieces[piece + 1]!);
      }
    }
    return this.#supers.length;
  }

  gatherReset(): void {
    this.#supers = [];
    this.#packets = 0;
    this.#flows.clear();
    this.#barriers.clear();
  }

  #take(at: number, length: number): void {
    const packet = this.#packet;
    const sort = packet.read(at, length, this.#kinds);
    if (sort === Sort.Other) {
      this.#add(false, 0);
      return;
    }
    const source = packet.sourceHash();
    const barrier = this.#barriers.get(source) ?? 0;
    if (sort === Sort.Hidden) {
      this.#barriers.set(source, barrier + 1);
      this.#add(false, 0);
      return;
    }
    const flow = this.#flow();
    const latest = flow.find(candidate => isSameFlow(this.#view, candidate, packet));
    let mayBegin = sort === Sort.Mergeable;
    if (latest?.isOpen === true && latest.barrier === barrier) {
      if (mayBegin && mayJoin(this.#view, latest, packet) && isVerified(this.#view, latest)) {
        if (packet.hasRightChecksums()) {
          join(this.#view, latest, packet);
          return;
        }
        mayBegin = false;
      }
      latest.isOpen = false;
    }
    const added = this.#add(mayBegin && !hasPush(this.#view, packet), barrier);
    if (latest === undefined) flow.push(added);
    else flow[flow.indexOf(latest)] = added;
  }

  #add(isOpen: boolean, barrier: number): SuperPacket {
    const added = new SuperPacket(this.#packet, isOpen, barrier);
    this.#supers.push(added);
    return added;
  }

  #flow(): SuperPacket[] {
    const hash = this.#packet.flowHash();
    let flow = this.#flows.get(hash);
    if (flow === undefined) this.#flows.set(hash, (flow = []));
    return flow;
  }

  /** 64-bit sum of base and offset. @returns where the next vector goes. */
  #writeVector(vector: number, at: number, length: number): number {
    const low = this.#baseLow + at;
    this.#view.setUint32(vector, low, true);
    this.#view.setUint32(vector + 4, this.#baseHigh + (low > 0xffff_ffff ? 1 : 0), true);
    this.#view.setUint32(vector + 8, length, true);
    this.#view.setUint32(vector + 12, 0, true);
    return vector + VECTOR_LENGTH;
  }
}

function isSameFlow(view: DataView, one: SuperPacket, packet: CoalescePacket): boolean {
  if (one.isIpv4 !== packet.isIpv4 || one.isTcp !== packet.isTcp) return false;
  const from = one.isIpv4 ? 12 : 8;
  return areEqual(view, one.at + from, packet.at + from, packet.transport + 4 - packet.at - from);
}

/** Whether the packet follows on: inet_gro_receive, ipv6_gro_receive, tcp_gro_receive and udp_gro_receive of Linux. */
function mayJoin(view: DataView, one: SuperPacket, packet: CoalescePacket): boolean {
  const payload = packet.payloadLength;
  if (payload > one.segment || one.packets === MAX_PACKETS || one.length + payload > MAX_SUPER_LENGTH) return false;
  const { at } = packet;
  if (one.isIpv4) {
    const hasSameHeader =
      view.getUint8(one.at + 1) === view.getUint8(at + 1) &&
      view.getUint16(one.at + 6) === view.getUint16(at + 6) &&
      view.getUint8(one.at + 8) === view.getUint8(at + 8);
    if (!hasSameHeader || !followsIdentification(view, one, at)) return false;
  } else if (view.getUint32(one.at) !== view.getUint32(at) || view.getUint8(one.at + 7) !== view.getUint8(at + 7)) {
    return false;
  }
  return !one.isTcp || followsTcp(view, one, packet);
}

/** Identifications count on, or, where DF makes them meaningless, stay the same. */
function followsIdentification(view: DataView, one: SuperPacket, at: number): boolean {
  const step = (view.getUint16(at + 4) - view.getUint16(one.at + 4)) & 0xffff;
  if (one.hasFixedId) return step === 0;
  const isAtomic = (view.getUint16(at + 6) & IPV4_DONT_FRAGMENT) !== 0;
  return step === one.packets || (one.packets === 1 && isAtomic && step === 0);
}

function followsTcp(view: DataView, one: SuperPacket, packet: CoalescePacket): boolean {
  const first = one.transport;
  const { transport } = packet;
  const flags = view.getInt32(transport + 12);
  const differing = (flags ^ view.getInt32(first + 12)) & ~(TcpFlag.Push | TcpFlag.CongestionWindowReduced);
  return (
    view.getUint32(transport + 4) === one.sequence &&
    view.getUint32(transport + 8) === view.getUint32(first + 8) &&
    differing === 0 &&
    (flags & TcpFlag.CongestionWindowReduced) === 0 &&
    areEqual(view, first + 20, transport + 20, packet.payload - transport - 20)
  );
}

function isVerified(view: DataView, one: SuperPacket): boolean {
  one.isVerified ||= hasRightChecksums(view, one.at, one.length);
  return one.isVerified;
}

/** A shorter segment, or one with PSH, is the last of its super-packet. */
function join(view: DataView, one: SuperPacket, packet: CoalescePacket): void {
  const payload = packet.payloadLength;
  if (one.isIpv4 && view.getUint16(one.at + 4) === view.getUint16(packet.at + 4)) one.hasFixedId = true;
  one.pieces.push(packet.payload, payload);
  one.length += payload;
  one.sequence = (one.sequence + payload) >>> 0;
  one.hasPush = hasPush(view, packet);
  if (one.hasPush || payload < one.segment) one.isOpen = false;
}

function hasPush(view: DataView, packet: CoalescePacket): boolean {
  return packet.isTcp && (view.getInt32(packet.transport + 12) & TcpFlag.Push) !== 0;
}

/** The first packet's headers speak for the whole: lengths, PSH, the pseudo header's sum where the device puts the checksum. */
function completeHeaders(view: DataView, one: SuperPacket, virtio: number): void {
  const { at, transport, length, isIpv4, isTcp } = one;
  if (isIpv4) {
    view.setUint16(at + 2, length);
    view.setUint16(at + 10, 0);
    view.setUint16(at + 10, ~onesComplementSum(view, at, transport, 0));
  } else {
    view.setUint16(at + 4, at + length - transport);
  }
  let type: number = GsoType.UdpL4;
  if (isTcp) {
    const flags = view.getInt32(transport + 12);
    view.setInt32(transport + 12, one.hasPush ? flags | TcpFlag.Push : flags);
    type = (isIpv4 ? GsoType.Tcp4 : GsoType.Tcp6) | ((flags & TcpFlag.CongestionWindowReduced) === 0 ? 0 : GsoType.Ecn);
  } else {
    view.setUint16(transport + 4, at + length - transport);
  }
  const checksumOffset = isTcp ? TCP_CHECKSUM : UDP_CHECKSUM;
  view.setUint16(transport + checksumOffset, pseudoSum(view, at, length));
  view.setUint8(virtio + VirtioField.Flags, VirtioFlag.NeedsChecksum);
  view.setUint8(virtio + VirtioField.GsoType, type);
  view.setUint16(virtio + VirtioField.HeaderLength, one.headersLength, true);
  view.setUint16(virtio + VirtioField.GsoSize, one.segment, true);
  view.setUint16(virtio + VirtioField.ChecksumStart, transport - at, true);
  view.setUint16(virtio + VirtioField.ChecksumOffset, checksumOffset, true);
}

function areEqual(view: DataView, one: number, other: number, length: number): boolean {
  for (let offset = 0; offset < length; offset += 4) {
    if (view.getUint32(one + offset) !== view.getUint32(other + offset)) return false;
  }
  return true;
}
