// Decides when LCP echoes are due and when a silent peer is gone. Anything heard counts as life, so that a busy tunnel
// never sends one, and hearing is only a store: the timer finds out when it expires.

export interface EchoOptions {
  /** Silence after which an Echo-Request is sent, and the time between two. 0 turns the keepalive off. */
  readonly intervalMs: number;
  /** Echo-Requests without any sign of life that end the link. */
  readonly failures: number;
}

export class EchoKeepalive {
  /** Infinity while stopped. Changes in `start`, `stop` and `handleTimeout`, never in `heard`. */
  deadline = Number.POSITIVE_INFINITY;
  #lastHeard = 0;
  #unanswered = 0;
  readonly #options: EchoOptions;

  constructor(options: EchoOptions) {
    this.#options = options;
  }

  start(now: number): void {
    this.#lastHeard = now;
    this.#unanswered = 0;
    this.deadline = this.#options.intervalMs > 0 ? now + this.#options.intervalMs : Number.POSITIVE_INFINITY;
  }

  stop(): void {
    this.deadline = Number.POSITIVE_INFINITY;
  }

  heard(now: number): void {
    this.#lastHeard = now;
    this.#unanswered = 0;
  }

  /** What is due now, if anything: an Echo-Request, or the end of a link whose peer is lost. */
  handleTimeout(now: number): 'send' | 'lost' | undefined {
    if (now < this.deadline) return undefined;
    const quietUntil = this.#lastHeard + this.#options.intervalMs;
    if (now < quietUntil) {
      this.deadline = quietUntil;
      return undefined;
    }
    if (this.#unanswered >= this.#options.failures) {
      this.stop();
      return 'lost';
    }
    this.#unanswered += 1;
    this.deadline = now + this.#options.intervalMs;
    return 'send';
  }
}
