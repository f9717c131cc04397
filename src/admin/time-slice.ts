import { setTimeout as sleep } from 'node:timers/promises';

/** What a reader of the API may take of the main thread at a time: the thread also decides who may connect. */
const SLICE_MS = 1;
/** As long: with more threads than cores, a worker whose packet has come finds one. */
export const REST_MS = 1;

/** Long work in slices, with the event loop in between. By the clock, and not by counting: rows differ, and so do machines. */
export class TimeSlice {
  #since = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#since >= SLICE_MS;
  }

  /** Lets the event loop have its turn, and other threads the core; then a new slice begins. */
  async rest(): Promise<void> {
    await sleep(REST_MS);
    this.#since = performance.now();
  }
}
