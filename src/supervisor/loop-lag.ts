import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Each sample is a wake-up: rare enough to cost nothing. */
const SAMPLE_MS = 100;
const NANOSECONDS = 1e9;

/** How late the event loop of this thread is. */
export class LoopLag {
  readonly #delay = monitorEventLoopDelay({ resolution: SAMPLE_MS });

  constructor() {
    this.#delay.enable();
  }

  /** Seconds: the longest delay since the last call. */
  take(): number {
    const { max } = this.#delay;
    this.#delay.reset();
    // What Node measures is the time from one sample to the next.
    return Math.max(0, max / NANOSECONDS - SAMPLE_MS / 1000);
  }

  close(): void {
    this.#delay.disable();
  }
}
