import type { CountBy } from '../admin/gateway-view.ts';
import type { SessionTraffic } from '../worker/messages.ts';
import { type Call, DROP_REASONS, type WorkerCounters } from '../worker/worker-counters.ts';

/** What all workers together have carried since the start. */
export class WorkerTotals {
  readonly #workers: readonly WorkerCounters[];

  constructor(workers: readonly WorkerCounters[]) {
    this.#workers = workers;
  }

  traffic(): SessionTraffic {
    const sum = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0, drops: 0 };
    for (const worker of this.#workers) {
      const totals = worker.totals();
      sum.rxBytes += totals.rxBytes;
      sum.txBytes += totals.txBytes;
      sum.rxPackets += totals.rxPackets;
      sum.txPackets += totals.txPackets;
      sum.drops += totals.drops;
    }
    return sum;
  }

  /** Packets, by reason. */
  drops(): CountBy {
    return Object.fromEntries(DROP_REASONS.map(reason => [reason, this.#sum(worker => worker.drops(reason))]));
  }

  calls(call: Call): number {
    return this.#sum(worker => worker.calls(call));
  }

  #sum(read: (worker: WorkerCounters) => number): number {
    return this.#workers.reduce((sum, worker) => sum + read(worker), 0);
  }
}
