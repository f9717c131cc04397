import type { HistoryPoint } from '../admin/gateway-view.ts';
import type { SessionTraffic } from '../worker/messages.ts';

/** The gateway at one moment. Counts are those since the start. */
export interface GatewaySample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly sessions: number;
  readonly starts: number;
  readonly ends: number;
  readonly refusals: number;
  readonly traffic: SessionTraffic;
  readonly workers: readonly WorkerSample[];
}

interface WorkerSample {
  /** Seconds. */
  readonly lag: number;
  readonly sessions: number;
  /** Share of a core. */
  readonly cpu: number | undefined;
}

const Cell = {
  At: 0,
  Sessions: 1,
  Starts: 2,
  Ends: 3,
  Refusals: 4,
  RxBps: 5,
  TxBps: 6,
  RxPps: 7,
  TxPps: 8,
  Drops: 9,
  Workers: 10,
} as const;
const WORKER_CELLS = 3;

/** The last points in time, in a ring that never grows. */
export class GatewayHistory {
  readonly #size: number;
  readonly #width: number;
  readonly #cells: Float64Array;
  #before: GatewaySample | undefined;
  /** Points ever added. */
  #count = 0;

  constructor(size: number, workers: number) {
    this.#size = size;
    this.#width = Cell.Workers + WORKER_CELLS * workers;
    this.#cells = new Float64Array(size * this.#width);
  }

  /** The first sample is only what the next one is compared with. `seconds` have passed since the one before. */
  add(sample: GatewaySample, seconds: number): void {
    const before = this.#before;
    this.#before = sample;
    if (before === undefined) return;
    const { traffic } = sample;
    const perSecond = (now: number, then: number): number => (now - then) / seconds;
    const row = this.#row(this.#count++);
    row[Cell.At] = sample.at;
    row[Cell.Sessions] = sample.sessions;
    row[Cell.Starts] = sample.starts - before.starts;
    row[Cell.Ends] = sample.ends - before.ends;
    row[Cell.Refusals] = sample.refusals - before.refusals;
    row[Cell.RxBps] = perSecond(traffic.rxBytes * 8, before.traffic.rxBytes * 8);
    row[Cell.TxBps] = perSecond(traffic.txBytes * 8, before.traffic.txBytes * 8);
    row[Cell.RxPps] = perSecond(traffic.rxPackets, before.traffic.rxPackets);
    row[Cell.TxPps] = perSecond(traffic.txPackets, before.traffic.txPackets);
    row[Cell.Drops] = traffic.drops - before.traffic.drops;
    for (const [index, { lag, sessions, cpu = Number.NaN }] of sample.workers.entries()) {
      row.set([lag, sessions, cpu], Cell.Workers + index * WORKER_CELLS);
    }
  }

  /** Points after `since`, the oldest first. May be read slowly: what is overwritten meanwhile is left out. */
  *points(since: number): Generator<HistoryPoint> {
    for (let sequence = 0; sequence < this.#count; sequence++) {
      sequence = Math.max(sequence, this.#count - this.#size);
      const row = this.#row(sequence);
      if (row[Cell.At]! > since) yield pointOf(row);
    }
  }

  #row(sequence: number): Float64Array {
    const at = (sequence % this.#size) * this.#width;
    return this.#cells.subarray(at, at + this.#width);
  }
}

function pointOf(row: Float64Array): HistoryPoint {
  const workers = [];
  for (let at: number = Cell.Workers; at < row.length; at += WORKER_CELLS) {
    const cpu = row[at + 2]!;
    workers.push({ lag: row[at]!, sessions: row[at + 1]!, cpu: Number.isNaN(cpu) ? null : rounded(cpu) });
  }
  return {
    at: new Date(row[Cell.At]!).toISOString(),
    sessions: row[Cell.Sessions]!,
    starts: row[Cell.Starts]!,
    ends: row[Cell.Ends]!,
    refusals: row[Cell.Refusals]!,
    rxBps: Math.round(row[Cell.RxBps]!),
    txBps: Math.round(row[Cell.TxBps]!),
    rxPps: Math.round(row[Cell.RxPps]!),
    txPps: Math.round(row[Cell.TxPps]!),
    drops: row[Cell.Drops]!,
    workers,
  };
}

/** Digits that nobody can read only make the answer longer. */
function rounded(share: number): number {
  return Math.round(share * 1e4) / 1e4;
}
