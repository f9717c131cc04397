/**
 * What the gateway says to DHCPINFORM (RFC 2131 3.4), by which Windows asks over PPP for what IPCP cannot tell: its domain, and routes for
 * split tunnelling. Addresses it gives to nobody.
 */
import {
  type ClasslessRoute,
  DHCP_CLIENT_PORT,
  DHCP_SERVER_PORT,
  type DhcpMessage,
  dhcpMessageLength,
  DhcpMessageType,
  DhcpOp,
  DhcpOptionCode,
  dhcpOptionLength,
  encodeAddresses,
  encodeClasslessRoutes,
  encodeDhcp,
  parseDhcp,
} from '../../wire/dhcp.ts';
import { encodeDomainNames } from '../../wire/domain-name.ts';
import { IpProtocol, IPV4_HEADER_LENGTH, UDP_HEADER_LENGTH } from '../../wire/ip.ts';
import { encodeUdp4, parseIpv4Packet, parseUdp4 } from '../../wire/ip-packet.ts';
import { encodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { Ipv4Parameters } from '../ppp/credentials.ts';

/** What an operator has for clients beside addresses. */
export interface DhcpSettings {
  /** The connection's own domain. */
  readonly domain: string | undefined;
  /** Domains to search. */
  readonly search: readonly string[];
  /** Networks to reach through the tunnel; bits behind `length` are zero. */
  readonly routes: readonly Omit<ClasslessRoute, 'router'>[];
}

/** The IPv4 packet that answers the one in `bytes`, or undefined when it is no DHCPINFORM of this client. `mtu`: its longest packet. */
export function answerInform(
  bytes: Uint8Array,
  ipv4: Ipv4Parameters,
  settings: DhcpSettings,
  mtu: number,
): Uint8Array | undefined {
  const packet = parseIpv4Packet(bytes);
  if (isWireError(packet) || packet.protocol !== IpProtocol.Udp) return undefined;
  const datagram = parseUdp4(packet);
  if (isWireError(datagram) || datagram.destinationPort !== DHCP_SERVER_PORT) return undefined;
  const inform = parseDhcp(datagram.data);
  if (isWireError(inform) || !isInform(inform) || inform.ciaddr !== ipv4.address) return undefined;
  const reply: DhcpMessage = {
    ...inform,
    op: DhcpOp.Reply,
    giaddr: 0,
    options: options(inform, ipv4, settings, mtu - IPV4_HEADER_LENGTH - UDP_HEADER_LENGTH),
  };
  return encodeUdp4(ipv4.gateway, ipv4.address, {
    sourcePort: DHCP_SERVER_PORT,
    destinationPort: DHCP_CLIENT_PORT,
    data: encodeDhcp(reply),
  });
}

function isInform({ op, options: asked }: DhcpMessage): boolean {
  const type = asked.get(DhcpOptionCode.MessageType);
  return op === DhcpOp.Request && type?.length === 1 && type[0] === DhcpMessageType.Inform;
}

/** Those that were asked for, the most useful first: what no longer fits into `room` bytes of message is left out whole. */
function options(inform: DhcpMessage, ipv4: Ipv4Parameters, settings: DhcpSettings, room: number) {
  const requested = inform.options.get(DhcpOptionCode.ParameterRequestList);
  const { gateway, dns, nbns } = ipv4;
  const routes = encodeClasslessRoutes(settings.routes.map(route => ({ ...route, router: gateway })));
  const offered: readonly [DhcpOptionCode, Uint8Array][] = [
    [DhcpOptionCode.DnsServers, encodeAddresses(dns)],
    [DhcpOptionCode.DomainName, encodeText(settings.domain ?? '')],
    [DhcpOptionCode.ClasslessRoutes, routes],
    [DhcpOptionCode.MicrosoftClasslessRoutes, routes],
    [DhcpOptionCode.DomainSearch, encodeDomainNames(settings.search)],
    [DhcpOptionCode.NetbiosNameServers, encodeAddresses(nbns)],
  ];
  const chosen = new Map<number, Uint8Array>([
    [DhcpOptionCode.MessageType, Uint8Array.of(DhcpMessageType.Ack)],
    [DhcpOptionCode.ServerId, encodeAddresses([gateway])],
  ]);
  let length = 3 + 6;
  for (const [code, data] of offered) {
    const more = dhcpOptionLength(data.length);
    if (data.length === 0 || (requested !== undefined && !requested.includes(code))) continue;
    if (dhcpMessageLength(length + more) > room) continue;
    chosen.set(code, data);
    length += more;
  }
  return chosen;
}
