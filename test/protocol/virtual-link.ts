/**
 * Two sans-io ends and the wire between them, in virtual time: the clock jumps to whatever is due next, so that minutes of
 * timeouts run in milliseconds, and a seed makes every run repeatable.
 */

/** Seeded random numbers (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** Anything with a timer. */
export interface Timed {
  readonly deadline: number;
  handleTimeout(now: number): void;
}

export interface LinkConditions {
  readonly latencyMs: number;
  /** Added to the latency at random, from nothing to all of it. Order is kept, as TCP keeps it. */
  readonly jitterMs: number;
  /** Probability that what is carried is lost. */
  readonly loss: number;
}

type Direction = 'toServer' | 'toClient';

interface Arrival {
  readonly at: number;
  readonly happen: (now: number) => void;
}

/** More steps than this without the clock moving is a loop. */
const STEPS_PER_INSTANT = 10_000;

export class VirtualLink {
  readonly random: Random;
  conditions: LinkConditions;
  now = 0;
  readonly #ends: Timed[] = [];
  /** Sorted by time; equal times in the order in which they were added. */
  readonly #arrivals: Arrival[] = [];
  readonly #last: Record<Direction, number> = { toServer: 0, toClient: 0 };

  constructor(seed: number, conditions: LinkConditions) {
    this.random = new Random(seed);
    this.conditions = conditions;
  }

  attach(...ends: Timed[]): void {
    this.#ends.push(...ends);
  }

  /** Carries something to the other end, where it arrives later, in order, or never. */
  carry(direction: Direction, arrive: (now: number) => void): void {
    if (this.random.chance(this.conditions.loss)) return;
    const delay = this.conditions.latencyMs + this.random.next() * this.conditions.jitterMs;
    this.#last[direction] = Math.max(this.#last[direction], this.now + delay);
    this.#add({ at: this.#last[direction], happen: arrive });
  }

  /** Something that happens by itself at its time. */
  after(delayMs: number, happen: (now: number) => void): void {
    this.#add({ at: this.now + delayMs, happen });
  }

  /** Runs for `durationMs`, or until nothing is due any more; true when that came first: no timer, nothing on the wire. */
  drive(durationMs: number): boolean {
    const end = this.now + durationMs;
    let steps = 0;
    for (;;) {
      const next = Math.min(
        this.#arrivals[0]?.at ?? Number.POSITIVE_INFINITY,
        ...this.#ends.map(each => each.deadline),
      );
      if (next === Number.POSITIVE_INFINITY) return true;
      if (next > end) {
        this.now = end;
        return false;
      }
      steps = next > this.now ? 0 : steps + 1;
      if (steps > STEPS_PER_INSTANT) throw new Error(`time stands still at ${this.now} ms`);
      this.now = Math.max(this.now, next);
      this.#step();
    }
  }

  #step(): void {
    const [first] = this.#arrivals;
    if (first !== undefined && first.at <= this.now) {
      this.#arrivals.shift();
      first.happen(this.now);
      return;
    }
    for (const end of this.#ends) if (end.deadline <= this.now) end.handleTimeout(this.now);
  }

  #add(arrival: Arrival): void {
    const index = this.#arrivals.findIndex(({ at }) => at > arrival.at);
    this.#arrivals.splice(index === -1 ? this.#arrivals.length : index, 0, arrival);
  }
}
