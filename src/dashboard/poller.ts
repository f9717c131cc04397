// Asks again and again, one question at a time, and not at all while nobody looks.

const INTERVAL_MS = 2000;

export class Poller {
  readonly #ask: () => Promise<void>;
  #timer: number | undefined;
  #isAsking = false;
  #isWanted = false;
  #isRunning = false;

  /** @param ask does not reject. */
  constructor(ask: () => Promise<void>) {
    this.#ask = ask;
    document.addEventListener('visibilitychange', () => this.now());
  }

  start(): void {
    this.#isRunning = true;
    this.now();
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  /** Does not wait for the next turn. */
  now(): void {
    clearTimeout(this.#timer);
    if (!this.#isRunning || document.hidden) return;
    this.#isWanted = this.#isAsking;
    if (!this.#isAsking) void this.#turn();
  }

  async #turn(): Promise<void> {
    this.#isAsking = true;
    await this.#ask();
    this.#isAsking = false;
    if (this.#isWanted) return this.now();
    this.#timer = setTimeout(() => this.now(), INTERVAL_MS);
  }
}
