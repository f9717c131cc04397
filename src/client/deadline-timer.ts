/** One timer that follows a deadline wherever it moves. */
export class DeadlineTimer {
  readonly #due: (now: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #at = Number.POSITIVE_INFINITY;

  /** @param due is called when the deadline has come, or one that was later put off: it looks for itself, and follows on. */
  constructor(due: (now: number) => void) {
    this.#due = due;
  }

  /** @param deadline on the clock of `performance.now()`; Infinity for none */
  follow(deadline: number): void {
    // A deadline that moved later is met by the timer that is set already: it finds nothing to do and follows on.
    if (deadline >= this.#at) return;
    clearTimeout(this.#timer);
    this.#at = deadline;
    this.#timer = setTimeout(
      () => {
        this.#at = Number.POSITIVE_INFINITY;
        this.#due(performance.now());
      },
      Math.max(0, deadline - performance.now()) + 1,
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
