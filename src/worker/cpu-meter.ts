import { readFileSync } from 'node:fs';

/** How busy a thread is. */
export class CpuMeter {
  readonly #clock: () => number | undefined;
  #cpu: number | undefined;
  #at: number;

  /** `clock`: milliseconds of CPU time until now; undefined where nobody knows. `now`: monotonic milliseconds. */
  constructor(clock: () => number | undefined, now: number) {
    this.#clock = clock;
    this.#cpu = clock();
    this.#at = now;
  }

  /** Share of a core since the last call. */
  share(now: number): number | undefined {
    const [cpu, at] = [this.#cpu, this.#at];
    this.#cpu = this.#clock();
    this.#at = now;
    return cpu === undefined || this.#cpu === undefined || now <= at ? undefined : (this.#cpu - cpu) / (now - at);
  }
}

/** CPU time of the calling thread, which Node 20 itself does not tell; undefined where the kernel does not either. */
export function threadCpuMs(): number | undefined {
  try {
    const nanoseconds = Number.parseInt(readFileSync('/proc/thread-self/schedstat', 'latin1'), 10);
    return Number.isNaN(nanoseconds) ? undefined : nanoseconds / 1e6;
  } catch {
    return undefined;
  }
}
