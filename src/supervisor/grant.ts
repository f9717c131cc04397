import type { SessionAttributes } from '../aaa/session-attributes.ts';
import type { Leases } from './leases.ts';
import type { Ipv6Prefix } from '../wire/ipv6.ts';

/** What an accepted session holds until it ends: leases, and the routes that lead to it. */
export interface Grant {
  /** By a later change of authorization as well. */
  readonly attributes: SessionAttributes;
  readonly authentic: 'radius' | 'local';
  readonly ipv4: number;
  /** 64 bits, not zero, of the client's link-local address: what it is offered, and once the session is up what it has; undefined without IPv6. */
  readonly interfaceId: bigint | undefined;
  readonly ipv6Prefix: Ipv6Prefix | undefined;
  readonly delegatedPrefix: Ipv6Prefix | undefined;
  readonly leases: Leases;
  /** All that the kernel was told leads to this session, its own address included: `prefix/length`. */
  readonly routes: readonly string[];
}
