/**
 * The gateway's end of one tunnel as an IPv6 router sees to it (RFC 4861 6.2, RFC 5072 5): it advertises the prefix, answers solicitations,
 * pings of its link-local address and DHCPv6. Sans-io: whole IPv6 packets come in and go out, time is an argument.
 *
 * A tunnel is a link of two, so that what Ethernet needs against storms (delays, minimum distances) is not needed: every question costs
 * one answer.
 */
import { DHCPV6_CLIENT_PORT, DHCPV6_SERVER_PORT, encodeDhcpv6, parseDhcpv6 } from '../../wire/dhcpv6.ts';
import { encodeIcmpv6, type Icmpv6Message, parseIcmpv6, type RouterAdvertisement } from '../../wire/icmpv6.ts';
import { IpProtocol } from '../../wire/ip.ts';
import { encodeUdp6, type Ipv6Packet, parseIpv6Packet, parseUdp6 } from '../../wire/ip-packet.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { Ipv6Parameters } from '../ppp/credentials.ts';
import { answerDhcpv6, type Dhcpv6Facts, linkDuid } from './dhcpv6-responder.ts';
import {
  ALL_DHCP_RELAYS_AND_SERVERS,
  ALL_NODES,
  ALL_ROUTERS,
  isLinkLocal,
  linkLocal,
  solicitedNode,
  UNSPECIFIED,
} from './ipv6-addresses.ts';

/**
 * When the first advertisements go out unasked: soon after IPv6CP has opened, and again for a host that was not ready (RFC 4861 6.2.4 has
 * three within 16 s each).
 */
const INITIAL_DELAYS_MS = [500, 3_000, 12_000] as const;
/** Then now and then, so that nothing runs out. They wake a mobile host up, so rarely: a third of the router lifetime. */
const ADVERTISEMENT_INTERVAL_MS = 20 * 60_000;
/** Seconds; the advertised name servers last as long. */
const ROUTER_LIFETIME = 3600;
/** Seconds: the defaults of RFC 4861 6.2.1. The prefix goes with the tunnel in any case. */
const VALID_LIFETIME = 2_592_000;
const PREFERRED_LIFETIME = 604_800;
const HOP_LIMIT = 64;
/** RFC 8200 5: no link has less, and a host ignores an advertisement of less. */
const MIN_MTU = 1280;
/** RFC 4862 5.5.3: with a 64-bit interface identifier only prefixes of this length become addresses. */
const SLAAC_LENGTH = 64;

export interface GatewayLinkOptions {
  readonly ipv6: Ipv6Parameters;
  /** Bytes of the longest IP packet in the tunnel. */
  readonly mtu: number;
  /** Domains to search, for DHCPv6. */
  readonly search: readonly string[];
  /** Spreads the periodic advertisements of many tunnels: a number from 0 to 1. */
  readonly chance: () => number;
}

export class GatewayLink {
  /** When `handleTimeout` is due. Changes in it only. */
  deadline: number;
  readonly #address: bigint;
  readonly #advertisement: RouterAdvertisement;
  readonly #dhcp: Dhcpv6Facts;
  readonly #chance: () => number;
  readonly #send: (packet: Uint8Array) => void;
  #advertised = 0;

  /** `send` takes a whole IPv6 packet and must not call back. */
  constructor({ ipv6, mtu, search, chance }: GatewayLinkOptions, send: (packet: Uint8Array) => void, now: number) {
    const { prefix, delegated, dns } = ipv6;
    this.#address = linkLocal(ipv6.gatewayInterfaceId);
    this.#dhcp = { serverId: linkDuid(ipv6.gatewayInterfaceId), delegated, dns, search };
    this.#advertisement = {
      kind: 'router-advertisement',
      hopLimit: HOP_LIMIT,
      isManaged: false,
      hasOther: dns.length > 0 || search.length > 0 || delegated !== undefined,
      // Without addresses of wider scope there is nothing to route for the host.
      routerLifetime: prefix === undefined && delegated === undefined ? 0 : ROUTER_LIFETIME,
      prefixes:
        prefix === undefined
          ? []
          : [
              {
                prefix,
                isOnLink: true,
                isAutonomous: prefix.length === SLAAC_LENGTH,
                validLifetime: VALID_LIFETIME,
                preferredLifetime: PREFERRED_LIFETIME,
              },
            ],
      mtu: mtu < MIN_MTU ? undefined : mtu,
      dns: dns.length === 0 ? [] : [{ lifetime: ROUTER_LIFETIME, servers: dns }],
    };
    this.#chance = chance;
    this.#send = send;
    this.deadline = now + INITIAL_DELAYS_MS[0];
  }

  handleTimeout(now: number): void {
    if (now < this.deadline) return;
    this.#send(encodeIcmpv6(this.#address, ALL_NODES, this.#advertisement));
    this.#advertised += 1;
    this.deadline =
      now + (INITIAL_DELAYS_MS[this.#advertised] ?? ADVERTISEMENT_INTERVAL_MS * (0.75 + this.#chance() / 4));
  }

  /** A packet that does not leave the link. `bytes` are not kept. What deserves no answer is passed over. */
  receive(bytes: Uint8Array): void {
    const packet = parseIpv6Packet(bytes);
    if (isWireError(packet)) return;
    const { source, destination } = packet;
    if (packet.nextHeader === IpProtocol.Icmpv6) {
      const message = parseIcmpv6(packet);
      if (!isWireError(message)) this.#receiveIcmpv6(message, source, destination);
    } else if (packet.nextHeader === IpProtocol.Udp) {
      this.#receiveUdp(packet);
    }
  }

  #receiveIcmpv6(message: Icmpv6Message, source: bigint, destination: bigint): void {
    switch (message.kind) {
      case 'router-solicitation':
        if (destination !== ALL_ROUTERS && destination !== this.#address) return;
        return this.#send(encodeIcmpv6(this.#address, this.#reachable(source), this.#advertisement));
      case 'neighbor-solicitation':
        if (message.target !== this.#address) return;
        if (destination !== this.#address && destination !== solicitedNode(this.#address)) return;
        return this.#send(
          encodeIcmpv6(this.#address, this.#reachable(source), {
            kind: 'neighbor-advertisement',
            isRouter: true,
            isSolicited: source !== UNSPECIFIED,
            isOverride: true,
            target: this.#address,
          }),
        );
      case 'echo-request':
        if (source === UNSPECIFIED) return;
        if (destination !== this.#address && destination !== ALL_NODES && destination !== ALL_ROUTERS) return;
        return this.#send(encodeIcmpv6(this.#address, source, { ...message, kind: 'echo-reply' }));
      case 'echo-reply':
      case 'router-advertisement':
      case 'neighbor-advertisement':
        return;
    }
  }

  #receiveUdp(packet: Ipv6Packet): void {
    const { source, destination } = packet;
    if (!isLinkLocal(source) || (destination !== ALL_DHCP_RELAYS_AND_SERVERS && destination !== this.#address)) return;
    const datagram = parseUdp6(packet);
    if (isWireError(datagram) || datagram.destinationPort !== DHCPV6_SERVER_PORT) return;
    const question = parseDhcpv6(datagram.data);
    const answer = isWireError(question) ? undefined : answerDhcpv6(question, this.#dhcp);
    if (answer === undefined) return;
    const reply = { sourcePort: DHCPV6_SERVER_PORT, destinationPort: DHCPV6_CLIENT_PORT, data: encodeDhcpv6(answer) };
    this.#send(encodeUdp6(this.#address, source, reply));
  }

  /** Who has no address yet is reached with everybody else. */
  #reachable(source: bigint): bigint {
    return source === UNSPECIFIED ? ALL_NODES : source;
  }
}
