/** All pools of the configuration, by name, and what may be had from them: addresses, prefixes of links, prefixes to delegate. */
import type { Ipv4Assignment, PrefixAssignment, Reservations } from '../aaa/session-attributes.ts';
import type { PoolView } from '../admin/gateway-view.ts';
import { type Config, DEFAULT_POOL, type PrefixPools } from '../config/schema.ts';
import type { Ipv6Prefix } from '../wire/ipv6.ts';
import { AddressPool } from './address-pool.ts';
import { PrefixPool } from './prefix-pool.ts';
import { meet, PrefixSet } from './prefix-set.ts';

/** Why somebody got nothing: for counters and the log. */
export type LeaseFailure = 'pool-exhausted' | 'address-in-use' | 'prefix-in-use' | 'unknown-pool';

export interface Lease<T> {
  readonly value: T;
  /** The pool that it came from; undefined for one that was asked for by itself. */
  readonly pool: string | undefined;
  /** Gives it back; once. */
  release(): void;
}

interface Chain<P> {
  readonly pool: P;
  readonly next: string | undefined;
}

type Chains<P> = Map<string, Chain<P>>;

type PrefixLease = Lease<Ipv6Prefix> | LeaseFailure | undefined;

export class Pools {
  /** What sessions have, whichever pool it came from: what is in here is given to nobody else, also when pools change. */
  readonly #addresses = new Set<number>();
  readonly #prefixes = new PrefixSet();
  readonly #ipv4 = new Map<string, Chain<AddressPool>>();
  /** Static addresses that are in no pool. */
  readonly #elsewhere = new AddressPool([], [], this.#addresses);
  readonly #link = new Map<string, Chain<PrefixPool>>();
  readonly #delegated = new Map<string, Chain<PrefixPool>>();
  #gateway: number | undefined;
  #gateway6: Ipv6Prefix | undefined;

  constructor(network: Config['network'], reservations: Reservations) {
    this.configure(network, reservations);
  }

  /** Other ranges from now on. Leases stay, also those of a pool that is gone. */
  configure({ ipv4, ipv6 }: Config['network'], wanted: Reservations): void {
    // The gateway may run with an address that the new ranges hold: another one waits for a restart.
    this.#gateway = ipv4.gateway;
    this.#gateway6 = ipv6?.gateway === undefined ? undefined : { address: ipv6.gateway, length: 128 };
    const reservations = withGateway(wanted, this.#gateway, this.#gateway6);
    const ranges = [{ name: DEFAULT_POOL, ranges: ipv4.pool, next: ipv4.next }, ...ipv4.pools];
    configureChains(
      this.#ipv4,
      ranges,
      () => new AddressPool([], [], this.#addresses),
      (pool, wanted) => pool.configure(wanted.ranges, reservations.ipv4),
    );
    this.#configurePrefixes(this.#link, ipv6?.link, reservations);
    this.#configurePrefixes(this.#delegated, ipv6?.delegated, reservations);
  }

  /** Undefined is the default pool. */
  leaseAddress(assignment: Ipv4Assignment | undefined): Lease<number> | LeaseFailure {
    if (assignment?.kind === 'fixed') {
      const { address } = assignment;
      if (address === this.#gateway) return 'address-in-use';
      return this.#poolOf(address).leaseStatic(address) ? this.#addressLease(address, undefined) : 'address-in-use';
    }
    // What the client itself would like is known only when it has been accepted: it gets an address like all others.
    const name = assignment?.kind === 'pool' ? (assignment.name ?? DEFAULT_POOL) : DEFAULT_POOL;
    const leased = leaseFrom(this.#ipv4, name);
    return typeof leased === 'string' ? leased : this.#addressLease(leased.value, leased.pool);
  }

  /** The prefix of a link. Undefined is the default pool; without one there is no prefix. */
  leasePrefix(assignment: PrefixAssignment | undefined): PrefixLease {
    return this.#leasePrefix(this.#link, assignment);
  }

  /** A prefix to delegate, likewise. */
  leaseDelegated(assignment: PrefixAssignment | undefined): PrefixLease {
    return this.#leasePrefix(this.#delegated, assignment);
  }

  /** Of all IPv4 pools together. */
  get ipv4(): { readonly size: number; readonly leased: number } {
    let size = 0;
    for (const { pool } of this.#ipv4.values()) size += pool.size;
    return { size, leased: this.#addresses.size };
  }

  views(): PoolView[] {
    return [
      ...viewsOf('ipv4', this.#ipv4),
      ...viewsOf('ipv6', this.#link),
      ...viewsOf('ipv6-delegated', this.#delegated),
    ];
  }

  /** The pool that the address belongs to now: pools may have changed since it was leased. */
  #poolOf(address: number): AddressPool {
    for (const { pool } of this.#ipv4.values()) if (pool.covers(address)) return pool;
    return this.#elsewhere;
  }

  #addressLease(address: number, pool: string | undefined): Lease<number> {
    return { value: address, pool, release: () => this.#poolOf(address).release(address) };
  }

  #leasePrefix(chains: Chains<PrefixPool>, assignment: PrefixAssignment | undefined): PrefixLease {
    if (assignment?.kind === 'fixed') {
      const { prefix } = assignment;
      if (this.#gateway6 !== undefined && meet(this.#gateway6, prefix)) return 'prefix-in-use';
      return chains.get(DEFAULT_POOL)!.pool.leaseStatic(prefix)
        ? this.#prefixLease(prefix, undefined)
        : 'prefix-in-use';
    }
    if (assignment === undefined && chains.get(DEFAULT_POOL)!.pool.size === 0) return undefined;
    const leased = leaseFrom(chains, assignment?.name ?? DEFAULT_POOL);
    return typeof leased === 'string' ? leased : this.#prefixLease(leased.value, leased.pool);
  }

  #prefixLease(prefix: Ipv6Prefix, origin: string | undefined): Lease<Ipv6Prefix> {
    const release = (): void => {
      this.#link.get(DEFAULT_POOL)!.pool.release(prefix);
      // Pools may have changed since it was leased, and a fixed one may have been in the way of several.
      for (const chains of [this.#link, this.#delegated]) for (const { pool } of chains.values()) pool.regain(prefix);
    };
    return { value: prefix, pool: origin, release };
  }

  #configurePrefixes(chains: Chains<PrefixPool>, pools: PrefixPools | undefined, { prefixes }: Reservations): void {
    const { prefixLength, pool, pools: named } = pools ?? NO_PREFIXES;
    const wanted = [{ name: DEFAULT_POOL, prefixes: pool, next: undefined }, ...named];
    configureChains(
      chains,
      wanted,
      () => new PrefixPool(prefixLength, [], [], this.#prefixes),
      (existing, entry) => existing.configure(entry.prefixes, prefixes, prefixLength),
    );
  }
}

const NO_PREFIXES: PrefixPools = { prefixLength: 64, pool: [], pools: [] };

/** The gateway's own addresses are nobody's, as are those that belong to certain users. */
function withGateway(
  { ipv4, prefixes }: Reservations,
  gateway: number,
  gateway6: Ipv6Prefix | undefined,
): Reservations {
  const isFree = gateway6 !== undefined && !prefixes.some(prefix => meet(prefix, gateway6));
  return { ipv4: [...ipv4, gateway], prefixes: isFree ? [...prefixes, gateway6] : prefixes };
}

interface Named {
  readonly name: string;
  readonly next: string | undefined;
}

/** Pools that are not wanted any more are gone: what they leased is known to all. */
function configureChains<P, W extends Named>(
  chains: Chains<P>,
  wanted: readonly W[],
  create: () => P,
  configure: (pool: P, entry: W) => void,
): void {
  const names = new Set(wanted.map(entry => entry.name));
  for (const name of chains.keys()) if (!names.has(name)) chains.delete(name);
  for (const entry of wanted) {
    const pool = chains.get(entry.name)?.pool ?? create();
    configure(pool, entry);
    chains.set(entry.name, { pool, next: entry.next });
  }
}

function viewsOf(family: PoolView['family'], chains: Chains<AddressPool | PrefixPool>): PoolView[] {
  return Array.from(chains, ([name, { pool }]) => ({ name, family, size: pool.size, leased: pool.leased }));
}

/** From this pool, or from those that help it out. */
function leaseFrom<T>(
  chains: Chains<{ lease(): T | undefined }>,
  first: string,
): { readonly value: T; readonly pool: string } | LeaseFailure {
  if (!chains.has(first)) return 'unknown-pool';
  for (let pool = first, chain = chains.get(pool); chain !== undefined; chain = chains.get(pool)) {
    const value = chain.pool.lease();
    if (value !== undefined) return { value, pool };
    pool = chain.next ?? '';
  }
  return 'pool-exhausted';
}
