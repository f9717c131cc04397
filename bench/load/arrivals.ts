import { sequenceOf } from './datagram.ts';
import type { CountReport } from './protocol.ts';
import { startStopwatch } from './stopwatch.ts';

/** Counts the load's packets that arrive in tunnels. A tunnel is known by its index. */
export class Arrivals {
  readonly #view: DataView;
  /** The next sequence number of each tunnel; undefined where nothing has arrived. */
  #expected: (number | undefined)[] = [];
  #packets = 0;
  #bytes = 0;
  #lost = 0;
  #late = 0;
  #firstAt = 0;
  #lastAt = 0;
  #stopwatch = startStopwatch();

  constructor(view: DataView) {
    this.#view = view;
  }

  startCounting(): void {
    this.#expected = [];
    this.#packets = 0;
    this.#bytes = 0;
    this.#lost = 0;
    this.#late = 0;
    this.#stopwatch = startStopwatch();
  }

  /** @returns whether the packet at [at, at + length) is one of the load's. */
  receive(tunnel: number, at: number, length: number): boolean {
    const sequence = sequenceOf(this.#view, at, length);
    if (sequence === undefined) return false;
    this.#lastAt = performance.now();
    if (this.#packets === 0) this.#firstAt = this.#lastAt;
    this.#packets += 1;
    this.#bytes += length;
    const expected = this.#expected[tunnel] ?? 0;
    if (sequence < expected) {
      // It was counted as lost when a later one overtook it.
      this.#late += 1;
      this.#lost -= 1;
    } else {
      this.#lost += sequence - expected;
      this.#expected[tunnel] = sequence + 1;
    }
    return true;
  }

  report(): CountReport {
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      lost: this.#lost,
      late: this.#late,
      // The array is sparse: this visits what is there.
      tunnels: this.#expected.reduce<number>(count => count + 1, 0),
      elapsedMs: this.#packets === 0 ? 0 : this.#lastAt - this.#firstAt,
      cpuSeconds: this.#stopwatch().cpuSeconds,
    };
  }
}
