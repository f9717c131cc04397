/**
 * The work that is measured, for one implementation of the packet path. `hotpath.ts` loads this module once for each
 * implementation, so that V8 collects type feedback for each on its own, as it does in the gateway, where there is one.
 */
import { CoalesceKind } from '../src/hotpath/coalescing.ts';
import type { PacketPath } from '../src/hotpath/packet-path.ts';
import type { Repeat } from './compare.ts';

export interface Case {
  readonly name: string;
  /** Packets and bytes which one repetition handles. */
  readonly packets: number;
  readonly bytes: number;
  readonly repeat: Repeat;
}

const PACKET_LENGTHS = [64, 512, 1400] as const;
const FRAME_HEADER_LENGTH = 8;
/** What one 'data' event of a TLS socket holds at most. */
const TLS_CHUNK = 16_384;
/** What libuv reads from a socket at once. */
const READ_LENGTH = 65_536;
const PPP_IPV4 = 0x0021;
const CLIENT = 0x0a42_0007;
const TCP_SYN = 0x02;
const TCP_ACK = 0x10;
/** IPv4 20, TCP with an MSS option 24. */
const TCP_HEADERS = 44;
/** What the device hands over in one turn of the event loop, at most. */
const WAKE_UP_LENGTH = 512 * 1024;
/** The longest packet that IPv4 can be. */
const SUPER_LENGTH = 65_535;
const ROUTES = 10_000;

/** Every case works on real packets, and is run once here: a benchmark of an error path would be a fast one. */
export function hotpathCases(path: PacketPath): Case[] {
  return [
    ...PACKET_LENGTHS.map(length => delineate(path, length, 1)),
    ...PACKET_LENGTHS.map(length => delineate(path, length, packetsIn(TLS_CHUNK, length))),
    ...PACKET_LENGTHS.map(length => delineate(path, length, packetsIn(READ_LENGTH, length))),
    delineateMixed(path),
    ...PACKET_LENGTHS.map(length => receive(path, length)),
    ...PACKET_LENGTHS.map(length => segment(path, `frame, ${length} B`, length, { needsChecksum: 0, gsoSize: 0 })),
    ...PACKET_LENGTHS.map(length => {
      return segment(path, `complete checksum and frame, ${length} B`, length, { needsChecksum: 1, gsoSize: 0 });
    }),
    ...PACKET_LENGTHS.map(length => {
      const gsoSize = length - TCP_HEADERS;
      return segment(path, `segment 64 KiB into ${length} B`, SUPER_LENGTH, { needsChecksum: 1, gsoSize });
    }),
    ...PACKET_LENGTHS.map(length => coalesce(path, length, 1, packetsIn(READ_LENGTH, length))),
    coalesce(path, 1400, 8, 8 * packetsIn(READ_LENGTH, 1400)),
    coalesce(path, 1400, packetsIn(READ_LENGTH, 1400), packetsIn(READ_LENGTH, 1400)),
    ...[20, ...PACKET_LENGTHS].map(length => checksum(path, length)),
    admit(path, 'admit, source check', 0),
    admit(path, 'admit, SYN with MSS to clamp', 1360),
    routeLookup(path),
  ];
}

function delineate(path: PacketPath, length: number, packets: number): Case {
  const title = packets === 1 ? 'one packet' : `${packets} packets coalesced`;
  return delineateChunk(path, `delineate, ${length} B, ${title}`, packets, stream(length, packets));
}

/** Sizes in no order: no run of equal headers is longer than chance makes it. */
function delineateMixed(path: PacketPath): Case {
  let state = 1;
  const parts = Array.from({ length: 40 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return stream(PACKET_LENGTHS[(state >>> 16) % PACKET_LENGTHS.length] ?? 64, 1);
  });
  const chunk = new Uint8Array(Buffer.concat(parts));
  return delineateChunk(path, `delineate, mixed sizes, ${parts.length} packets coalesced`, parts.length, chunk);
}

function delineateChunk(path: PacketPath, name: string, packets: number, chunk: Uint8Array): Case {
  const end = path.inputAt + chunk.length;
  const prepare = (): void => path.memory.set(chunk, path.inputAt);
  const repeat: Repeat = times => {
    for (let run = 0; run < times; run += 1) path.delineate(path.inputAt, end);
  };
  prepare();
  expect(path.delineate(path.inputAt, end), packets);
  return { name, packets, bytes: chunk.length, repeat: after(prepare, repeat) };
}

/** The whole way in: the copy of the TLS chunk, delineation, the source check and the look at every entry. */
function receive(path: PacketPath, length: number): Case {
  const packets = packetsIn(TLS_CHUNK, length);
  const chunk = stream(length, packets);
  const end = path.inputAt + chunk.length;
  const { view, memory, inputAt, tableAt } = path;
  let total = 0;
  const once = (): number => {
    memory.set(chunk, inputAt);
    const entries = path.delineate(inputAt, end);
    const admitted = path.admit(entries, CLIENT, 0, 1360);
    for (let entry = tableAt; entry < tableAt + entries * 8; entry += 8) {
      if (view.getUint16(entry + 6, true) === PPP_IPV4) total += view.getUint16(entry + 4, true);
    }
    return admitted;
  };
  expect(once(), packets);
  expect(total, packets * length);
  const name = `copy in, delineate, admit, ${length} B, ${packets} packets coalesced`;
  const repeat: Repeat = times => {
    for (let run = 0; run < times; run += 1) once();
  };
  return { name, packets, bytes: chunk.length, repeat };
}

/** From the device's slots into transmit blocks, as a tunnel's queue does it. */
function segment(path: PacketPath, name: string, length: number, offload: Offload): Case {
  const { tunStride, transmitAt, transmitBlockLength } = path;
  const slots = Math.min(path.tunSlots, Math.ceil(WAKE_UP_LENGTH / length));
  const first = path.tunAt + path.headroom;
  const packet = tcpPacket(length, TCP_ACK);
  const prepare = (): void => {
    fillSlots(path, packet, slots);
    for (let slot = 0; slot < slots; slot += 1) writeVirtioHeader(path, first + slot * tunStride, offload);
  };
  let to = transmitAt;
  const transmit = (at: number): number => {
    const packets = path.segmentBegin(at, length, 1360);
    for (let left = path.segmentBytes(); left > 0;) {
      const written = path.segmentInto(to, transmitAt + transmitBlockLength - to);
      to = written === 0 ? transmitAt : to + written;
      left -= written;
    }
    return packets;
  };
  const repeat: Repeat = times => {
    for (let run = 0; run < times; run += 1) {
      for (let slot = 0; slot < slots; slot += 1) transmit(first + slot * tunStride);
    }
  };
  prepare();
  const segments = transmit(first);
  const payload = length - TCP_HEADERS;
  expect(segments, offload.gsoSize === 0 ? 1 : Math.ceil(payload / offload.gsoSize));
  const packets = segments * slots;
  return { name, packets, bytes: path.segmentBytes() * slots, repeat: after(prepare, repeat) };
}

/** A turn of the event loop: `packets` of so many flows, which take turns, become super-packets. */
function coalesce(path: PacketPath, length: number, flows: number, packets: number): Case {
  const { memory, inputAt } = path;
  const stride = FRAME_HEADER_LENGTH + length;
  const perSuper = Math.min(64, Math.floor((SUPER_LENGTH - TCP_HEADERS) / (length - TCP_HEADERS)));
  const supers = flows * Math.ceil(packets / flows / perSuper);
  const made = Array.from({ length: packets }, (_, index) => {
    return segmentOf(path, length, index % flows, Math.floor(index / flows));
  });
  const chunk = new Uint8Array(Buffer.concat(made.flatMap(packet => [new Uint8Array(FRAME_HEADER_LENGTH), packet])));
  const addressOf = (index: number): number => inputAt + index * stride + FRAME_HEADER_LENGTH;
  // Headers of first packets are written to: they are put back each time, at the same cost for both sides.
  const firsts = made.flatMap((packet, index) => {
    const isFirst = Math.floor(index / flows) % perSuper === 0;
    return isFirst ? [{ at: addressOf(index), headers: packet.slice(0, TCP_HEADERS) }] : [];
  });
  const prepare = (): void => {
    path.coalesceKinds(CoalesceKind.Tcp);
    memory.set(chunk, inputAt);
    for (let index = 0; index < packets; index += 1) writeEntry(path, index, addressOf(index), length);
  };
  const once = (): number => {
    for (const { at, headers } of firsts) memory.set(headers, at);
    path.gather(packets, 0, 0);
    const superPackets = path.gatherEnd();
    path.gatherReset();
    return superPackets;
  };
  prepare();
  expect(once(), supers);
  const repeat: Repeat = times => {
    for (let run = 0; run < times; run += 1) once();
  };
  const name = `coalesce, ${length} B, ${packets} packets of ${flows} ${flows === 1 ? 'flow' : 'flows'}`;
  return { name, packets, bytes: length * packets, repeat: after(prepare, repeat) };
}

/** Segment number `place` of a connection, with right checksums. */
function segmentOf(path: PacketPath, length: number, flow: number, place: number): Uint8Array {
  const { memory, view, scratchAt: at } = path;
  memory.set(tcpPacket(length, TCP_ACK), at);
  view.setUint16(at + 4, place);
  view.setUint16(at + 10, 0);
  view.setUint16(at + 10, ~path.checksum(at, 20, 0));
  view.setUint16(at + 20, 40_000 + flow);
  view.setUint32(at + 24, place * (length - TCP_HEADERS));
  view.setUint16(at + 36, 0);
  // The pseudo header: addresses, which lie in front of the segment, protocol and length.
  view.setUint16(at + 36, ~path.checksum(at + 12, length - 12, 6 + length - 20));
  return memory.slice(at, at + length);
}

function writeEntry({ view, tableAt }: PacketPath, index: number, at: number, length: number): void {
  view.setUint32(tableAt + index * 8, at, true);
  view.setUint16(tableAt + index * 8 + 4, length, true);
  view.setUint16(tableAt + index * 8 + 6, PPP_IPV4, true);
}

function checksum(path: PacketPath, length: number): Case {
  const { tunSlots, tunStride } = path;
  const first = path.tunAt + path.headroom;
  const packet = tcpPacket(Math.max(length, 20), TCP_ACK);
  const prepare = (): void => fillSlots(path, packet);
  const repeat: Repeat = times => {
    let sum = 0;
    for (let run = 0; run < times; run += 1) {
      for (let slot = 0; slot < tunSlots; slot += 1) sum = path.checksum(first + slot * tunStride, length, sum);
    }
  };
  return { name: `checksum, ${length} B`, packets: tunSlots, bytes: length * tunSlots, repeat: after(prepare, repeat) };
}

/** A table of SYNs: with `mss` 0 only the source is looked at. */
function admit(path: PacketPath, name: string, mss: number): Case {
  const packets = packetsIn(TLS_CHUNK, 64);
  const chunk = stream(64, packets, TCP_SYN);
  const end = path.inputAt + chunk.length;
  const mssAt = FRAME_HEADER_LENGTH + 42;
  const prepare = (): void => {
    path.memory.set(chunk, path.inputAt);
    path.delineate(path.inputAt, end);
  };
  const repeat: Repeat = times => {
    for (let run = 0; run < times; run += 1) {
      // Restores the option that was clamped: the same store for both sides.
      if (mss !== 0) {
        for (let at = path.inputAt + mssAt; at < end; at += FRAME_HEADER_LENGTH + 64) path.view.setUint16(at, 1460);
      }
      path.admit(packets, CLIENT, 0, mss);
    }
  };
  prepare();
  expect(path.admit(packets, CLIENT, 0, mss), packets);
  if (mss !== 0) expect(path.view.getUint16(path.inputAt + mssAt), mss);
  return { name, packets, bytes: chunk.length, repeat: after(prepare, repeat) };
}

/** Destinations in no order, as they come from the network. */
function routeLookup(path: PacketPath): Case {
  const { tunSlots, tunStride, view } = path;
  const first = path.tunAt + path.headroom;
  for (let index = 0; index < ROUTES; index += 1) path.routeAdd(0x0a42_0000 + index + 1, index);
  const packet = tcpPacket(64, TCP_ACK);
  const prepare = (): void => {
    fillSlots(path, packet);
    for (let slot = 0; slot < tunSlots; slot += 1) {
      view.setUint32(first + slot * tunStride + 16, 0x0a42_0000 + 1 + ((slot * 7919) % ROUTES));
    }
  };
  let found = 0;
  const repeat: Repeat = times => {
    for (let run = 0; run < times; run += 1) {
      for (let slot = 0; slot < tunSlots; slot += 1) found += path.routeLookup(first + slot * tunStride, 64);
    }
  };
  prepare();
  expect(path.routeLookup(first + tunStride, 64), 7919);
  repeat(1);
  expect(found > 0 ? 1 : 0, 1);
  const name = `route lookup among ${ROUTES}`;
  return { name, packets: tunSlots, bytes: 64 * tunSlots, repeat: after(prepare, repeat) };
}

/** The cases share their memory: each puts its packets back before a round. */
function after(prepare: () => void, repeat: Repeat): Repeat {
  return times => {
    prepare();
    repeat(times);
  };
}

function expect(value: number, expected: number): void {
  if (value !== expected) throw new Error(`the benchmark measures an error path: ${value}, expected ${expected}`);
}

function packetsIn(chunkLength: number, length: number): number {
  return Math.floor(chunkLength / (FRAME_HEADER_LENGTH + length));
}

function fillSlots(path: PacketPath, packet: Uint8Array, slots = path.tunSlots): void {
  for (let slot = 0; slot < slots; slot += 1) {
    path.memory.set(packet, path.tunAt + slot * path.tunStride + path.headroom);
  }
}

/** `packets` SSTP data packets behind each other, each with an IP packet of `length` bytes. */
function stream(length: number, packets: number, flags = TCP_ACK): Uint8Array {
  const total = FRAME_HEADER_LENGTH + length;
  const one = new Uint8Array(total);
  one.set([0x10, 0x00, total >> 8, total & 0xff, 0xff, 0x03, 0x00, PPP_IPV4]);
  one.set(tcpPacket(length, flags), FRAME_HEADER_LENGTH);
  return Uint8Array.from({ length: total * packets }, (_, index) => one[index % total] ?? 0);
}

interface Offload {
  /** 1: the kernel leaves TCP's checksum to us. */
  readonly needsChecksum: number;
  /** Payload bytes of a segment; 0: no super-packet. */
  readonly gsoSize: number;
}

/** `struct virtio_net_hdr`, in front of the packet. */
function writeVirtioHeader({ view }: PacketPath, packet: number, { needsChecksum, gsoSize }: Offload): void {
  const at = packet - 10;
  view.setUint8(at, needsChecksum);
  view.setUint8(at + 1, gsoSize === 0 ? 0 : 1);
  view.setUint16(at + 2, TCP_HEADERS, true);
  view.setUint16(at + 4, gsoSize, true);
  view.setUint16(at + 6, needsChecksum * 20, true);
  view.setUint16(at + 8, needsChecksum * 16, true);
}

/** A TCP segment from the client with an MSS option, as far as there is room, and data. */
function tcpPacket(length: number, flags: number): Uint8Array {
  const packet = Uint8Array.from({ length: Math.max(length, 44) }, (_, index) => index & 0xff);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, length);
  view.setUint16(6, 0);
  view.setUint8(9, 6);
  view.setUint32(12, CLIENT);
  view.setUint8(32, 6 << 4);
  view.setUint8(33, flags);
  view.setUint32(40, 0x0204_05b4);
  return packet.subarray(0, length);
}
