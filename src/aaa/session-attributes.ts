/**
 * What an authority (users file, RADIUS) says about a session beyond yes or no. Undefined is "nothing said": the configuration
 * decides then. Plain data, safe to clone. IPv4 addresses are unsigned 32-bit numbers, IPv6 addresses 128-bit bigints, times
 * milliseconds, rates bits per second.
 */
import type { Ipv6Prefix } from '../wire/ipv6.ts';
import type { RateLimit, SessionRoute } from '../worker/messages.ts';

export type { RateLimit, SessionRoute } from '../worker/messages.ts';

export interface SessionAttributes {
  /** `fixed`: this address and no other. `pool`: one of this pool, undefined for the default pool. `peer`: what the client asks for. */
  readonly ipv4?: Ipv4Assignment | undefined;
  /** Networks behind the client, beside its own address: Framed-Route, Framed-IP-Netmask, Framed-IPv6-Route. */
  readonly routes?: readonly SessionRoute[] | undefined;
  /** The prefix on the link, advertised to the client; `fixed` or from a named pool. */
  readonly ipv6Prefix?: PrefixAssignment | undefined;
  /** The prefix that DHCPv6 delegates to the client. */
  readonly delegatedPrefix?: PrefixAssignment | undefined;
  /** 64 bits, not zero: what IPv6CP is to give to the client. */
  readonly interfaceId?: bigint | undefined;
  /** At most two each are used. */
  readonly dns?: readonly number[] | undefined;
  readonly nbns?: readonly number[] | undefined;
  readonly dns6?: readonly bigint[] | undefined;
  readonly mtu?: number | undefined;
  readonly sessionTimeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly interimIntervalMs?: number | undefined;
  /** Sessions that the user may have at a time. */
  readonly maxSessions?: number | undefined;
  readonly rate?: RateLimit | undefined;
  /** Filter-Id as it was sent, also when it was read as a rate: for the log and the hooks. */
  readonly filterId?: string | undefined;
  /** Class attributes in their order, to be repeated in accounting. */
  readonly classes?: readonly Uint8Array[] | undefined;
}

export type Ipv4Assignment =
  | { readonly kind: 'fixed'; readonly address: number }
  | { readonly kind: 'pool'; readonly name: string | undefined }
  | { readonly kind: 'peer' };

export type PrefixAssignment =
  | { readonly kind: 'fixed'; readonly prefix: Ipv6Prefix }
  | { readonly kind: 'pool'; readonly name: string };

/** What belongs to certain users and is leased to nobody else. */
export interface Reservations {
  readonly ipv4: readonly number[];
  /** Of links and of delegation. */
  readonly prefixes: readonly Ipv6Prefix[];
}
