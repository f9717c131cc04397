/**
 * Credit for one direction of one tunnel: it fills with time up to the burst, and bytes that pass are taken from it. It may go into debt: a
 * packet passes whole, and what passes on account is waited for afterwards, so that the rate holds exactly over any longer time.
 */

/** Of the rate, when no burst is asked for: what may be late about a wake-up of the thread must not be lost. */
const BURST_MS = 50;
/** However slow the rate is: some full packets. */
const SMALLEST_BURST = 6000;
/** A rate has bits per second, time here has milliseconds. */
const BIT_MS_PER_BYTE_S = 8000;

export class TokenBucket {
  readonly bytesPerMs: number;
  /** How deep packets that are let pass on account may bring it: what {@link BURST_MS} refill. */
  readonly reserve: number;
  readonly #burst: number;
  #tokens: number;
  /** When it was filled last. */
  #at: number;

  /**
   * @param rate bits per second, above 0.
   * @param burst bytes; undefined for the default.
   * @param before what held until now: a change of rate neither forgives a debt nor makes a present of a burst.
   */
  constructor(rate: number, burst: number | undefined, now: number, before?: TokenBucket) {
    this.bytesPerMs = rate / BIT_MS_PER_BYTE_S;
    this.reserve = Math.max(SMALLEST_BURST, this.bytesPerMs * BURST_MS);
    this.#burst = burst === undefined ? this.reserve : Math.max(SMALLEST_BURST, burst);
    this.#tokens = Math.max(-this.reserve, Math.min(this.#burst, before?.tokens(now) ?? this.#burst));
    this.#at = now;
  }

  /** Bytes that may pass now; 0 or less while debts are paid. */
  tokens(now: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.bytesPerMs);
    this.#at = now;
    return this.#tokens;
  }

  spend(bytes: number): void {
    this.#tokens -= bytes;
  }

  /** When there will be more than `level` tokens, if nothing is spent until then. */
  timeOf(level: number): number {
    return this.#at + Math.max(0, level + 1 - this.#tokens) / this.bytesPerMs;
  }
}
