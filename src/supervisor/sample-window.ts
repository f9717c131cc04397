/** The last samples of a duration, for percentiles that a person reads; dashboards use the histogram. */
export class SampleWindow {
  readonly #samples: Float64Array;
  #count = 0;

  constructor(size: number) {
    this.#samples = new Float64Array(size);
  }

  /** Samples ever added. */
  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    this.#samples[this.#count++ % this.#samples.length] = value;
  }

  /** @param share 0 to 1. @returns null while there is no sample. */
  quantile(share: number): number | null {
    const filled = Math.min(this.#count, this.#samples.length);
    if (filled === 0) return null;
    const sorted = this.#samples.slice(0, filled).sort();
    return sorted[Math.min(filled - 1, Math.floor(share * filled))]!;
  }
}
