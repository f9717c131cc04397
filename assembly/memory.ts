/**
 * The regions of the linear memory. Nothing is allocated at run time and the memory never grows.
 *
 * The module has no static data, but page 0 is left to it in case a build adds some: the host refuses a module whose
 * {@link STATIC_END} reaches into the first region. Regions start at multiples of 4096, so a page that belongs to an
 * unused slot, block or route is never touched and costs no resident memory. The total is `initialMemory` and
 * `maximumMemory` of asconfig.json.
 */

const PAGE: u32 = 4096;
const FIRST_REGION: u32 = 65536;

/** End of what the compiler placed in memory by itself. */
export const STATIC_END: usize = __heap_base;

/** Holds the chunks of one turn of the event loop. Half a MiB stays in a core's own cache until the packets are written. */
export const INPUT_LENGTH: u32 = 524288;
export const INPUT_AT: u32 = FIRST_REGION;

/** Where the bytes of TLS streams appear, before they are put into the input: the longest TLS record. */
export const RECEIVE_LENGTH: u32 = 16384;
export const RECEIVE_AT: u32 = INPUT_AT + INPUT_LENGTH;
/** Entries of u32 at, u16 length, u16 protocol; enough for a chunk of 64 KiB and a kept rest, all empty (4-byte) packets. */
export const TABLE_ENTRIES: u32 = 17408;
export const TABLE_AT: u32 = RECEIVE_AT + RECEIVE_LENGTH;
export const ENTRY_LENGTH: u32 = 8;

/**
 * A slot holds the longest super-packet (an IPv6 header and 65535 bytes) behind its headroom, and a little more. An odd
 * number of cache lines from slot to slot: the headers of all slots do not fall into the same set of the cache.
 */
export const TUN_SLOTS: u32 = 64;
export const TUN_STRIDE: u32 = 67648;
export const TUN_HEADROOM: u32 = 64;
export const TUN_AT: u32 = TABLE_AT + TABLE_ENTRIES * ENTRY_LENGTH;

/** Buckets of u32 address, i32 slot. A power of two. */
export const ROUTE_BUCKETS: u32 = 131072;
export const ROUTE_BUCKET_LENGTH: u32 = 8;
export const ROUTES_AT: u32 = TUN_AT + TUN_SLOTS * TUN_STRIDE;

/** Buckets of 16 bytes prefix, i32 slot, u32 prefix length + 1 (0 = empty), 8 bytes spare. A power of two. */
export const ROUTE6_BUCKETS: u32 = 131072;
export const ROUTE6_BUCKET_LENGTH: u32 = 32;
export const ROUTES6_AT: u32 = ROUTES_AT + ROUTE_BUCKETS * ROUTE_BUCKET_LENGTH;
/** How many routes there are of each prefix length, 129 counts of u32, and which lengths there are, as bytes. */
export const ROUTE6_COUNTS_AT: u32 = ROUTES6_AT + ROUTE6_BUCKETS * ROUTE6_BUCKET_LENGTH;
export const ROUTE6_LENGTHS_AT: u32 = ROUTE6_COUNTS_AT + 1024;

/** Packets that one round of coalescing takes. A full arena of 1400-byte packets holds 372. */
export const GATHER_PACKETS: u32 = 4096;
/** What coalescing knows of a super-packet that it builds; `coalesce-record.ts` has the fields. */
export const RECORD_LENGTH: u32 = 64;
export const RECORDS_AT: u32 = ROUTE6_COUNTS_AT + PAGE;
/** The packets of all super-packets, chained: u32 at, u16 length, u16 next index. */
export const PIECE_LENGTH: u32 = 8;
export const PIECES_AT: u32 = RECORDS_AT + GATHER_PACKETS * RECORD_LENGTH;
/** Flow -> its latest super-packet: u16 index + 1, 0 = empty. Four times as many as packets: runs stay short. */
export const FLOW_BITS: u32 = 14;
export const FLOW_BUCKETS: u32 = 1 << FLOW_BITS;
export const FLOWS_AT: u32 = PIECES_AT + GATHER_PACKETS * PIECE_LENGTH;
/** One u32 for each hash of a source address. */
export const BARRIER_BITS: u32 = 10;
const BARRIERS: u32 = 1 << BARRIER_BITS;
export const BARRIERS_AT: u32 = FLOWS_AT + FLOW_BUCKETS * 2;
/** Virtio headers (10 bytes used), I/O vectors and the table of super-packets, as the host hands them to the device. */
export const VIRTIO_STRIDE: u32 = 16;
export const VIRTIO_AT: u32 = BARRIERS_AT + BARRIERS * 4;
export const VECTOR_LENGTH: u32 = 16;
export const VECTORS_AT: u32 = VIRTIO_AT + GATHER_PACKETS * VIRTIO_STRIDE;
export const SUPER_LENGTH: u32 = 16;
export const SUPERS_AT: u32 = VECTORS_AT + 2 * GATHER_PACKETS * VECTOR_LENGTH;
const GATHER_END: u32 = SUPERS_AT + GATHER_PACKETS * SUPER_LENGTH;

/** Tunnels that are counted; a full cache line for each: doubles, then whether the row is listed as changed. */
export const COUNTER_SLOTS: u32 = 16384;
export const COUNTER_ROW_LENGTH: u32 = 64;
export const COUNTERS_AT: u32 = GATHER_END;
/** The slots whose rows changed, u32 each. */
export const CHANGED_AT: u32 = COUNTERS_AT + COUNTER_SLOTS * COUNTER_ROW_LENGTH;

export const SCRATCH_LENGTH: u32 = 65536;
export const SCRATCH_AT: u32 = CHANGED_AT + COUNTER_SLOTS * 4;

/**
 * A block holds a super-packet cut to 1400 bytes with its frame headers, so that it goes into TLS in one write. Of a block that holds
 * less only the first pages are ever touched.
 */
export const TRANSMIT_BLOCKS: u32 = 4096;
export const TRANSMIT_BLOCK_LENGTH: u32 = 69632;
/** One page of distance, so that a read or write past the scratch region meets no tunnel's packets. */
export const TRANSMIT_AT: u32 = SCRATCH_AT + SCRATCH_LENGTH + PAGE;
