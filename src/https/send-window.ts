import type { Sending } from '../ffi/tcp-info.ts';
import { UNSENT_LIMIT } from './unsent-limit.ts';

/**
 * What may wait in the kernel, as milliseconds of sending. The most is for a gateway that is too busy to come back in time: each time that
 * the kernel ran dry meanwhile, it may hold so many times more.
 */
const AHEAD = { leastMs: 3, mostMs: 60, growth: 1.5, decay: 0.98 } as const;
/** Bytes. However slow it is: packets have to be at hand when an acknowledgement comes. */
const LEAST_AHEAD = 6144;
const LONGEST_WAIT_MS = 10;
/** So often in a row nothing has left the kernel: the peer does not read, or its line is down. Each look is then twice as late as the one before. */
const STALLED_LOOKS = 4;
const LONGEST_STALLED_WAIT_MS = 100;

/**
 * How much a connection should be given now, so that what is given later does not stand behind much that was given in advance.
 * {@link UNSENT_LIMIT} bounds that too, but in bytes: 21 ms on a line of 50 Mbit/s, and a quarter of a second whenever BBR looks for the
 * shortest round trip, with four segments in each for 200 ms.
 */
export class SendWindow {
  readonly #read: () => Readonly<Sending> | undefined;
  #aheadMs: number = AHEAD.leastMs;
  #isFull = false;
  #unsent = 0;
  #unmoved = 0;
  #waitMs = 0;

  /** @param read how the connection sends; undefined when it does not say. */
  constructor(read: () => Readonly<Sending> | undefined) {
    this.#read = read;
  }

  /**
   * Bytes, none or more; Infinity where {@link UNSENT_LIMIT} is the tighter limit. Costs a system call.
   * @param least a caller with less room sends nothing.
   */
  measure(least: number): number {
    const { rate = 0, unsent = 0 } = this.#read() ?? {};
    if (rate === 0) return Number.POSITIVE_INFINITY;
    this.#adapt(this.#isFull && unsent === 0);
    const ahead = Math.max(LEAST_AHEAD, rate * this.#aheadMs);
    this.#unmoved = this.#isFull && unsent >= this.#unsent ? this.#unmoved + 1 : 0;
    this.#isFull = ahead - unsent < least;
    this.#unsent = unsent;
    const goal = Math.min(ahead / 2, ahead - least);
    this.#waitMs =
      this.#unmoved < STALLED_LOOKS
        ? Math.min(LONGEST_WAIT_MS, Math.max(0, unsent - goal) / rate)
        : Math.min(LONGEST_STALLED_WAIT_MS, Math.max(1, this.#waitMs * 2));
    return ahead < UNSENT_LIMIT ? Math.max(0, ahead - unsent) : Number.POSITIVE_INFINITY;
  }

  /** Milliseconds from the last {@link measure} until about half of what may wait has gone, and there is room again. */
  get waitMs(): number {
    return this.#waitMs;
  }

  #adapt(ranDry: boolean): void {
    const { leastMs, mostMs, growth, decay } = AHEAD;
    this.#aheadMs = ranDry ? Math.min(mostMs, this.#aheadMs * growth) : Math.max(leastMs, this.#aheadMs * decay);
  }
}
