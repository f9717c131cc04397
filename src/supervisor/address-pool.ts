/**
 * Leases of IPv4 addresses. Addresses that were never used go out first, then the one that has been free for longest, so that
 * an address changes hands as late as possible. Static addresses may lie inside or outside the ranges.
 */

/** Both ends included; u32 in host order. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** So many addresses that were given back are remembered, in each pool. Where there are more, the oldest go out before unused ones. */
export const MAX_RETURNED = 65_536;

export class AddressPool {
  /** What is in somebody's hands, of all pools that share this set. */
  readonly #leased: Set<number>;
  #ranges: readonly AddressRange[] = [];
  #reserved: ReadonlySet<number> = new Set();
  /** Given back, in order of their return: a Set keeps that order and removes in constant time. */
  readonly #returned = new Set<number>();
  #range = 0;
  #next = 0;
  #size = 0;

  /** @param reserved addresses that belong to certain users and are only leased by name. */
  constructor(ranges: readonly AddressRange[], reserved: Iterable<number> = [], leased = new Set<number>()) {
    this.#leased = leased;
    this.configure(ranges, reserved);
  }

  /** Addresses that `lease` can hand out. */
  get size(): number {
    return this.#size;
  }

  /** Of its own addresses, reserved ones included. */
  get leased(): number {
    return [...this.#leased].filter(address => this.covers(address)).length;
  }

  /** Other ranges from now on. What is leased stays leased, also where it is no address of the pool any more. */
  configure(ranges: readonly AddressRange[], reserved: Iterable<number>): void {
    this.#ranges = ranges;
    this.#reserved = new Set(reserved);
    this.#range = 0;
    this.#next = ranges[0]?.first ?? 0;
    for (const address of this.#returned) if (!this.#isDynamic(address)) this.#returned.delete(address);
    const inRanges = ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0);
    this.#size = inRanges - [...this.#reserved].filter(address => this.covers(address)).length;
  }

  /** @returns an address, or undefined when all are taken. */
  lease(): number | undefined {
    const isMemoryFull = this.#returned.size >= MAX_RETURNED;
    const address = (isMemoryFull ? this.#longestFree() : undefined) ?? this.#unused() ?? this.#longestFree();
    if (address !== undefined) this.#leased.add(address);
    return address;
  }

  /** Leases exactly this address; false when somebody has it. */
  leaseStatic(address: number): boolean {
    if (this.#leased.has(address)) return false;
    this.#returned.delete(address);
    this.#leased.add(address);
    return true;
  }

  release(address: number): void {
    if (!this.#leased.delete(address)) throw new Error('an address was released that nobody held');
    if (this.#isDynamic(address)) this.#returned.add(address);
  }

  covers(address: number): boolean {
    return this.#ranges.some(range => address >= range.first && address <= range.last);
  }

  #unused(): number | undefined {
    for (let range = this.#ranges[this.#range]; range !== undefined; range = this.#ranges[this.#range]) {
      while (this.#next <= range.last) {
        const address = this.#next++;
        if (!this.#reserved.has(address) && !this.#leased.has(address) && !this.#returned.has(address)) return address;
      }
      this.#next = this.#ranges[++this.#range]?.first ?? 0;
    }
    return undefined;
  }

  #longestFree(): number | undefined {
    for (const address of this.#returned) {
      this.#returned.delete(address);
      return address;
    }
    return undefined;
  }

  #isDynamic(address: number): boolean {
    return this.covers(address) && !this.#reserved.has(address);
  }
}
