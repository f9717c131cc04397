/**
 * What the tunnels of this worker have carried. The hot path counts it in its own memory, which no other thread sees; rows that have
 * changed are copied to the shared counters a little later, once for many packets. In this thread every row is exact at any time.
 */
import type { PacketPath } from '../hotpath/packet-path.ts';
import {
  COUNTER_DROPS,
  COUNTER_ROW_LENGTH,
  COUNTER_RX_BYTES,
  COUNTER_RX_PACKETS,
  COUNTER_TX_BYTES,
  COUNTER_TX_PACKETS,
} from '../hotpath/tunnel-counters.ts';
import type { SessionTraffic } from './messages.ts';
import type { DropReason, WorkerCounters } from './worker-counters.ts';

/** How old a value may be that the main thread reads. Nobody looks more often than a dashboard does. */
const PUBLISH_DELAY_MS = 100;

export class TunnelTraffic {
  readonly #path: PacketPath;
  readonly #counters: WorkerCounters;
  readonly #publish = (): void => {
    this.#timer = undefined;
    this.#publishChanged();
  };
  /** An idle worker has none: nothing wakes it. */
  #timer: NodeJS.Timeout | undefined;

  constructor(path: PacketPath, counters: WorkerCounters) {
    this.#path = path;
    this.#counters = counters;
  }

  /** The hot path has counted packets of some tunnel. */
  changed(): void {
    this.#timer ??= setTimeout(this.#publish, PUBLISH_DELAY_MS);
  }

  countSent(slot: number, packets: number, bytes: number): void {
    this.#path.countSent(slot, packets, bytes);
    this.changed();
  }

  countDrop(reason: DropReason, slot: number, packets = 1): void {
    this.#counters.countDrop(reason, packets);
    this.#path.countDropped(slot, packets);
    this.changed();
  }

  of(slot: number): SessionTraffic {
    const { view, countersAt } = this.#path;
    const row = countersAt + slot * COUNTER_ROW_LENGTH;
    return {
      rxBytes: view.getFloat64(row + COUNTER_RX_BYTES, true),
      txBytes: view.getFloat64(row + COUNTER_TX_BYTES, true),
      rxPackets: view.getFloat64(row + COUNTER_RX_PACKETS, true),
      txPackets: view.getFloat64(row + COUNTER_TX_PACKETS, true),
      drops: view.getFloat64(row + COUNTER_DROPS, true),
    };
  }

  /** The tunnel is gone: what it has carried goes into the totals, and its row is free. @returns what it has carried */
  settle(slot: number): SessionTraffic {
    const traffic = this.of(slot);
    this.#counters.publish(slot, traffic);
    this.#counters.clearSlot(slot);
    this.#path.countersClear(slot);
    return traffic;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#publishChanged();
  }

  #publishChanged(): void {
    const { view, changedAt } = this.#path;
    const end = changedAt + this.#path.countersChanged() * 4;
    for (let at = changedAt; at < end; at += 4) {
      const slot = view.getUint32(at, true);
      this.#counters.publish(slot, this.of(slot));
    }
    this.#path.countersTaken();
  }
}
