/**
 * The packet path in plain TypeScript: the oracle that the WASM builds are tested against, the baseline that they are
 * measured against, and a fallback where WebAssembly is not to be had.
 *
 * It is written for the reader and for V8, not translated from `assembly/`: one long-lived DataView, numbers only,
 * nothing allocated per packet.
 */
import { DHCP_SERVER_PORT } from '../wire/dhcp.ts';
import {
  IPV4_FRAGMENT_MASK,
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  IpProtocol,
  UDP_HEADER_LENGTH,
} from '../wire/ip.ts';
import { ADDRESS_AND_CONTROL, PppProtocol } from '../wire/ppp.ts';
import { HEADER_LENGTH, LENGTH_MASK, SSTP_VERSION } from '../wire/sstp.ts';
import {
  ENTRY_AT,
  ENTRY_BYTES,
  ENTRY_LENGTH,
  ENTRY_PROTOCOL,
  EntryMark,
  PathError,
  type PacketPath,
} from './packet-path.ts';
import { onesComplementSum } from './twin-checksum.ts';
import { COALESCE_REGION_LENGTH, TwinCoalescer } from './twin-coalesce.ts';
import { clampMssIpv4 } from './twin-clamp-mss.ts';
import { admit6, TwinRoutes6 } from './twin-ipv6.ts';
import { TwinRoutes4 } from './twin-routes.ts';
import { TwinSegmenter } from './twin-segment.ts';
import { COUNTERS_REGION_LENGTH, TwinCounters } from './twin-counters.ts';

const SSTP_CONTROL_LENGTH_MIN = 8;
/** Of the header as one 32-bit number. */
const CONTROL_BIT = 0x0001_0000;
/** Starts a frame's address field only: protocol 00FF is reserved, so that the two cannot be confused. */
const PPP_ALL_STATIONS = 0xff;
const IPV6_DESTINATION = 24;
const BROADCAST = 0xffff_ffff;
/** A TLS record's plain text (RFC 8446 5.1). */
const LANDING_LENGTH = 16_384;

export class HotpathTwin implements PacketPath {
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly inputAt = 4096;
  readonly inputLength = 524_288;
  readonly landing: Uint8Array;
  readonly tableAt = this.inputAt + this.inputLength + LANDING_LENGTH;
  readonly tableEntries = 17_408;
  readonly tunAt = this.tableAt + this.tableEntries * ENTRY_LENGTH;
  readonly tunSlots = 64;
  readonly tunStride = 67_648;
  readonly headroom = 64;
  readonly scratchAt = this.tunAt + this.tunSlots * this.tunStride;
  readonly scratchLength = 65_536;
  readonly #coalesceAt = this.scratchAt + this.scratchLength;
  readonly countersAt = this.#coalesceAt + COALESCE_REGION_LENGTH;
  readonly transmitAt = this.countersAt + COUNTERS_REGION_LENGTH;
  readonly transmitBlocks = 4096;
  readonly transmitBlockLength = 69_632;
  readonly supersAt: number;
  readonly vectorsAt: number;
  readonly counterSlots: number;
  readonly changedAt: number;
  readonly #segmenter: TwinSegmenter;
  readonly #coalescer: TwinCoalescer;
  readonly #counters: TwinCounters;
  readonly #routes = new TwinRoutes4();
  readonly #routes6 = new TwinRoutes6();
  #consumed = 0;
  #dhcpServer = 0;

  constructor() {
    const buffer = new ArrayBuffer(this.transmitAt + this.transmitBlocks * this.transmitBlockLength);
    this.memory = new Uint8Array(buffer);
    this.landing = new Uint8Array(buffer, this.inputAt + this.inputLength, LANDING_LENGTH);
    this.view = new DataView(buffer);
    this.#segmenter = new TwinSegmenter(this.memory, this.view);
    this.#coalescer = new TwinCoalescer(this.memory, this.view, this.tableAt, this.#coalesceAt);
    this.supersAt = this.#coalescer.supersAt;
    this.vectorsAt = this.#coalescer.vectorsAt;
    this.#counters = new TwinCounters(this.view, this.countersAt);
    this.counterSlots = this.#counters.slots;
    this.changedAt = this.#counters.changedAt;
  }

  delineate(at: number, end: number): number {
    const { view, tableAt, tableEntries } = this;
    let packet = at;
    let entries = 0;
    let error = 0;
    while (entries < tableEntries && end - packet >= HEADER_LENGTH) {
      const head = view.getInt32(packet);
      const isControl = (head & CONTROL_BIT) !== 0;
      const length = head & LENGTH_MASK;
      error = headError(head >>> 24, isControl, length);
      if (error !== 0 || length > end - packet) break;
      const entry = tableAt + entries * ENTRY_LENGTH;
      if (isControl) writeEntry(view, entry, packet, length, EntryMark.Control);
      else writePppEntry(view, entry, packet + HEADER_LENGTH, packet + length);
      packet += length;
      entries += 1;
    }
    this.#consumed = packet - at;
    return entries === 0 ? error : entries;
  }

  consumed(): number {
    return this.#consumed;
  }

  admit(entries: number, source: number, slot: number, mss: number): number {
    const { view } = this;
    const end = this.tableAt + Math.min(entries, this.tableEntries) * ENTRY_LENGTH;
    let admitted = 0;
    for (let entry = this.tableAt; entry < end; entry += ENTRY_LENGTH) {
      if (view.getUint16(entry + ENTRY_PROTOCOL, true) !== PppProtocol.Ipv4) continue;
      const at = view.getUint32(entry + ENTRY_AT, true);
      if (!isWholeIpv4(view, at, view.getUint16(entry + ENTRY_BYTES, true))) {
        view.setUint16(entry + ENTRY_PROTOCOL, EntryMark.Malformed, true);
        continue;
      }
      const from = view.getUint32(at + 12);
      if (source !== 0 && from !== source >>> 0 && (slot < 0 || this.#routes.find(from) !== slot)) {
        view.setUint16(entry + ENTRY_PROTOCOL, EntryMark.Spoofed, true);
        continue;
      }
      const totalLength = view.getUint16(at + 2);
      view.setUint16(entry + ENTRY_BYTES, totalLength, true);
      if (this.#isForDhcpServer(at, totalLength)) {
        view.setUint16(entry + ENTRY_PROTOCOL, EntryMark.ToControl, true);
        continue;
      }
      if (mss !== 0) clampMssIpv4(view, at, totalLength, mss);
      admitted += 1;
    }
    return admitted;
  }

  dhcpServer(address: number): void {
    this.#dhcpServer = address >>> 0;
  }

  admit6(entries: number, slot: number, mss: number): number {
    const end = this.tableAt + Math.min(entries, this.tableEntries) * ENTRY_LENGTH;
    return admit6(this.view, this.tableAt, end, this.#routes6, slot, mss);
  }

  segmentBegin(at: number, length: number, mss: number): number {
    return this.#segmenter.segmentBegin(at, length, mss);
  }

  segmentBytes(): number {
    return this.#segmenter.segmentBytes();
  }

  segmentInto(to: number, room: number): number {
    return this.#segmenter.segmentInto(to, room);
  }

  coalesceKinds(bits: number): void {
    this.#coalescer.coalesceKinds(bits);
  }

  setMemoryBase(low: number, high: number): void {
    this.#coalescer.setMemoryBase(low, high);
  }

  gather(entries: number, from: number, slot: number): number {
    const packets = this.#coalescer.gather(Math.min(entries, this.tableEntries), from);
    if (packets > 0) this.#counters.countReceived(slot, packets, this.#coalescer.gatheredBytes);
    return packets;
  }

  countSent(slot: number, packets: number, bytes: number): void {
    this.#counters.countSent(slot, packets, bytes);
  }

  countDropped(slot: number, packets: number): void {
    this.#counters.countDropped(slot, packets);
  }

  countersChanged(): number {
    return this.#counters.changed;
  }

  countersTaken(): void {
    this.#counters.taken();
  }

  countersClear(slot: number): void {
    this.#counters.clear(slot);
  }

  gathered(): number {
    return this.#coalescer.gathered();
  }

  gatherEnd(): number {
    return this.#coalescer.gatherEnd();
  }

  gatherReset(): void {
    this.#coalescer.gatherReset();
  }

  routeAdd(address: number, slot: number): boolean {
    return this.#routes.add(address >>> 0, slot);
  }

  routeRemove(address: number): boolean {
    return this.#routes.remove(address >>> 0);
  }

  networkAdd(address: number, prefixLength: number, slot: number): boolean {
    return this.#routes.addNetwork(address, prefixLength, slot);
  }

  networkRemove(address: number, prefixLength: number): boolean {
    return this.#routes.removeNetwork(address, prefixLength);
  }

  route6Add(at: number, prefixLength: number, slot: number): boolean {
    return this.#routes6.add(this.view, at, prefixLength, slot);
  }

  route6Remove(at: number, prefixLength: number): boolean {
    return this.#routes6.remove(this.view, at, prefixLength);
  }

  routeLookup(at: number, length: number): number {
    const version = length < IPV4_HEADER_LENGTH ? 0 : this.view.getUint8(at) >> 4;
    if (version === 6 && length >= IPV6_HEADER_LENGTH) return this.#routes6.find(this.view, at + IPV6_DESTINATION);
    if (version !== 4) return -1;
    return this.#routes.find(this.view.getUint32(at + 16));
  }

  checksum(at: number, length: number, initial: number): number {
    return onesComplementSum(this.view, at, at + length, initial);
  }

  /** For an IPv4 packet whose lengths are right. */
  #isForDhcpServer(at: number, totalLength: number): boolean {
    const { view } = this;
    if (this.#dhcpServer === 0 || view.getUint8(at + 9) !== IpProtocol.Udp) return false;
    const destination = view.getUint32(at + 16);
    if (destination !== BROADCAST && destination !== this.#dhcpServer) return false;
    const headerLength = (view.getUint8(at) & 0x0f) * 4;
    if ((view.getUint16(at + 6) & IPV4_FRAGMENT_MASK) !== 0 || totalLength < headerLength + UDP_HEADER_LENGTH)
      return false;
    return view.getUint16(at + headerLength + 2) === DHCP_SERVER_PORT;
  }
}

function headError(version: number, isControl: boolean, length: number): number {
  if (version !== SSTP_VERSION) return PathError.Version;
  if (length < HEADER_LENGTH) return PathError.Length;
  if (isControl && length < SSTP_CONTROL_LENGTH_MIN) return PathError.ControlLength;
  return 0;
}

/** FF 03 may be missing, and the protocol may be one byte, whatever LCP negotiated (RFC 1661, section 2). */
function writePppEntry(view: DataView, entry: number, at: number, end: number): void {
  const field = end - at >= 2 && view.getUint16(at) === ADDRESS_AND_CONTROL ? at + 2 : at;
  const first = field < end ? view.getUint8(field) : 0;
  const protocol = end - field >= 2 ? view.getUint16(field) : 0;
  if ((first & 1) !== 0 && first !== PPP_ALL_STATIONS) {
    writeEntry(view, entry, field + 1, end - field - 1, first);
  } else if ((first & 1) === 0 && (protocol & 1) !== 0) {
    writeEntry(view, entry, field + 2, end - field - 2, protocol);
  } else {
    writeEntry(view, entry, at, end - at, EntryMark.NoPppHeader);
  }
}

function writeEntry(view: DataView, entry: number, at: number, length: number, protocol: number): void {
  view.setUint32(entry + ENTRY_AT, at, true);
  view.setUint16(entry + ENTRY_BYTES, length, true);
  view.setUint16(entry + ENTRY_PROTOCOL, protocol, true);
}

/** Bytes behind the total length are padding and allowed. */
function isWholeIpv4(view: DataView, at: number, length: number): boolean {
  if (length < IPV4_HEADER_LENGTH) return false;
  const first = view.getUint8(at);
  const headerLength = (first & 0x0f) * 4;
  const totalLength = view.getUint16(at + 2);
  return first >> 4 === 4 && headerLength >= IPV4_HEADER_LENGTH && headerLength <= totalLength && totalLength <= length;
}
