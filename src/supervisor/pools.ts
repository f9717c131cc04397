/** All pools of the configuration, by name, and what may be had from them: addresses, prefixes of links, prefixes to delegate. */
import type { Ipv4Assignment, PrefixAssignment, Reservations } from '../aaa/session-attributes.ts';
import type { Config, PrefixPools } from '../config/schema.ts';
import type { Ipv6Prefix } from '../wire/ipv6.ts';
import { AddressPool } from './address-pool.ts';
import { PrefixPool } from './prefix-pool.ts';

/** Why somebody got nothing: for counters and the log. */
export type LeaseFailure = 'pool-exhausted' | 'address-in-use' | 'prefix-in-use' | 'unknown-pool';

export interface PoolView {
  readonly name: string;
  readonly family: 'ipv4' | 'ipv6' | 'ipv6-delegated';
  readonly size: number;
  readonly leased: number;
}

export interface Lease<T> {
  readonly value: T;
  /** Gives it back; once. */
  release(): void;
}

/** The name of the pool that nobody has to name. */
const DEFAULT = 'default';

interface Chain<P> {
  readonly pool: P;
  next: string | undefined;
}

export class Pools {
  readonly #ipv4 = new Map<string, Chain<AddressPool>>();
  /** Holds static addresses that are in no pool. */
  readonly #elsewhere = new AddressPool([]);
  readonly #link = new Map<string, Chain<PrefixPool>>();
  readonly #delegated = new Map<string, Chain<PrefixPool>>();

  constructor(network: Config['network'], reservations: Reservations) {
    this.configure(network, reservations);
  }

  /** Other ranges from now on. Leases stay; a pool that is gone gives no new ones. */
  configure({ ipv4, ipv6 }: Config['network'], reservations: Reservations): void {
    const ranges = [{ name: DEFAULT, ranges: ipv4.pool, next: ipv4.next }, ...ipv4.pools];
    configureChains(
      this.#ipv4,
      ranges,
      wanted => new AddressPool(wanted?.ranges ?? [], reservations.ipv4),
      (pool, wanted) => pool.configure(wanted?.ranges ?? [], reservations.ipv4),
    );
    this.#configurePrefixes(this.#link, ipv6?.link, reservations);
    this.#configurePrefixes(this.#delegated, ipv6?.delegated, reservations);
  }

  /** Undefined is the default pool. */
  leaseAddress(assignment: Ipv4Assignment | undefined): Lease<number> | LeaseFailure {
    if (assignment?.kind === 'fixed') return this.#leaseFixed(assignment.address);
    // What the client itself would like is known only when it has been accepted: it gets an address like all others.
    const name = assignment?.kind === 'pool' ? (assignment.name ?? DEFAULT) : DEFAULT;
    return leaseFrom(this.#ipv4, name);
  }

  /** The prefix of a link. Undefined is the default pool; without one there is no prefix. */
  leasePrefix(assignment: PrefixAssignment | undefined): Lease<Ipv6Prefix> | LeaseFailure | undefined {
    return this.#leasePrefix(this.#link, assignment);
  }

  /** A prefix to delegate, likewise. */
  leaseDelegated(assignment: PrefixAssignment | undefined): Lease<Ipv6Prefix> | LeaseFailure | undefined {
    return this.#leasePrefix(this.#delegated, assignment);
  }

  /** Of all IPv4 pools together. */
  get ipv4(): { readonly size: number; readonly leased: number } {
    let [size, leased] = [0, this.#elsewhere.leased];
    for (const { pool } of this.#ipv4.values()) {
      size += pool.size;
      leased += pool.leased;
    }
    return { size, leased };
  }

  views(): PoolView[] {
    const view =
      (family: PoolView['family']) =>
      ([name, { pool }]: readonly [string, Chain<AddressPool | PrefixPool>]): PoolView => ({
        name,
        family,
        size: pool.size,
        leased: pool.leased,
      });
    return [
      ...[...this.#ipv4].map(view('ipv4')),
      ...[...this.#link].map(view('ipv6')),
      ...[...this.#delegated].map(view('ipv6-delegated')),
    ];
  }

  #leaseFixed(address: number): Lease<number> | LeaseFailure {
    const owner = [...this.#ipv4.values()].find(({ pool }) => pool.covers(address))?.pool ?? this.#elsewhere;
    if (!owner.leaseStatic(address)) return 'address-in-use';
    return { value: address, release: () => owner.release(address) };
  }

  #leasePrefix(
    chains: ReadonlyMap<string, Chain<PrefixPool>>,
    assignment: PrefixAssignment | undefined,
  ): Lease<Ipv6Prefix> | LeaseFailure | undefined {
    if (assignment?.kind === 'fixed') {
      const { pool } = chains.get(DEFAULT)!;
      const { prefix } = assignment;
      return pool.leaseStatic(prefix) ? { value: prefix, release: () => pool.release(prefix) } : 'prefix-in-use';
    }
    const name = assignment?.name ?? DEFAULT;
    if (assignment === undefined && (chains.get(DEFAULT)?.pool.size ?? 0) === 0) return undefined;
    return leaseFrom(chains, name);
  }

  #configurePrefixes(
    chains: Map<string, Chain<PrefixPool>>,
    pools: PrefixPools | undefined,
    { prefixes: reserved }: Reservations,
  ): void {
    const { prefixLength, pool = [], pools: named = [] } = pools ?? { prefixLength: 64 };
    const wanted = [{ name: DEFAULT, prefixes: pool, next: undefined }, ...named];
    configureChains(
      chains,
      wanted,
      entry => new PrefixPool(prefixLength, entry?.prefixes ?? [], reserved),
      (existing, entry) => existing.configure(entry?.prefixes ?? [], reserved),
    );
  }
}

interface Named {
  readonly name: string;
  readonly next: string | undefined;
}

/** Pools that were there keep their leases; those that are not wanted any more have nothing left to give. */
function configureChains<P, W extends Named>(
  chains: Map<string, Chain<P>>,
  wanted: readonly W[],
  create: (entry: W | undefined) => P,
  change: (pool: P, entry: W | undefined) => void,
): void {
  const byName = new Map(wanted.map(entry => [entry.name, entry]));
  for (const [name, chain] of chains) {
    const entry = byName.get(name);
    change(chain.pool, entry);
    chain.next = entry?.next;
  }
  for (const entry of wanted) {
    if (!chains.has(entry.name)) chains.set(entry.name, { pool: create(entry), next: entry.next });
  }
}

interface Leasable<T> {
  lease(): T | undefined;
  release(value: T): void;
}

/** From this pool, or from those that help it out. */
function leaseFrom<T>(chains: ReadonlyMap<string, Chain<Leasable<T>>>, first: string): Lease<T> | LeaseFailure {
  if (!chains.has(first)) return 'unknown-pool';
  for (let chain = chains.get(first); chain !== undefined; chain = chains.get(chain.next ?? '')) {
    const { pool } = chain;
    const value = pool.lease();
    if (value !== undefined) return { value, release: () => pool.release(value) };
  }
  return 'pool-exhausted';
}
