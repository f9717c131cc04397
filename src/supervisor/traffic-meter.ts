const METER_POINTS = 120;

/** What one session carries in a second, sampled every now and then: a ring of the last samples, less than a kilobyte. */
export class TrafficMeter {
  /** Bits per second, rx and tx in turn. A session that is gone before its second sample has none. */
  #rates: Float32Array | undefined;
  #samples = 0;
  #rxBytes = 0;
  #txBytes = 0;

  /** Totals of the session; `seconds` have passed since the sample before. */
  sample(rxBytes: number, txBytes: number, seconds: number): void {
    if (this.#samples > 0) {
      this.#rates ??= new Float32Array(2 * METER_POINTS);
      const at = 2 * ((this.#samples - 1) % METER_POINTS);
      // The counters of one that has just ended may be cleared already.
      this.#rates[at] = Math.max(0, ((rxBytes - this.#rxBytes) * 8) / seconds);
      this.#rates[at + 1] = Math.max(0, ((txBytes - this.#txBytes) * 8) / seconds);
    }
    this.#samples++;
    this.#rxBytes = rxBytes;
    this.#txBytes = txBytes;
  }

  /** The last rates; undefined before the second sample. */
  get latest(): TrafficRates | undefined {
    return this.#samples < 2 ? undefined : this.#point(this.#samples - 2);
  }

  /** The oldest first, without gaps. */
  points(): TrafficRates[] {
    const count = Math.min(METER_POINTS, Math.max(0, this.#samples - 1));
    return Array.from({ length: count }, (_, index) => this.#point(this.#samples - 1 - count + index));
  }

  #point(sequence: number): TrafficRates {
    const at = 2 * (sequence % METER_POINTS);
    return { rxBps: Math.round(this.#rates![at]!), txBps: Math.round(this.#rates![at + 1]!) };
  }
}

/** Bits per second. */
export interface TrafficRates {
  readonly rxBps: number;
  readonly txBps: number;
}
