/**
 * How a gateway takes its leave: first it says that it is not ready and takes new tunnels all the same, until whoever sends them has
 * looked; then it refuses them, and ends those that there are when that is wanted.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** How often a farewell is looked after. */
const POLL_MS = 20;

export class Drain {
  readonly #refuse: (end: boolean) => void;
  #delay: Promise<void> | undefined;
  #isRefusing = false;
  #end = false;
  #hurry = new AbortController();

  /** @param refuse refuses new tunnels, and with `end` ends all others in good order; called again when `end` is asked for later. */
  constructor(refuse: (end: boolean) => void) {
    this.#refuse = refuse;
  }

  get hasBegun(): boolean {
    return this.#delay !== undefined;
  }

  /** Resolves when new tunnels are refused. Only the first call's delay counts. */
  begin(end: boolean, delayMs: number): Promise<void> {
    const isNews = end && !this.#end;
    this.#end ||= end;
    if (this.#isRefusing && isNews) this.#refuse(true);
    this.#delay ??= this.#refuseAfter(delayMs);
    return this.#delay;
  }

  /** Resolves when all is done, at the latest after `limitMs`. */
  async farewell(isDone: () => boolean, limitMs: number): Promise<void> {
    const { signal } = this.#hurry;
    const limit = performance.now() + limitMs;
    while (!isDone() && !signal.aborted && performance.now() < limit) await sleep(POLL_MS);
  }

  /** Ends the wait that is going on: the delay, or the farewell. */
  hasten(): void {
    this.#hurry.abort();
    this.#hurry = new AbortController();
  }

  async #refuseAfter(delayMs: number): Promise<void> {
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: this.#hurry.signal }).catch(() => {});
    this.#isRefusing = true;
    this.#refuse(this.#end);
  }
}
