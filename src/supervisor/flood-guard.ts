import { FloodLimit, type FloodLimitOptions } from './flood-limit.ts';

/** What was not told, with times of the calendar. */
export interface FloodSummary<Kind> {
  readonly kind: Kind;
  readonly count: number;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** A {@link FloodLimit} that looks at the clock itself, and tells the summaries when they end. Its timer does not keep the process alive. */
export class FloodGuard<Kind> {
  readonly #limit: FloodLimit<Kind>;
  readonly #tell: (summary: FloodSummary<Kind>) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FloodLimitOptions, keyOf: (kind: Kind) => string, tell: (summary: FloodSummary<Kind>) => void) {
    this.#limit = new FloodLimit(options, keyOf);
    this.#tell = tell;
  }

  /** One more of this kind: whether it is to be told by itself. */
  admits(kind: Kind): boolean {
    if (this.#limit.admits(kind, performance.now())) return true;
    this.#arm();
    return false;
  }

  /** Tells the rest. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#summarize(Infinity);
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    const { deadline } = this.#limit;
    if (deadline === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#summarize(performance.now());
      this.#arm();
    }, deadline - performance.now()).unref();
  }

  #summarize(until: number): void {
    for (const { kind, count, since } of this.#limit.summaries(until)) {
      const at = new Date(Date.now() - (performance.now() - since));
      this.#tell({ kind, count, since: at.toISOString() });
    }
  }
}
