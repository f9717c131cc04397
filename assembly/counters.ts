/**
 * What each tunnel has carried: a row of doubles for each slot, which hold integers up to 2^53 exactly and which the host copies as they
 * are. Rows that changed since the host looked last are listed once each.
 */
import { CHANGED_AT, COUNTER_ROW_LENGTH, COUNTER_SLOTS, COUNTERS_AT } from './memory';

const RX_BYTES: u32 = 0;
const TX_BYTES: u32 = 8;
const RX_PACKETS: u32 = 16;
const TX_PACKETS: u32 = 24;
const DROPS: u32 = 32;
/** u32, not 0 while the row is in the list. */
const IS_LISTED: usize = 40;

let changed: u32 = 0;

export function countReceived(slot: u32, packets: u32, bytes: u32): void {
  const row = rowOf(slot);
  add(row + RX_PACKETS, packets);
  add(row + RX_BYTES, bytes);
}

/** Negative for packets that were counted and then not sent. */
export function countSent(slot: u32, packets: i32, bytes: i32): void {
  const row = rowOf(slot);
  add(row + TX_PACKETS, packets);
  add(row + TX_BYTES, bytes);
}

export function countDropped(slot: u32, packets: u32): void {
  add(rowOf(slot) + DROPS, packets);
}

/** Length of the list of changed slots. */
export function countersChanged(): u32 {
  return changed;
}

/** Empties the list. */
export function countersTaken(): void {
  for (let index: u32 = 0; index < changed; index++) {
    store<u32>(COUNTERS_AT + load<u32>(CHANGED_AT + index * 4) * COUNTER_ROW_LENGTH, 0, IS_LISTED);
  }
  changed = 0;
}

/** The slot has a new tunnel. */
export function countersClear(slot: u32): void {
  memory.fill(rowOf(slot), 0, IS_LISTED);
}

/** A slot that does not exist shares the last one's row: nothing is written outside of the table. */
function rowOf(slot: u32): u32 {
  const index = min(slot, COUNTER_SLOTS - 1);
  const row = COUNTERS_AT + index * COUNTER_ROW_LENGTH;
  if (load<u32>(row, IS_LISTED) == 0) {
    store<u32>(row, 1, IS_LISTED);
    store<u32>(CHANGED_AT + changed * 4, index);
    changed++;
  }
  return row;
}

function add(cell: u32, amount: i32): void {
  store<f64>(cell, load<f64>(cell) + (amount as f64));
}
