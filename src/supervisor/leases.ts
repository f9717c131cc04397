import type { SessionAttributes } from '../aaa/session-attributes.ts';
import type { AddressPool } from './address-pool.ts';

/** Why a session got no address: for counters and the log. */
export type LeaseFailure = 'pool-exhausted' | 'address-in-use';

/** What one session holds of the pools, to be given back once. */
export interface Leases {
  readonly ipv4: number;
  release(): void;
}

/** All that the attributes ask for, or nothing. */
export function takeLeases(pool: AddressPool, { ipv4 }: SessionAttributes): Leases | LeaseFailure {
  const address = ipv4?.kind === 'fixed' ? ipv4.address : pool.lease();
  if (address === undefined) return 'pool-exhausted';
  if (ipv4?.kind === 'fixed' && !pool.leaseStatic(address)) return 'address-in-use';
  return { ipv4: address, release: () => pool.release(address) };
}
