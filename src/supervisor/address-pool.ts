/**
 * Leases of IPv4 addresses. Addresses that were never used go out first, then the one that has been free for longest, so that
 * an address changes hands as late as possible. Static addresses may lie inside or outside the ranges.
 */

/** Both ends included; u32 in host order. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

export class AddressPool {
  readonly #ranges: readonly AddressRange[];
  readonly #reserved: ReadonlySet<number>;
  readonly #leased = new Set<number>();
  /** Given back, in order of their return: a Set keeps that order and removes in constant time. */
  readonly #returned = new Set<number>();
  #range = 0;
  #next: number;
  /** Addresses that `lease` can hand out. */
  readonly size: number;

  /** @param reserved addresses that belong to certain users and are only leased by name. */
  constructor(ranges: readonly AddressRange[], reserved: Iterable<number> = []) {
    this.#ranges = ranges;
    this.#reserved = new Set(reserved);
    this.#next = ranges[0]?.first ?? 0;
    const inRanges = ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0);
    this.size = inRanges - [...this.#reserved].filter(address => this.#covers(address)).length;
  }

  get leased(): number {
    return this.#leased.size;
  }

  /** @returns an address, or undefined when all are taken. */
  lease(): number | undefined {
    const address = this.#unused() ?? this.#longestFree();
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
    if (this.#covers(address) && !this.#reserved.has(address)) this.#returned.add(address);
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

  #covers(address: number): boolean {
    return this.#ranges.some(range => address >= range.first && address <= range.last);
  }
}
