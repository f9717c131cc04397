/** The twin of `assembly/counters.ts`. */
import {
  COUNTER_DROPS,
  COUNTER_ROW_LENGTH,
  COUNTER_RX_BYTES,
  COUNTER_RX_PACKETS,
  COUNTER_TX_BYTES,
  COUNTER_TX_PACKETS,
} from './tunnel-counters.ts';

const SLOTS = 16_384;

/** Bytes that the rows and the list take up. */
export const COUNTERS_REGION_LENGTH = SLOTS * (COUNTER_ROW_LENGTH + 4);

export class TwinCounters {
  readonly slots = SLOTS;
  readonly changedAt: number;
  readonly #view: DataView;
  readonly #at: number;
  readonly #changed = new Set<number>();

  /** @param at of {@link COUNTERS_REGION_LENGTH} bytes. */
  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    this.changedAt = at + SLOTS * COUNTER_ROW_LENGTH;
  }

  get changed(): number {
    return this.#changed.size;
  }

  countReceived(slot: number, packets: number, bytes: number): void {
    this.#add(slot, COUNTER_RX_PACKETS, packets);
    this.#add(slot, COUNTER_RX_BYTES, bytes);
  }

  countSent(slot: number, packets: number, bytes: number): void {
    this.#add(slot, COUNTER_TX_PACKETS, packets);
    this.#add(slot, COUNTER_TX_BYTES, bytes);
  }

  countDropped(slot: number, packets: number): void {
    this.#add(slot, COUNTER_DROPS, packets);
  }

  taken(): void {
    this.#changed.clear();
  }

  clear(slot: number): void {
    const row = this.#rowOf(slot);
    for (let cell = 0; cell <= COUNTER_DROPS; cell += 8) this.#view.setFloat64(row + cell, 0, true);
  }

  #add(slot: number, cell: number, amount: number): void {
    const at = this.#rowOf(slot) + cell;
    this.#view.setFloat64(at, this.#view.getFloat64(at, true) + amount, true);
  }

  #rowOf(slot: number): number {
    const index = Math.min(slot, SLOTS - 1);
    if (!this.#changed.has(index)) {
      this.#view.setUint32(this.changedAt + this.#changed.size * 4, index, true);
      this.#changed.add(index);
    }
    return this.#at + index * COUNTER_ROW_LENGTH;
  }
}
