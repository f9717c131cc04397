/**
 * Which of many like occurrences are told one by one, and which are only counted: whoever can cause them at will must not fill the disk
 * of the gateway, or the queues of those who watch it. What is not told is never lost: each kind of it ends in a summary.
 *
 * Sans clock: times are milliseconds of any clock that does not go back.
 */

export interface FloodLimitOptions {
  /** Occurrences of one kind that are told in the long run, per second. */
  readonly rate: number;
  /** As many are told at once after a silence. */
  readonly burst: number;
  /** The first that is not told begins a summary, which ends this much later. */
  readonly intervalMs: number;
}

/** What was not told. */
export interface Summary<Kind> {
  readonly kind: Kind;
  readonly count: number;
  /** When the first of them came. */
  readonly since: number;
}

interface Account<Kind> {
  readonly kind: Kind;
  /** Occurrences that may still be told now. */
  tokens: number;
  at: number;
  count: number;
  since: number;
}

/** Kinds are words of our own, and few. Should there be more, those that come last share one account and are told under its kind. */
export const MAX_KINDS = 256;

export class FloodLimit<Kind> {
  readonly #options: FloodLimitOptions;
  readonly #keyOf: (kind: Kind) => string;
  readonly #accounts = new Map<string, Account<Kind>>();
  #last: Account<Kind> | undefined;

  constructor(options: FloodLimitOptions, keyOf: (kind: Kind) => string) {
    this.#options = options;
    this.#keyOf = keyOf;
  }

  /** One more of this kind: whether it is to be told. Else `deadline` may be earlier than before. */
  admits(kind: Kind, now: number): boolean {
    const account = this.#account(kind, now);
    account.tokens = Math.min(
      this.#options.burst,
      account.tokens + (Math.max(0, now - account.at) / 1000) * this.#options.rate,
    );
    account.at = now;
    if (account.tokens >= 1) {
      account.tokens--;
      return true;
    }
    if (account.count++ === 0) account.since = now;
    return false;
  }

  /** When the next summary ends; Infinity when nothing is left out. */
  get deadline(): number {
    let first = Infinity;
    for (const { count, since } of this.#accounts.values()) if (count > 0) first = Math.min(first, since);
    return first + this.#options.intervalMs;
  }

  /** The summaries that have ended, or all that there are with `now` Infinity. Each is given once. */
  summaries(now: number): Summary<Kind>[] {
    const ended: Summary<Kind>[] = [];
    for (const account of this.#accounts.values()) {
      const { kind, count, since } = account;
      if (count === 0 || since + this.#options.intervalMs > now) continue;
      ended.push({ kind, count, since });
      account.count = 0;
    }
    return ended;
  }

  #account(kind: Kind, now: number): Account<Kind> {
    const key = this.#keyOf(kind);
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    if (this.#last !== undefined && this.#accounts.size >= MAX_KINDS) return this.#last;
    const account = { kind, tokens: this.#options.burst, at: now, count: 0, since: now };
    this.#accounts.set(key, account);
    this.#last = account;
    return account;
  }
}
