import { readFileSync } from 'node:fs';

/** How busy a thread is. */
export class CpuMeter {
  readonly #clock: () => number | undefined;
  #before: { readonly cpu: number; readonly at: number } | undefined;

  /** `clock`: milliseconds of CPU time until now; undefined where nobody knows. */
  constructor(clock: () => number | undefined) {
    this.#clock = clock;
  }

  /** Share of a core since the last call; undefined at the first one. `now`: monotonic milliseconds. */
  share(now: number): number | undefined {
    const cpu = this.#clock();
    const before = this.#before;
    this.#before = cpu === undefined ? undefined : { cpu, at: now };
    if (cpu === undefined || before === undefined || now <= before.at) return undefined;
    return (cpu - before.cpu) / (now - before.at);
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
