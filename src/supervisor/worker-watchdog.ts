/**
 * Notices workers that hang: those whose event loop has stopped to give signs of life while this thread's goes on.
 */
import type { WorkerCounters } from '../worker/worker-counters.ts';

export interface WorkerWatchdogOptions {
  /** Of each worker, by its index. */
  readonly counters: readonly Pick<WorkerCounters, 'beats'>[];
  /** Milliseconds of silence that a worker may keep; Infinity: any. Asked for at each look. */
  readonly limit: () => number;
  /** Said once; the worker is no longer watched then. */
  readonly hung: (worker: number, silentMs: number) => void;
}

/** How often to look: as often as workers give signs of life. */
export const LOOK_INTERVAL_MS = 1000;
/** A thread that loads its modules, opens its listeners and has the machine against it. */
const START_LIMIT_MS = 60_000;

interface Watched {
  beats: number;
  silentMs: number;
  hasStarted: boolean;
}

export class WorkerWatchdog {
  readonly #options: WorkerWatchdogOptions;
  readonly #watched = new Map<number, Watched>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: WorkerWatchdogOptions) {
    this.#options = options;
  }

  /** From now on. The worker may take longer until its first sign of life than between two. */
  watch(worker: number): void {
    this.#watched.set(worker, { beats: this.#options.counters[worker]!.beats, silentMs: 0, hasStarted: false });
  }

  ignore(worker: number): void {
    this.#watched.delete(worker);
  }

  /** @param now monotonic milliseconds */
  look(now: number): void {
    // When the whole machine was suspended, or the process stopped, the workers had no more time than this thread had.
    const passed = Math.min(now - this.#lookedAt, 2 * LOOK_INTERVAL_MS);
    this.#lookedAt = now;
    const limit = this.#options.limit();
    for (const [worker, watched] of this.#watched) {
      const { beats } = this.#options.counters[worker]!;
      if (beats !== watched.beats) {
        Object.assign(watched, { beats, silentMs: 0, hasStarted: true });
        continue;
      }
      watched.silentMs += passed;
      if (watched.silentMs < (watched.hasStarted ? limit : Math.max(limit, START_LIMIT_MS))) continue;
      this.#watched.delete(worker);
      this.#options.hung(worker, watched.silentMs);
    }
  }
}
