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

/** Room in front of the input for the kept rest of an incomplete packet: at most 4094 bytes. */
const CARRY_ROOM: u32 = 4096;
export const INPUT_LENGTH: u32 = 65536;
export const INPUT_AT: u32 = FIRST_REGION + CARRY_ROOM;

/** Entries of u32 at, u16 length, u16 protocol; enough for carry room and input full of empty (4-byte) packets. */
export const TABLE_ENTRIES: u32 = 17408;
export const TABLE_AT: u32 = INPUT_AT + INPUT_LENGTH;
export const ENTRY_LENGTH: u32 = 8;

/** A slot holds the longest IP packet that SSTP can carry (4087 bytes) behind its headroom. */
export const TUN_SLOTS: u32 = 64;
export const TUN_STRIDE: u32 = 4224;
export const TUN_HEADROOM: u32 = 64;
export const TUN_AT: u32 = TABLE_AT + TABLE_ENTRIES * ENTRY_LENGTH;

/** Buckets of u32 address, i32 slot. A power of two. */
export const ROUTE_BUCKETS: u32 = 131072;
export const ROUTE_BUCKET_LENGTH: u32 = 8;
export const ROUTES_AT: u32 = TUN_AT + TUN_SLOTS * TUN_STRIDE;

export const SCRATCH_LENGTH: u32 = 65536;
export const SCRATCH_AT: u32 = ROUTES_AT + ROUTE_BUCKETS * ROUTE_BUCKET_LENGTH;

export const TRANSMIT_BLOCKS: u32 = 1024;
export const TRANSMIT_BLOCK_LENGTH: u32 = 32768;
/** One page of distance, so that a read or write past the scratch region meets no tunnel's packets. */
export const TRANSMIT_AT: u32 = SCRATCH_AT + SCRATCH_LENGTH + PAGE;
