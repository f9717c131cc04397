/**
 * The client's end of a tunnel as an IPv6 host (RFC 4861 6.3, RFC 4862): asks for the router and makes its address of the advertised
 * prefix. Sans-io: whole IPv6 packets come in and go out, time is an argument.
 */
import { encodeIcmpv6, parseIcmpv6 } from '../../wire/icmpv6.ts';
import { IpProtocol } from '../../wire/ip.ts';
import { parseIpv6Packet } from '../../wire/ip-packet.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { Ipv6Parameters } from '../ppp/credentials.ts';
import { ALL_ROUTERS, isLinkLocal, linkLocal } from './ipv6-addresses.ts';

/** RFC 4861 10: MAX_RTR_SOLICITATIONS and RTR_SOLICITATION_INTERVAL. */
const SOLICITATIONS = 3;
const INTERVAL_MS = 4_000;
const SLAAC_LENGTH = 64;
/** A hostile router may name thousands. */
const MAX_DNS = 8;

/** What a router advertised. */
export interface Ipv6Configuration {
  /** Made of the advertised prefix; undefined when there was none to make one of. */
  readonly address: bigint | undefined;
  readonly dns: readonly bigint[];
  readonly mtu: number | undefined;
}

export class Ipv6Host {
  /** When `handleTimeout` is due. May change with every input. */
  deadline = Number.POSITIVE_INFINITY;
  readonly #ipv6: Ipv6Parameters;
  readonly #send: (packet: Uint8Array) => void;
  #sent = 0;
  #configuration: Ipv6Configuration | undefined;

  /** `send` takes a whole IPv6 packet and must not call back. */
  constructor(ipv6: Ipv6Parameters, send: (packet: Uint8Array) => void, now: number) {
    this.#ipv6 = ipv6;
    this.#send = send;
    this.#solicit(now);
  }

  /** Its link-local address. */
  get linkLocal(): bigint {
    return linkLocal(this.#ipv6.interfaceId);
  }

  /** The link-local address of the other end; undefined when that did not name its identifier. */
  get gateway(): bigint | undefined {
    const { gatewayInterfaceId } = this.#ipv6;
    return gatewayInterfaceId === 0n ? undefined : linkLocal(gatewayInterfaceId);
  }

  /** What the last advertisement said. */
  get configuration(): Ipv6Configuration | undefined {
    return this.#configuration;
  }

  handleTimeout(now: number): void {
    if (now < this.deadline) return;
    if (this.#sent < SOLICITATIONS) this.#solicit(now);
    else this.deadline = Number.POSITIVE_INFINITY;
  }

  /** A packet of the link. @returns whether it was an advertisement */
  receive(bytes: Uint8Array): boolean {
    const packet = parseIpv6Packet(bytes);
    if (isWireError(packet) || packet.nextHeader !== IpProtocol.Icmpv6 || !isLinkLocal(packet.source)) return false;
    const message = parseIcmpv6(packet);
    if (isWireError(message) || message.kind !== 'router-advertisement') return false;
    this.deadline = Number.POSITIVE_INFINITY;
    const usable = message.prefixes.find(
      ({ prefix, isAutonomous, validLifetime }) => isAutonomous && prefix.length === SLAAC_LENGTH && validLifetime > 0,
    );
    this.#configuration = {
      address: usable === undefined ? undefined : usable.prefix.address | this.#ipv6.interfaceId,
      dns: message.dns.flatMap(({ lifetime, servers }) => (lifetime > 0 ? servers : [])).slice(0, MAX_DNS),
      mtu: message.mtu,
    };
    return true;
  }

  #solicit(now: number): void {
    this.#sent += 1;
    this.deadline = now + INTERVAL_MS;
    const solicitation = { kind: 'router-solicitation' } as const;
    this.#send(encodeIcmpv6(this.linkLocal, ALL_ROUTERS, solicitation));
  }
}
