/**
 * What each tunnel has carried, counted where its packets pass: a row of doubles for each slot in the packet path's own memory. The host
 * copies the rows that have changed to where others may read them, when it likes.
 */

/** Bytes of a row: doubles at the offsets that follow. */
export const COUNTER_ROW_LENGTH = 64;
/** Bytes and packets from the client; `gather` counts them. */
export const COUNTER_RX_BYTES = 0;
export const COUNTER_TX_BYTES = 8;
export const COUNTER_RX_PACKETS = 16;
export const COUNTER_TX_PACKETS = 24;
export const COUNTER_DROPS = 32;

export interface TunnelCounters {
  /** The row of slot i is at `countersAt + i * COUNTER_ROW_LENGTH`. */
  readonly countersAt: number;
  /** Slots that have a row; a higher one shares the last row. */
  readonly counterSlots: number;
  /** The slots whose rows have changed since {@link countersTaken}, u32 each, little-endian. */
  readonly changedAt: number;
  /** Packets to the client, and the bytes of them. Negative for such as were counted and then dropped. */
  countSent(slot: number, packets: number, bytes: number): void;
  countDropped(slot: number, packets: number): void;
  /** How many slots are in the list at {@link changedAt}. */
  countersChanged(): number;
  /** Empties the list. */
  countersTaken(): void;
  /** Zeroes the row of a slot. */
  countersClear(slot: number): void;
}
