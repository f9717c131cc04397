/**
 * The networks of one session in its worker: which destinations are routed to it, and so which sources it may send from; and what the
 * gateway itself says on the link. All of a family stands while its network protocol is open.
 */
import { ANY_SOURCE, type PacketPath } from '../hotpath/packet-path.ts';
import { answerInform } from '../protocol/link/dhcp-responder.ts';
import { GatewayLink } from '../protocol/link/gateway-link.ts';
import type { Ipv4Parameters, Ipv6Parameters, NetworkFamily, OpenNetwork } from '../protocol/ppp/credentials.ts';
import { type Ipv6Prefix, writeIpv6 } from '../wire/ipv6.ts';
import { PppProtocol } from '../wire/ppp.ts';
import type { SessionRoute, WorkerSettings } from './messages.ts';

export class SessionNetworks {
  readonly #path: PacketPath;
  readonly #slot: number;
  readonly #settings: WorkerSettings['network'];
  readonly #deliver: (protocol: PppProtocol, packet: Uint8Array) => void;
  #mtu = 0;
  #ipv4: Ipv4Parameters | undefined;
  #ipv6: Ipv6Parameters | undefined;
  /** Networks behind the client. */
  #behind: readonly SessionRoute[] = [];
  #link: GatewayLink | undefined;

  /** `deliver` takes an IP packet to the client, past the queue of its traffic. */
  constructor(
    path: PacketPath,
    slot: number,
    settings: WorkerSettings['network'],
    deliver: (protocol: PppProtocol, packet: Uint8Array) => void,
  ) {
    this.#path = path;
    this.#slot = slot;
    this.#settings = settings;
    this.#deliver = deliver;
  }

  get deadline(): number {
    return this.#link?.deadline ?? Number.POSITIVE_INFINITY;
  }

  get ipv4(): Ipv4Parameters | undefined {
    return this.#ipv4;
  }

  get ipv6(): Ipv6Parameters | undefined {
    return this.#ipv6;
  }

  /** As `source` of the packet path's `admit`. */
  get source(): number {
    return this.#settings.antiSpoofing ? (this.#ipv4?.address ?? 0) : 0;
  }

  /** As `slot` of its `admit6`. */
  get sourceSlot(): number {
    return this.#settings.antiSpoofing ? this.#slot : ANY_SOURCE;
  }

  /** `mtu`: bytes of the longest IP packet in the tunnel. */
  open(network: OpenNetwork, mtu: number, now: number): void {
    this.close(network.family);
    this.#mtu = mtu;
    if (network.family === 4) this.#openIpv4(network.ipv4);
    else this.#openIpv6(network.ipv6, now);
  }

  handleTimeout(now: number): void {
    this.#link?.handleTimeout(now);
  }

  /** A packet for the gateway itself, of which the packet path knows (`EntryMark.ToControl`). It is not kept. */
  receive(packet: Uint8Array): void {
    if (packet[0]! >> 4 === 6) {
      this.#link?.receive(packet);
    } else if (this.#ipv4 !== undefined) {
      const answer = answerInform(packet, this.#ipv4, this.#settings.dhcp, this.#mtu);
      if (answer !== undefined) this.#send(PppProtocol.Ipv4, answer);
    }
  }

  close(family: NetworkFamily): void {
    if (family === 4 ? this.#ipv4 === undefined : this.#ipv6 === undefined) return;
    for (const route of this.#behind) if (route.family === family) this.#removeBehind(route);
    if (family === 4) {
      this.#path.routeRemove(this.#ipv4!.address);
      this.#ipv4 = undefined;
    } else {
      for (const prefix of linkPrefixes(this.#ipv6!)) this.#removePrefix(prefix);
      this.#ipv6 = undefined;
      this.#link = undefined;
    }
  }

  /** What lies behind the client from now on. */
  setRoutes(routes: readonly SessionRoute[]): void {
    for (const route of this.#behind) if (this.#isOpen(route.family)) this.#removeBehind(route);
    this.#behind = routes;
    for (const route of routes) if (this.#isOpen(route.family)) this.#addBehind(route);
  }

  clear(): void {
    this.close(4);
    this.close(6);
  }

  /** A client that asks with more than its tunnel takes may ask for an answer that does not fit either. */
  #send(protocol: PppProtocol, packet: Uint8Array): void {
    if (packet.length <= this.#mtu) this.#deliver(protocol, packet);
  }

  #openIpv4(ipv4: Ipv4Parameters): void {
    this.#ipv4 = ipv4;
    if (!this.#path.routeAdd(ipv4.address, this.#slot))
      throw new Error('the route table is smaller than the slot table');
    for (const route of this.#behind) if (route.family === 4) this.#addBehind(route);
  }

  #openIpv6(ipv6: Ipv6Parameters, now: number): void {
    this.#ipv6 = ipv6;
    const options = { ipv6, mtu: this.#mtu, search: this.#settings.dhcp.search, chance: Math.random };
    this.#link = new GatewayLink(options, packet => this.#send(PppProtocol.Ipv6, packet), now);
    for (const prefix of linkPrefixes(ipv6)) this.#addPrefix(prefix);
    for (const route of this.#behind) if (route.family === 6) this.#addBehind(route);
  }

  #isOpen(family: NetworkFamily): boolean {
    return (family === 4 ? this.#ipv4 : this.#ipv6) !== undefined;
  }

  /** What finds no place in a full table is dropped and counted as `no-route`. */
  #addBehind(route: SessionRoute): void {
    if (route.family === 6) this.#addPrefix(route.prefix);
    else this.#path.networkAdd(route.address, route.length, this.#slot);
  }

  #removeBehind(route: SessionRoute): void {
    if (route.family === 6) this.#removePrefix(route.prefix);
    else this.#path.networkRemove(route.address, route.length);
  }

  #addPrefix({ address, length }: Ipv6Prefix): void {
    writeIpv6(address, this.#path.memory, this.#path.scratchAt);
    this.#path.route6Add(this.#path.scratchAt, length, this.#slot);
  }

  #removePrefix({ address, length }: Ipv6Prefix): void {
    writeIpv6(address, this.#path.memory, this.#path.scratchAt);
    this.#path.route6Remove(this.#path.scratchAt, length);
  }
}

function linkPrefixes({ prefix, delegated }: Ipv6Parameters): Ipv6Prefix[] {
  return [prefix, delegated].filter(present => present !== undefined);
}
