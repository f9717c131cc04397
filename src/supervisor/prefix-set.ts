import { isInIpv6Prefix, type Ipv6Prefix } from '../wire/ipv6.ts';

/**
 * Prefixes of any length of which none is a part of another. Each question takes as long as there are different lengths, which are few.
 *
 * The keys are the bits of the prefix alone: V8 hashes a bigint by its lowest 64 bits, which are all alike in what is leased here.
 */
export class PrefixSet {
  readonly #byLength = new Map<number, Map<bigint, Ipv6Prefix>>();
  /** For each length that was asked about: how many longer prefixes are inside of which one of that length. */
  readonly #partsByLength = new Map<number, Map<bigint, number>>();
  #size = 0;

  /** @param prefixes do not meet. */
  constructor(prefixes: Iterable<Ipv6Prefix> = []) {
    for (const prefix of prefixes) this.#put(prefix);
  }

  get size(): number {
    return this.#size;
  }

  *[Symbol.iterator](): Generator<Ipv6Prefix, void> {
    for (const prefixes of this.#byLength.values()) yield* prefixes.values();
  }

  /** The one that this prefix is, or is a part of; the prefix itself when there are parts of it. */
  meeting(prefix: Ipv6Prefix): Ipv6Prefix | undefined {
    for (const [length, prefixes] of this.#byLength) {
      const found = length > prefix.length ? undefined : prefixes.get(bits(prefix.address, length));
      if (found !== undefined) return found;
    }
    return this.#partsOf(prefix.length).has(bits(prefix.address, prefix.length)) ? prefix : undefined;
  }

  /** False, and nothing has changed, when it meets one that is there. */
  add(prefix: Ipv6Prefix): boolean {
    if (this.meeting(prefix) !== undefined) return false;
    this.#put(prefix);
    return true;
  }

  /** False when exactly this one is not there. */
  delete({ address, length }: Ipv6Prefix): boolean {
    if (this.#byLength.get(length)?.delete(bits(address, length)) !== true) return false;
    this.#size--;
    for (const [shorter, parts] of this.#partsByLength) if (shorter < length) count(parts, bits(address, shorter), -1);
    return true;
  }

  #put(prefix: Ipv6Prefix): void {
    const { address, length } = prefix;
    let prefixes = this.#byLength.get(length);
    if (prefixes === undefined) this.#byLength.set(length, (prefixes = new Map()));
    prefixes.set(bits(address, length), prefix);
    this.#size++;
    for (const [shorter, parts] of this.#partsByLength) if (shorter < length) count(parts, bits(address, shorter), 1);
  }

  #partsOf(length: number): Map<bigint, number> {
    const known = this.#partsByLength.get(length);
    if (known !== undefined) return known;
    const parts = new Map<bigint, number>();
    for (const prefix of this) if (prefix.length > length) count(parts, bits(prefix.address, length), 1);
    this.#partsByLength.set(length, parts);
    return parts;
  }
}

export function meet(a: Ipv6Prefix, b: Ipv6Prefix): boolean {
  return a.length < b.length ? isInIpv6Prefix(b.address, a) : isInIpv6Prefix(a.address, b);
}

/** The first `length` bits of an address. */
export function bits(address: bigint, length: number): bigint {
  return address >> BigInt(128 - length);
}

function count(parts: Map<bigint, number>, key: bigint, change: 1 | -1): void {
  const now = (parts.get(key) ?? 0) + change;
  if (now === 0) parts.delete(key);
  else parts.set(key, now);
}
