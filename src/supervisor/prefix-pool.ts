/**
 * Leases of IPv6 prefixes of one length, cut from larger ones. As with addresses: those that were never used go out first, then the
 * one that has been free for longest. A pool may have more prefixes than could ever be written down; only those that were used are.
 */
import { isInIpv6Prefix, type Ipv6Prefix } from '../wire/ipv6.ts';

export class PrefixPool {
  readonly #length: number;
  #blocks: readonly Ipv6Prefix[] = [];
  #reserved: readonly Ipv6Prefix[] = [];
  /** By address, of this pool's own length. */
  readonly #leased = new Set<bigint>();
  readonly #returned = new Set<bigint>();
  /** Leased by name, of any length: what is handed out must not meet them. */
  readonly #fixed = new Map<string, Ipv6Prefix>();
  #block = 0;
  #next = 0n;

  /** @param length of what is leased, bits. @param blocks are not longer than that, and do not overlap. */
  constructor(length: number, blocks: readonly Ipv6Prefix[], reserved: Iterable<Ipv6Prefix> = []) {
    this.#length = length;
    this.configure(blocks, reserved);
  }

  /** How many can be handed out; a float for what is too much to count. */
  get size(): number {
    return this.#blocks.reduce((sum, { length }) => sum + 2 ** (this.#length - length), 0);
  }

  get leased(): number {
    return this.#leased.size + this.#fixed.size;
  }

  /** Other blocks from now on; what is leased stays leased. */
  configure(blocks: readonly Ipv6Prefix[], reserved: Iterable<Ipv6Prefix>): void {
    this.#blocks = blocks;
    this.#reserved = [...reserved].filter(prefix => blocks.some(block => meet(block, prefix)));
    this.#startOver();
    for (const address of this.#returned) if (!this.#covers(address)) this.#returned.delete(address);
  }

  /** @returns a prefix, or undefined when all are taken. */
  lease(): Ipv6Prefix | undefined {
    const address = this.#unused() ?? this.#longestFree();
    if (address === undefined) return undefined;
    this.#leased.add(address);
    return { address, length: this.#length };
  }

  /** Leases exactly this prefix; false when somebody has it, or a part of it. */
  leaseStatic(prefix: Ipv6Prefix): boolean {
    if ([...this.#fixed.values()].some(other => meet(other, prefix))) return false;
    const isOwnLength = prefix.length === this.#length;
    if (isOwnLength ? this.#leased.has(prefix.address) : this.#meetsLeased(prefix)) return false;
    this.#returned.delete(prefix.address);
    this.#fixed.set(keyOf(prefix), prefix);
    return true;
  }

  release(prefix: Ipv6Prefix): void {
    // What it stood in the way of was passed over.
    if (this.#fixed.delete(keyOf(prefix))) return this.#startOver();
    if (!this.#leased.delete(prefix.address)) throw new Error('a prefix was released that nobody held');
    if (this.#covers(prefix.address)) this.#returned.add(prefix.address);
  }

  #unused(): bigint | undefined {
    const step = 1n << BigInt(128 - this.#length);
    for (let block = this.#blocks[this.#block]; block !== undefined; block = this.#blocks[this.#block]) {
      while (isInIpv6Prefix(this.#next, block)) {
        const address = this.#next;
        const obstacle = this.#obstacle(address);
        this.#next = obstacle === undefined ? address + step : endOf(obstacle, step);
        if (obstacle === undefined && !this.#leased.has(address) && !this.#returned.has(address)) return address;
      }
      this.#next = this.#blocks[++this.#block]?.address ?? 0n;
    }
    return undefined;
  }

  #longestFree(): bigint | undefined {
    for (const address of this.#returned) {
      if (this.#obstacle(address) !== undefined) continue;
      this.#returned.delete(address);
      return address;
    }
    return undefined;
  }

  #startOver(): void {
    this.#block = 0;
    this.#next = this.#blocks[0]?.address ?? 0n;
  }

  /** What keeps a prefix of this pool from being handed out: it is somebody's own, or leased by name. */
  #obstacle(address: bigint): Ipv6Prefix | undefined {
    const prefix = { address, length: this.#length };
    const isInTheWay = (other: Ipv6Prefix): boolean => meet(other, prefix);
    return this.#reserved.find(isInTheWay) ?? [...this.#fixed.values()].find(isInTheWay);
  }

  #meetsLeased(prefix: Ipv6Prefix): boolean {
    for (const address of this.#leased) if (meet(prefix, { address, length: this.#length })) return true;
    return false;
  }

  #covers(address: bigint): boolean {
    return this.#blocks.some(block => isInIpv6Prefix(address, block));
  }
}

function meet(a: Ipv6Prefix, b: Ipv6Prefix): boolean {
  return a.length < b.length ? isInIpv6Prefix(b.address, a) : isInIpv6Prefix(a.address, b);
}

/** The first multiple of `step` behind the prefix. */
function endOf({ address, length }: Ipv6Prefix, step: bigint): bigint {
  const end = address + (1n << BigInt(128 - length));
  return ((end + step - 1n) / step) * step;
}

function keyOf({ address, length }: Ipv6Prefix): string {
  return `${address.toString(16)}/${length}`;
}
