import type { SessionAttributes, SessionRoute } from '../aaa/session-attributes.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6Prefix, type Ipv6Prefix } from '../wire/ipv6.ts';
import type { Lease, LeaseFailure, Pools } from './pools.ts';

/** What one session holds of the pools, to be given back once, all together. */
export interface Leases {
  readonly ipv4: number;
  /** Where the IPv4 address came from; undefined for one that was asked for by itself. */
  readonly pool: string | undefined;
  readonly ipv6Prefix: Ipv6Prefix | undefined;
  readonly delegatedPrefix: Ipv6Prefix | undefined;
  release(): void;
}

/** All that the attributes ask for, or nothing. Without `hasIpv6` there is no prefix, whoever asks for one. */
export function takeLeases(pools: Pools, attributes: SessionAttributes, hasIpv6: boolean): Leases | LeaseFailure {
  const taken: Lease<unknown>[] = [];
  const release = (): void => {
    for (const lease of taken.splice(0)) lease.release();
  };
  const keep = <T>(lease: Lease<T> | LeaseFailure | undefined): T | undefined => {
    if (lease === undefined) return undefined;
    if (typeof lease === 'string') {
      failure ??= lease;
      return undefined;
    }
    taken.push(lease);
    return lease.value;
  };
  let failure: LeaseFailure | undefined;
  const address = pools.leaseAddress(attributes.ipv4);
  const ipv4 = keep(address);
  const pool = typeof address === 'string' ? undefined : address.pool;
  const ipv6Prefix = hasIpv6 ? keep(pools.leasePrefix(attributes.ipv6Prefix)) : undefined;
  const delegatedPrefix = hasIpv6 ? keep(pools.leaseDelegated(attributes.delegatedPrefix)) : undefined;
  if (failure === undefined && ipv4 !== undefined) return { ipv4, pool, ipv6Prefix, delegatedPrefix, release };
  release();
  return failure ?? 'pool-exhausted';
}

/** Everything that is to be routed to a session, as `prefix/length`. */
export function routesOf(leases: Leases, routes: readonly SessionRoute[] = []): string[] {
  return [
    `${formatIpv4(leases.ipv4)}/32`,
    ...[leases.ipv6Prefix, leases.delegatedPrefix].filter(prefix => prefix !== undefined).map(formatIpv6Prefix),
    ...routes.map(route =>
      route.family === 4 ? `${formatIpv4(route.address)}/${route.length}` : formatIpv6Prefix(route.prefix),
    ),
  ];
}
