/**
 * Holds bulk packets back in the queue while the connection has as many bytes as it sends in the next moments: in the queue a sparse
 * packet passes them, in the kernel it stands behind them. Only where sparse packets are: bulk alone goes out in long writes, which cost less.
 */

/** How much the connection should be given now. */
export interface TransmitWindow {
  /**
   * Bytes, none or more; Infinity for any number. Less than `least` will be taken for none. Costs a system call.
   */
  measure(least: number): number;
  /** Milliseconds from the last {@link measure} until it is worth another one. */
  readonly waitMs: number;
}

/** For so long after a sparse packet others are to be expected. */
const SPARSE_MS = 10_000;
/** Bytes that go out without a measurement. */
const UNMEASURED = 4096;

export class WindowGate {
  readonly #window: TransmitWindow | undefined;
  /** Smaller room is none. */
  readonly #least: number;
  #sparseAt = Number.NEGATIVE_INFINITY;
  #sentBytes = 0;
  #opensAt = Number.POSITIVE_INFINITY;
  #isShut = false;

  /** @param least bytes of the longest packet. */
  constructor(window: TransmitWindow | undefined, least: number) {
    this.#window = window;
    this.#least = least;
  }

  get isShut(): boolean {
    return this.#isShut;
  }

  /** When to ask for {@link room} again; Infinity when it is not shut. */
  get opensAt(): number {
    return this.#isShut ? this.#opensAt : Number.POSITIVE_INFINITY;
  }

  /** A packet was found to be sparse. */
  sawSparse(now: number): void {
    this.#sparseAt = now;
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes;
  }

  /**
   * Bytes that may be sent of `waiting` ones: 0 when it is shut.
   * @param most what may be sent when there is no need to measure.
   */
  room(waiting: number, most: number, now: number): number {
    if (this.#isShut && now < this.#opensAt) return 0;
    this.#isShut = false;
    if (this.#window === undefined || this.#sentBytes + waiting < UNMEASURED) return most;
    if (now - this.#sparseAt > SPARSE_MS) return most;
    const room = this.#window.measure(this.#least);
    if (room < this.#least) {
      this.#isShut = true;
      this.#opensAt = now + this.#window.waitMs;
      return 0;
    }
    this.#sentBytes = 0;
    return Math.min(most, room);
  }
}
