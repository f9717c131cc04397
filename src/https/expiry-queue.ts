/**
 * Members that may stay for one and the same time. Joining order is expiry order, so one coarse timer serves thousands of them, and it
 * runs only while somebody waits. It never keeps the process alive: the sockets that wait here do.
 */
export class ExpiryQueue<T> {
  readonly #delayMs: number;
  readonly #expired: (member: T) => void;
  readonly #deadlines = new Map<T, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(delayMs: number, expired: (member: T) => void) {
    this.#delayMs = delayMs;
    this.#expired = expired;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** Begins the member's time, which a second call does not extend. */
  add(member: T): void {
    if (this.#deadlines.has(member)) return;
    this.#deadlines.set(member, performance.now() + this.#delayMs);
    if (this.#timer === undefined) this.#arm();
  }

  delete(member: T): void {
    this.#deadlines.delete(member);
    if (this.#deadlines.size === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  /** The members of this moment: safe to iterate while they leave. */
  members(): T[] {
    return [...this.#deadlines.keys()];
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#sweep(), tickMs(this.#delayMs)).unref();
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [member, deadline] of this.#deadlines) {
      if (deadline > now) break;
      this.#deadlines.delete(member);
      this.#expired(member);
    }
    if (this.#deadlines.size > 0 && this.#timer === undefined) this.#arm();
  }
}

/** A member may overstay by a twentieth of its time, a second at most. */
function tickMs(delayMs: number): number {
  return Math.min(1000, Math.max(5, delayMs / 20));
}
