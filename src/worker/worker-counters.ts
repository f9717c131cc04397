/**
 * Counters of one worker in shared memory: the worker writes, the main thread reads whenever it likes.
 * There is one writer and a double holds integers up to 2^53 exactly, so no atomics.
 */
import type { SessionTraffic } from './messages.ts';

/** Tunnels that one worker can hold; the shared block and the slot table are sized by it. */
export const MAX_SLOTS = 16_384;

/** Why a packet was dropped, in the order of the cells. */
export const DROP_REASONS = [
  'queue-full',
  'queue-delay',
  'no-transmit-block',
  'not-up',
  'no-route',
  'spoofed-source',
  'malformed',
  'too-long',
  'unknown-protocol',
  'device-refused',
  'rate-limit',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

const Cell = {
  Sessions: 0,
  LoopLag: 1,
  RxBytes: 2,
  TxBytes: 3,
  RxPackets: 4,
  TxPackets: 5,
  Beats: 6,
  Cpu: 7,
  Drops: 8,
} as const;
/** Calls that carry packets, by their cells. rx is from the clients: received TLS records, and writes to the device. */
export const Call = { TlsRx: 24, TlsTx: 25, DeviceRx: 26, DeviceTx: 27 } as const;
export type Call = (typeof Call)[keyof typeof Call];
const HALF_OPEN = 28;
const WORKER_CELLS = 32;
/** A full cache line for each slot, so that neighbours do not share one. */
const SLOT_CELLS = 8;
const Slot = { RxBytes: 0, TxBytes: 1, RxPackets: 2, TxPackets: 3, Drops: 4 } as const;

const dropCell = new Map<DropReason, number>(DROP_REASONS.map((reason, index) => [reason, Cell.Drops + index]));

export class WorkerCounters {
  readonly #cells: Float64Array;

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer((WORKER_CELLS + MAX_SLOTS * SLOT_CELLS) * Float64Array.BYTES_PER_ELEMENT);
  }

  constructor(buffer: SharedArrayBuffer) {
    this.#cells = new Float64Array(buffer);
  }

  /** Sessions that the worker holds now. */
  get sessions(): number {
    return this.#cells[Cell.Sessions]!;
  }

  set sessions(count: number) {
    this.#cells[Cell.Sessions] = count;
  }

  /** Connections that have not sent their request yet, a moment ago. */
  get halfOpen(): number {
    return this.#cells[HALF_OPEN]!;
  }

  set halfOpen(count: number) {
    this.#cells[HALF_OPEN] = count;
  }

  /** 99th percentile of the event loop's delay over the last interval, seconds. */
  get loopLag(): number {
    return this.#cells[Cell.LoopLag]!;
  }

  set loopLag(seconds: number) {
    this.#cells[Cell.LoopLag] = seconds;
  }

  /** Signs of life: one a second while the event loop turns, and one for each TLS handshake, which can make a turn of it long. */
  get beats(): number {
    return this.#cells[Cell.Beats]!;
  }

  beat(): void {
    this.#add(Cell.Beats, 1);
  }

  /** Share of a core that the worker took over the last interval; undefined until it was measured. */
  get cpu(): number | undefined {
    const share = this.#cells[Cell.Cpu]!;
    return Number.isNaN(share) ? undefined : share;
  }

  set cpu(share: number | undefined) {
    this.#cells[Cell.Cpu] = share ?? Number.NaN;
  }

  /** A drop that belongs to no tunnel; {@link TunnelTraffic} counts the others. */
  countDrop(reason: DropReason, packets = 1): void {
    this.#add(dropCell.get(reason)!, packets);
  }

  countCalls(call: Call, calls = 1): void {
    this.#add(call, calls);
  }

  calls(call: Call): number {
    return this.#cells[call]!;
  }

  /** What the tunnel has carried until now. The totals of the worker take up what has come since the last time. */
  publish(slot: number, traffic: SessionTraffic): void {
    const before = this.traffic(slot);
    this.#add(Cell.RxBytes, traffic.rxBytes - before.rxBytes);
    this.#add(Cell.TxBytes, traffic.txBytes - before.txBytes);
    this.#add(Cell.RxPackets, traffic.rxPackets - before.rxPackets);
    this.#add(Cell.TxPackets, traffic.txPackets - before.txPackets);
    this.#cells[slotCell(slot, Slot.RxBytes)] = traffic.rxBytes;
    this.#cells[slotCell(slot, Slot.TxBytes)] = traffic.txBytes;
    this.#cells[slotCell(slot, Slot.RxPackets)] = traffic.rxPackets;
    this.#cells[slotCell(slot, Slot.TxPackets)] = traffic.txPackets;
    this.#cells[slotCell(slot, Slot.Drops)] = traffic.drops;
  }

  clearSlot(slot: number): void {
    this.#cells.fill(0, slotCell(slot, 0), slotCell(slot + 1, 0));
  }

  /** A worker that starts anew holds nothing; its packet totals go on. */
  clearSessions(): void {
    this.sessions = 0;
    this.halfOpen = 0;
    this.cpu = undefined;
    this.#cells.fill(0, WORKER_CELLS);
  }

  traffic(slot: number): SessionTraffic {
    return {
      rxBytes: this.#cells[slotCell(slot, Slot.RxBytes)]!,
      txBytes: this.#cells[slotCell(slot, Slot.TxBytes)]!,
      rxPackets: this.#cells[slotCell(slot, Slot.RxPackets)]!,
      txPackets: this.#cells[slotCell(slot, Slot.TxPackets)]!,
      drops: this.#cells[slotCell(slot, Slot.Drops)]!,
    };
  }

  totals(): SessionTraffic {
    return {
      rxBytes: this.#cells[Cell.RxBytes]!,
      txBytes: this.#cells[Cell.TxBytes]!,
      rxPackets: this.#cells[Cell.RxPackets]!,
      txPackets: this.#cells[Cell.TxPackets]!,
      drops: DROP_REASONS.reduce((sum, reason) => sum + this.drops(reason), 0),
    };
  }

  drops(reason: DropReason): number {
    return this.#cells[dropCell.get(reason)!]!;
  }

  #add(cell: number, amount: number): void {
    this.#cells[cell] = this.#cells[cell]! + amount;
  }
}

function slotCell(slot: number, cell: number): number {
  return WORKER_CELLS + slot * SLOT_CELLS + cell;
}
