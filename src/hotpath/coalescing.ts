/**
 * From the tunnels to the network: packets of one turn of the event loop become super-packets, by the rules of Linux's GRO.
 *
 * TCP segments that follow on each other, and UDP datagrams of equal size, are joined under the first one's headers, in place: a
 * super-packet is a list of I/O vectors for writev. Every other packet passes as a super-packet of one, and no packet overtakes
 * another of its flow.
 */

/** Packets that one round, from reset to reset, can take. */
export const GATHER_PACKETS = 4096;

/** Bits of `coalesceKinds`. */
export const CoalesceKind = { Tcp: 1, Udp: 2 } as const;

/** Bytes of a row of the table of super-packets: four u32, little-endian, at the offsets that follow. */
export const SUPER_LENGTH = 16;
/** Index of its first I/O vector, that of the virtio header. */
export const SUPER_FIRST_VECTOR = 0;
export const SUPER_VECTORS = 4;
/** Bytes of all its vectors together. */
export const SUPER_BYTES = 8;
/** Packets that were joined. */
export const SUPER_PACKETS = 12;

/** Bytes of an I/O vector, `struct iovec` of a 64-bit machine: u64 address, u64 length. */
export const VECTOR_LENGTH = 16;

export interface Coalescing {
  /** The table of super-packets and the I/O vectors, good from {@link gatherEnd} to {@link gatherReset}. */
  readonly supersAt: number;
  readonly vectorsAt: number;
  /** What the device takes, as bits of {@link CoalesceKind}; nothing at first: then every packet passes on its own. */
  coalesceKinds(bits: number): void;
  /** The address of the linear memory in the process as two u32, for the I/O vectors. */
  setMemoryBase(low: number, high: number): void;
  /**
   * Takes the IPv4 and IPv6 entries among [from, entries) of the table, which `admit` and `admit6` have judged, and counts them as received
   * from the tunnel of `slot`. The packets stay where they are, and must stay as they are until {@link gatherReset}. Returns how many it took.
   *
   * It stops early when {@link GATHER_PACKETS} have been taken: when `gathered()` is less than `entries`, the caller ends and resets the
   * round and goes on from there.
   */
  gather(entries: number, from: number, slot: number): number;
  /** The entry that the next `gather` goes on from. */
  gathered(): number;
  /**
   * Completes the super-packets: the first packet's headers, with lengths and the pseudo header's sum, and in regions of their own the
   * virtio headers, vectors and table. Returns how many there are. Nothing may be gathered between this and the reset.
   */
  gatherEnd(): number;
  /** Forgets them. */
  gatherReset(): void;
}
