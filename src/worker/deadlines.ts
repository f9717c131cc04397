/**
 * One timer for all tunnels of a worker: a binary heap of deadlines, each entry knowing its place in it.
 * A deadline that moves later is left where it is and looked at again when its old time comes, so that
 * traffic (which moves the Hello deadline with every packet) costs nothing here.
 */

/** Something with a next moment at which it wants to be woken, in monotonic milliseconds; Infinity for never. */
export interface Timed {
  readonly deadline: number;
  handleTimeout(now: number): void;
}

interface Entry {
  readonly timed: Timed;
  at: number;
  place: number;
}

export class Deadlines {
  readonly #heap: Entry[] = [];
  readonly #entries = new Map<Timed, Entry>();
  /** Those of the wake-up at hand that were not handled yet, or are just being handled. */
  readonly #due = new Set<Timed>();
  readonly #clock: () => number;
  readonly #grainMs: number;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /**
   * @param clock monotonic milliseconds
   * @param grainMs how much later than asked for it may wake, so that the wake-ups of many tunnels are one
   */
  constructor(clock: () => number, grainMs: number) {
    this.#clock = clock;
    this.#grainMs = grainMs;
  }

  /** Call after anything that may have brought `timed.deadline` closer. */
  update(timed: Timed): void {
    const entry = this.#entries.get(timed);
    const { deadline } = timed;
    if (entry !== undefined) {
      if (deadline >= entry.at) return;
      entry.at = deadline;
      this.#rise(entry);
    } else {
      if (deadline === Number.POSITIVE_INFINITY) return;
      const added: Entry = { timed, at: deadline, place: this.#heap.length };
      this.#heap.push(added);
      this.#entries.set(timed, added);
      this.#rise(added);
    }
    this.#arm();
  }

  /** Also of one that is due, or is being handled: a session's timeout is often its end, and its deadline may stand nevertheless. */
  delete(timed: Timed): void {
    this.#due.delete(timed);
    const entry = this.#entries.get(timed);
    if (entry !== undefined) this.#remove(entry);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#heap.length = 0;
    this.#entries.clear();
    this.#due.clear();
  }

  get size(): number {
    return this.#heap.length;
  }

  #wake(): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock();
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#remove(first);
      this.#due.add(first.timed);
    }
    for (const timed of this.#due) {
      if (timed.deadline <= now) timed.handleTimeout(now);
      if (this.#due.delete(timed)) this.update(timed);
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = first.at;
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, first.at - this.#clock()) + this.#grainMs);
  }

  #remove(entry: Entry): void {
    const last = this.#heap.pop()!;
    this.#entries.delete(entry.timed);
    if (last === entry) return;
    this.#put(last, entry.place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(entry: Entry): void {
    while (entry.place > 0) {
      const parentPlace = (entry.place - 1) >> 1;
      const parent = this.#heap[parentPlace]!;
      if (parent.at <= entry.at) return;
      this.#put(parent, entry.place);
      this.#put(entry, parentPlace);
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const leftPlace = entry.place * 2 + 1;
      let child = this.#heap[leftPlace];
      if (child === undefined) return;
      const right = this.#heap[leftPlace + 1];
      if (right !== undefined && right.at < child.at) child = right;
      if (child.at >= entry.at) return;
      const childPlace = child.place;
      this.#put(child, entry.place);
      this.#put(entry, childPlace);
    }
  }

  #put(entry: Entry, place: number): void {
    this.#heap[place] = entry;
    entry.place = place;
  }
}
