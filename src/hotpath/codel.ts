/**
 * CoDel (RFC 8289): keeps a standing queue short by dropping from its head, ever more often, as long as packets have
 * waited longer than the target for a whole `INTERVAL_MS`. A burst that drains within the interval loses nothing.
 */

/** Acceptable standing delay, RFC 8289 4.4. */
export const TARGET_MS = 5;
/** A round trip of the flows in the tunnel, RFC 8289 4.4: long enough that a sender has reacted to the drop before the next one. */
const INTERVAL_MS = 100;
/** A queue of no more than a packet is not standing. */
const SMALLEST_BACKLOG = 1514;

export class CoDel {
  /** Where a packet takes long to send, RFC 8289 4.4 has it longer than that. */
  targetMs = TARGET_MS;
  #dropping = false;
  /** When the delay will have been above target for an interval; 0 while it is below. */
  #firstAboveAt = 0;
  #dropNextAt = 0;
  /** Drops since dropping began, and as of the last time that it began. */
  #count = 0;
  #lastCount = 0;

  /**
   * Judges the packet at the head. After true, drop it and ask again for the next one.
   * @param sojournMs how long it has waited.
   * @param backlog bytes in the queue.
   */
  shouldDrop(sojournMs: number, backlog: number, now: number): boolean {
    const isAbove = this.#isAboveForAnInterval(sojournMs, backlog, now);
    if (this.#dropping) {
      if (!isAbove) {
        this.#dropping = false;
        return false;
      }
      if (now < this.#dropNextAt) return false;
      this.#count++;
      this.#dropNextAt = nextDrop(this.#dropNextAt, this.#count);
      return true;
    }
    if (!isAbove) return false;
    this.#dropping = true;
    // A queue that comes back soon after is the same overload: go on about where dropping ended.
    const since = this.#count - this.#lastCount;
    this.#count = since > 1 && now - this.#dropNextAt < 16 * INTERVAL_MS ? since : 1;
    this.#lastCount = this.#count;
    this.#dropNextAt = nextDrop(now, this.#count);
    return true;
  }

  #isAboveForAnInterval(sojournMs: number, backlog: number, now: number): boolean {
    if (sojournMs < this.targetMs || backlog <= SMALLEST_BACKLOG) {
      this.#firstAboveAt = 0;
      return false;
    }
    if (this.#firstAboveAt === 0) {
      this.#firstAboveAt = now + INTERVAL_MS;
      return false;
    }
    return now >= this.#firstAboveAt;
  }
}

function nextDrop(after: number, count: number): number {
  return after + INTERVAL_MS / Math.sqrt(count);
}
