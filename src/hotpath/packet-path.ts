/**
 * The packet path: everything that is done to each packet, in place, on one linear memory per data worker.
 *
 * Two implementations share this interface and the tests: {@link Hotpath} (AssemblyScript, `assembly/`) and
 * {@link HotpathTwin} (plain TypeScript: oracle, baseline and fallback).
 *
 * Addresses are byte offsets into {@link PacketPath.memory}. They differ between builds, so they are always read
 * from here. A range handed to a function must lie inside the memory: the bytes in it may be anything (they come
 * from peers), the range itself is the caller's responsibility.
 */
import type { Coalescing } from './coalescing.ts';
import type { Segmentation } from './segmentation.ts';
import type { TunnelCounters } from './tunnel-counters.ts';

/** Bytes in front of each IP packet in a tunnel: SSTP data header (4), FF 03 (2), PPP protocol (2). */
export const FRAME_HEADER_LENGTH = 8;

/** Longest IP packet that fits in one SSTP packet: 4095 less {@link FRAME_HEADER_LENGTH}. */
export const MAX_FRAMED_LENGTH = 4087;

/** Bytes of a table entry: u32 `at`, u16 `length`, u16 `protocol`, all little-endian. */
export const ENTRY_LENGTH = 8;
/** Offset of the u32 address in a table entry. */
export const ENTRY_AT = 0;
/** Offset of the u16 length in a table entry. */
export const ENTRY_BYTES = 4;
/** Offset of the u16 protocol in a table entry. */
export const ENTRY_PROTOCOL = 6;

/**
 * Values of an entry's protocol field which are not PPP protocol numbers. They are even, and a PPP protocol number
 * is always odd (RFC 1661, section 2), so nothing that a peer sends can be taken for one of them.
 */
export const EntryMark = {
  /** An SSTP control packet: `at` is its SSTP header, `length` the whole packet. */
  Control: 0x0000,
  /** A data packet without a valid PPP header: (`at`, `length`) is its payload. Count and drop. */
  NoPppHeader: 0x0002,
  /** Refused by `admit` or `admit6`: lengths or version of the IP header contradict the packet. Count and drop. */
  Malformed: 0x0004,
  /** Refused by `admit` or `admit6`: the source address is not the tunnel's. Count and drop. */
  Spoofed: 0x0006,
  /** A packet of the link itself, a router solicitation or a DHCP message for example: for the tunnel's control side. */
  ToControl: 0x0008,
  /** Set by the host: an IP packet of a family that the tunnel does not have, not yet or no longer. Count and drop. */
  NotUp: 0x000c,
  /** Set by the host: an IP packet that a rate limit holds back, or has dropped and counted. */
  Held: 0x000e,
} as const;
export type EntryMark = (typeof EntryMark)[keyof typeof EntryMark];

/** As `slot` of `admit6`: every source address is good. */
export const ANY_SOURCE = -1;

/** Negative results of the packet path. */
export const PathError = {
  /** SSTP version other than 1.0 (MS-SSTP 2.2.1). */
  Version: -1,
  /** SSTP length under 4: shorter than its own header. */
  Length: -2,
  /** SSTP control packet with a length under 8. */
  ControlLength: -3,
  /** IP packet longer than {@link MAX_FRAMED_LENGTH}: does not fit in an SSTP packet. */
  TooLong: -4,
  /** IP packet shorter than its fixed header. */
  TooShort: -5,
  /** Neither IPv4 nor IPv6. */
  NotIp: -6,
  /** The virtio header and the packet's own headers contradict each other, or a length its packet. */
  Malformed: -7,
  /** A super-packet of a kind that was not asked for, such as UDP to be fragmented (UFO). */
  GsoType: -8,
} as const;
export type PathError = (typeof PathError)[keyof typeof PathError];

/** The linear memory and where its regions are. It never grows, so views on it stay valid. */
interface PacketMemory {
  readonly memory: Uint8Array;
  readonly view: DataView;
  /** Chunks of the tunnels' TLS streams land here, one behind the other: {@link InputArena} says where. */
  readonly inputAt: number;
  readonly inputLength: number;
  /** Where the bytes of a TLS stream may appear, until they are copied to the input: room for the longest TLS record. */
  readonly landing: Uint8Array;
  /** The entries that `delineate` writes, {@link ENTRY_LENGTH} bytes each. */
  readonly tableAt: number;
  readonly tableEntries: number;
  /** Landing slots of TUN reads: packet `i` starts at `tunAt + i * tunStride + headroom`. */
  readonly tunAt: number;
  readonly tunSlots: number;
  readonly tunStride: number;
  /** Free bytes in front of each packet in a TUN slot. */
  readonly headroom: number;
  /** Blocks which the host lends to tunnels for what is on its way to TLS. */
  readonly transmitAt: number;
  readonly transmitBlocks: number;
  readonly transmitBlockLength: number;
  /** Short-lived bytes of the host: valid until the next turn of the event loop at most. */
  readonly scratchAt: number;
  readonly scratchLength: number;
}

export interface PacketPath extends PacketMemory, Segmentation, Coalescing, TunnelCounters {
  /**
   * Cuts the SSTP byte stream in [at, end) into table entries, in place (MS-SSTP 2.2.1, 3.1.5.1).
   *
   * Returns how many entries it wrote; 0 means that the rest is an incomplete packet (or nothing). It stops early
   * when the table is full, or before a malformed header, so the caller goes on at `at + consumed()` until the
   * result is 0 or a {@link PathError}: then packets in front of a malformed header are delivered however the
   * stream was split. {@link StreamCutter} is that loop.
   */
  delineate(at: number, end: number): number;
  /** Bytes that the last `delineate` cut, counted from its `at`. */
  consumed(): number;
  /**
   * Judges the IPv4 entries among the first `entries` of the table and returns how many of them are left.
   *
   * Refused ones are marked {@link EntryMark.Malformed} (version, header length, total length) or {@link EntryMark.Spoofed}: `source` is
   * not 0 and differs from the packet's, which is not routed to `slot` either. Others are trimmed to their IP total length, and a TCP SYN
   * has its MSS lowered to `mss` (0 = off), the checksum following by RFC 1624. Entries of other protocols are left alone.
   *
   * Datagrams for the {@link dhcpServer} go to the control side ({@link EntryMark.ToControl}) and do not count as left.
   */
  admit(entries: number, source: number, slot: number, mss: number): number;
  /** UDP to the DHCP server port of this IPv4 address, and of 255.255.255.255, is for the control side; with 0, none. */
  dhcpServer(address: number): void;
  /**
   * Judges the IPv6 entries likewise. A source address is good when it is routed to `slot`, or `slot` is {@link ANY_SOURCE}.
   *
   * What stays on the link goes to the control side: from a good, a link-local or the unspecified address to a link-local one or to a
   * multicast group of the link. A SYN behind extension headers keeps its MSS.
   */
  admit6(entries: number, slot: number, mss: number): number;
  /**
   * Sends IPv4 `address` (u32) to `slot` (>= 0), replacing an earlier route. False when the table is full, the
   * address is 0.0.0.0 or the slot is negative.
   */
  routeAdd(address: number, slot: number): boolean;
  /** Forgets the route of `address`; false when there was none. */
  routeRemove(address: number): boolean;
  /**
   * Sends the IPv4 network of the first `prefixLength` bits of `address` to `slot` (>= 0), replacing an earlier route; {@link routeAdd}
   * goes before it, and a longer prefix before a shorter one. Bits behind the prefix do not matter. False when the table is full, the
   * length is over 32 or the slot is negative.
   */
  networkAdd(address: number, prefixLength: number, slot: number): boolean;
  /** Forgets the route of that network; false when there was none. */
  networkRemove(address: number, prefixLength: number): boolean;
  /**
   * Sends the IPv6 prefix of the first `prefixLength` bits of the 16 bytes at `at` to `slot` (>= 0), replacing an earlier route. Bits
   * behind the prefix do not matter. False when the table is full, the length is over 128 or the slot is negative.
   */
  route6Add(at: number, prefixLength: number, slot: number): boolean;
  /** Forgets the route of that prefix; false when there was none. */
  route6Remove(at: number, prefixLength: number): boolean;
  /** The slot for the destination of the IP packet at `at`, by the longest prefix, or -1 (no route, not IP, too short). */
  routeLookup(at: number, length: number): number;
  /**
   * One's-complement sum of the bytes, folded to 16 bits, not inverted (RFC 1071); an odd last byte is padded with
   * zero. `initial` is a sum to start from, up to 32 bits wide.
   */
  checksum(at: number, length: number, initial: number): number;
}
