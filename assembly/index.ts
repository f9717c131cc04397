/**
 * The packet path of one data worker: what is done to every packet, in place, without heap, imports or traps on
 * anything that the network can send. `src/hotpath/packet-path.ts` documents the functions from the caller's side.
 */

/** Rises when an export changes its meaning; the host refuses a module with another number. */
export const ABI_VERSION: i32 = 5;

export {
  CHANGED_AT,
  COUNTER_SLOTS,
  COUNTERS_AT,
  INPUT_AT,
  INPUT_LENGTH,
  RECEIVE_AT,
  RECEIVE_LENGTH,
  SCRATCH_AT,
  SCRATCH_LENGTH,
  STATIC_END,
  SUPERS_AT,
  TABLE_AT,
  TABLE_ENTRIES,
  TRANSMIT_AT,
  TRANSMIT_BLOCK_LENGTH,
  TRANSMIT_BLOCKS,
  TUN_AT,
  TUN_HEADROOM,
  TUN_SLOTS,
  TUN_STRIDE,
  VECTORS_AT,
} from './memory';
export { admit, dhcpServer } from './admit';
export { admit6 } from './admit6';
export { checksum } from './checksum';
export { gather, gathered, gatherReset } from './coalesce';
export { gatherEnd, setMemoryBase } from './coalesce-end';
export { coalesceKinds } from './coalesce-packet';
export { countDropped, countersChanged, countersClear, countersTaken, countSent } from './counters';
export { consumed, delineate } from './delineate';
export { networkAdd, networkRemove, routeAdd, routeLookup, routeRemove } from './routes';
export { route6Add, route6Remove } from './routes6';
export { segmentBegin, segmentBytes, segmentInto } from './segment';
