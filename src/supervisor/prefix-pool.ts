/**
 * Leases of IPv6 prefixes of one length, cut from larger ones. As with addresses: those that were never used go out first, then the
 * one that has been free for longest. A pool may have more prefixes than could ever be written down; only those that were used are.
 */
import { isInIpv6Prefix, type Ipv6Prefix } from '../wire/ipv6.ts';
import { MAX_RETURNED } from './address-pool.ts';
import { bits, meet, PrefixSet } from './prefix-set.ts';

export class PrefixPool {
  /** What is in somebody's hands, of all pools that share this set. */
  readonly #leased: PrefixSet;
  /** The bits of those that were given back, in order of their return. */
  readonly #returned = new Set<bigint>();
  #length: number;
  #blocks: readonly Ipv6Prefix[] = [];
  #reserved = new PrefixSet();
  #block = 0;
  #next = 0n;
  /** Something that was in the way of the search is gone. */
  #hasPassedOver = false;

  /** @param length of what is handed out, bits. @param blocks are not longer than that and do not meet, nor do those that are reserved. */
  constructor(
    length: number,
    blocks: readonly Ipv6Prefix[],
    reserved: readonly Ipv6Prefix[] = [],
    leased = new PrefixSet(),
  ) {
    this.#leased = leased;
    this.#length = length;
    this.configure(blocks, reserved);
  }

  /** How many can be handed out; a float for what is too much to count. */
  get size(): number {
    const reserved = new Set<bigint>();
    let size = this.#blocks.reduce((sum, { length }) => sum + 2 ** (this.#length - length), 0);
    for (const prefix of this.#reserved) {
      if (prefix.length < this.#length) size -= 2 ** (this.#length - prefix.length);
      else reserved.add(bits(prefix.address, this.#length));
    }
    return size - reserved.size;
  }

  /** Of what is in its blocks, reserved and fixed prefixes included. */
  get leased(): number {
    return [...this.#leased].filter(prefix => this.covers(prefix)).length;
  }

  /** Other blocks from now on; what is leased stays leased. */
  configure(blocks: readonly Ipv6Prefix[], reserved: readonly Ipv6Prefix[], length = this.#length): void {
    if (length !== this.#length) this.#returned.clear();
    this.#length = length;
    this.#blocks = blocks;
    this.#reserved = new PrefixSet(reserved.filter(prefix => this.covers(prefix)));
    this.#startOver();
    for (const key of this.#returned)
      if (!this.#isDynamic({ address: key * this.#step, length })) this.#returned.delete(key);
  }

  /** @returns a prefix, or undefined when all are taken. */
  lease(): Ipv6Prefix | undefined {
    const isMemoryFull = this.#returned.size >= MAX_RETURNED;
    const address =
      (isMemoryFull ? this.#longestFree() : undefined) ?? this.#unused() ?? this.#longestFree() ?? this.#passedOver();
    if (address === undefined) return undefined;
    const prefix = { address, length: this.#length };
    this.#leased.add(prefix);
    return prefix;
  }

  /** Leases exactly this prefix; false when somebody has it, or a part of it. */
  leaseStatic(prefix: Ipv6Prefix): boolean {
    return this.#leased.add(prefix);
  }

  release(prefix: Ipv6Prefix): void {
    if (!this.#leased.delete(prefix)) throw new Error('a prefix was released that nobody held');
    this.regain(prefix);
  }

  /** Nobody has this prefix any more, whether or not it came from here. */
  regain(prefix: Ipv6Prefix): void {
    if (!this.covers(prefix)) return;
    if (prefix.length === this.#length && this.#isDynamic(prefix))
      this.#returned.add(bits(prefix.address, this.#length));
    else this.#hasPassedOver = true;
  }

  /** Whether some of it is in this pool. */
  covers(prefix: Ipv6Prefix): boolean {
    return this.#blocks.some(block => meet(block, prefix));
  }

  get #step(): bigint {
    return 1n << BigInt(128 - this.#length);
  }

  #unused(): bigint | undefined {
    for (let block = this.#blocks[this.#block]; block !== undefined; block = this.#blocks[this.#block]) {
      while (isInIpv6Prefix(this.#next, block)) {
        const address = this.#next;
        const obstacle = this.#obstacle(address);
        this.#next = obstacle === undefined ? address + this.#step : endOf(obstacle, this.#step);
        if (obstacle === undefined && !this.#returned.has(bits(address, this.#length))) return address;
      }
      this.#next = this.#blocks[++this.#block]?.address ?? 0n;
    }
    return undefined;
  }

  #longestFree(): bigint | undefined {
    for (const key of this.#returned) {
      this.#returned.delete(key);
      const address = key * this.#step;
      if (this.#obstacle(address) === undefined) return address;
    }
    return undefined;
  }

  #passedOver(): bigint | undefined {
    if (!this.#hasPassedOver) return undefined;
    this.#startOver();
    return this.#unused();
  }

  #startOver(): void {
    this.#hasPassedOver = false;
    this.#block = 0;
    this.#next = this.#blocks[0]?.address ?? 0n;
  }

  /** What keeps a prefix of this pool from being handed out: it is somebody's own, or leased. */
  #obstacle(address: bigint): Ipv6Prefix | undefined {
    const prefix = { address, length: this.#length };
    return this.#reserved.meeting(prefix) ?? this.#leased.meeting(prefix);
  }

  #isDynamic(prefix: Ipv6Prefix): boolean {
    return this.covers(prefix) && this.#reserved.meeting(prefix) === undefined;
  }
}

/** The first multiple of `step` behind the prefix. */
function endOf({ address, length }: Ipv6Prefix, step: bigint): bigint {
  const end = address + (1n << BigInt(128 - length));
  return ((end + step - 1n) / step) * step;
}
