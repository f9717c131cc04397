// ICMPv6: echo (RFC 4443 4), and those messages of Neighbor Discovery (RFC 4861) that a link without link-layer addresses
// has use for. Each message is read from, and becomes, a whole IPv6 packet, since its checksum and hop limit are part of it.
import { viewOf } from './bytes.ts';
import { internetChecksum, IpProtocol } from './ip.ts';
import { encodeIpv6Packet, type Ipv6Packet, ipv6PseudoHeaderSum } from './ip-packet.ts';
import { IPV6_ADDRESS_LENGTH, type Ipv6Prefix, readIpv6, writeIpv6 } from './ipv6.ts';
import { isWireError, WireError } from './wire-error.ts';

const Icmpv6Type = {
  EchoRequest: 128,
  EchoReply: 129,
  RouterSolicitation: 133,
  RouterAdvertisement: 134,
  NeighborSolicitation: 135,
  NeighborAdvertisement: 136,
} as const;

/** Options of Neighbor Discovery: Type(1), Length(1) in units of 8 bytes, Value. */
const NdOption = { PrefixInformation: 3, Mtu: 5, RecursiveDnsServer: 25 } as const;

const ECHO_HEADER_LENGTH = 8;
const SOLICITATION_HEADER_LENGTH = 8;
const ADVERTISEMENT_HEADER_LENGTH = 16;
const NEIGHBOR_HEADER_LENGTH = 24;
const PREFIX_INFORMATION_LENGTH = 32;
const MTU_OPTION_LENGTH = 8;
const DNS_HEADER_LENGTH = 8;
const OPTION_UNIT = 8;

const MANAGED = 0x80;
const OTHER = 0x40;
const ON_LINK = 0x80;
const AUTONOMOUS = 0x40;
const ROUTER = 0x80;
const SOLICITED = 0x40;
const OVERRIDE = 0x20;

/** RFC 4861 6.1 and 7.1: proves that no router has passed the packet on. */
const HOP_LIMIT = 255;

/** Lifetimes are seconds, 0xffffffff for ever. */
interface PrefixInformation {
  readonly prefix: Ipv6Prefix;
  readonly isOnLink: boolean;
  /** Hosts may make addresses of it. */
  readonly isAutonomous: boolean;
  readonly validLifetime: number;
  readonly preferredLifetime: number;
}

export interface RouterAdvertisement {
  readonly kind: 'router-advertisement';
  /** For hosts' own packets; 0 says nothing. */
  readonly hopLimit: number;
  /** Addresses come by DHCPv6. */
  readonly isManaged: boolean;
  /** Other things do. */
  readonly hasOther: boolean;
  /** Seconds; 0 for a router that is no default router. */
  readonly routerLifetime: number;
  readonly prefixes: readonly PrefixInformation[];
  readonly mtu: number | undefined;
  /** RFC 8106 5.1. */
  readonly dns: readonly { readonly lifetime: number; readonly servers: readonly bigint[] }[];
}

interface NeighborAdvertisement {
  readonly kind: 'neighbor-advertisement';
  readonly isRouter: boolean;
  readonly isSolicited: boolean;
  readonly isOverride: boolean;
  readonly target: bigint;
}

export type Icmpv6Message =
  | {
      readonly kind: 'echo-request' | 'echo-reply';
      readonly identifier: number;
      readonly sequence: number;
      readonly data: Uint8Array;
    }
  | { readonly kind: 'router-solicitation' }
  | RouterAdvertisement
  | { readonly kind: 'neighbor-solicitation'; readonly target: bigint }
  | NeighborAdvertisement;

/** `Value` for other types, a wrong checksum, a code that is not 0, and Neighbor Discovery that a router has passed on. */
export function parseIcmpv6({ source, destination, hopLimit, payload }: Ipv6Packet): Icmpv6Message | WireError {
  if (payload.length < ECHO_HEADER_LENGTH) return WireError.Truncated;
  const view = viewOf(payload);
  const pseudoHeader = ipv6PseudoHeaderSum(source, destination, IpProtocol.Icmpv6, payload.length);
  if (internetChecksum(view, 0, payload.length, pseudoHeader) !== 0 || view.getUint8(1) !== 0) return WireError.Value;
  const type = view.getUint8(0);
  if (type === Icmpv6Type.EchoRequest || type === Icmpv6Type.EchoReply) {
    return {
      kind: type === Icmpv6Type.EchoRequest ? 'echo-request' : 'echo-reply',
      identifier: view.getUint16(4),
      sequence: view.getUint16(6),
      data: payload.slice(ECHO_HEADER_LENGTH),
    };
  }
  return hopLimit === HOP_LIMIT ? parseNeighborDiscovery(type, payload) : WireError.Value;
}

function parseNeighborDiscovery(type: number, payload: Uint8Array): Icmpv6Message | WireError {
  switch (type) {
    case Icmpv6Type.RouterSolicitation: {
      const options = parseNdOptions(payload, SOLICITATION_HEADER_LENGTH);
      return isWireError(options) ? options : { kind: 'router-solicitation' };
    }
    case Icmpv6Type.RouterAdvertisement:
      return parseRouterAdvertisement(payload);
    case Icmpv6Type.NeighborSolicitation:
    case Icmpv6Type.NeighborAdvertisement: {
      const options = parseNdOptions(payload, NEIGHBOR_HEADER_LENGTH);
      if (isWireError(options)) return options;
      const target = readIpv6(payload, 8);
      if (type === Icmpv6Type.NeighborSolicitation) return { kind: 'neighbor-solicitation', target };
      const flags = payload[4] ?? 0;
      return {
        kind: 'neighbor-advertisement',
        isRouter: (flags & ROUTER) !== 0,
        isSolicited: (flags & SOLICITED) !== 0,
        isOverride: (flags & OVERRIDE) !== 0,
        target,
      };
    }
    default:
      return WireError.Value;
  }
}

function parseRouterAdvertisement(payload: Uint8Array): RouterAdvertisement | WireError {
  const options = parseNdOptions(payload, ADVERTISEMENT_HEADER_LENGTH);
  if (isWireError(options)) return options;
  const view = viewOf(payload);
  const flags = view.getUint8(5);
  const prefixes: PrefixInformation[] = [];
  const dns: { lifetime: number; servers: bigint[] }[] = [];
  let mtu: number | undefined;
  for (const option of options) {
    const fields = viewOf(option);
    if (option[0] === NdOption.PrefixInformation) {
      const information = parsePrefixInformation(option);
      if (isWireError(information)) return information;
      prefixes.push(information);
    } else if (option[0] === NdOption.Mtu) {
      if (option.length !== MTU_OPTION_LENGTH) return WireError.Length;
      mtu = fields.getUint32(4);
    } else if (option[0] === NdOption.RecursiveDnsServer) {
      if (option.length < DNS_HEADER_LENGTH + IPV6_ADDRESS_LENGTH) return WireError.Length;
      const servers: bigint[] = [];
      for (let at = DNS_HEADER_LENGTH; at + IPV6_ADDRESS_LENGTH <= option.length; at += IPV6_ADDRESS_LENGTH) {
        servers.push(readIpv6(option, at));
      }
      dns.push({ lifetime: fields.getUint32(4), servers });
    }
  }
  return {
    kind: 'router-advertisement',
    hopLimit: view.getUint8(4),
    isManaged: (flags & MANAGED) !== 0,
    hasOther: (flags & OTHER) !== 0,
    routerLifetime: view.getUint16(6),
    prefixes,
    mtu,
    dns,
  };
}

/** Bits behind the prefix length mean nothing (RFC 4861 4.6.2). */
function parsePrefixInformation(option: Uint8Array): PrefixInformation | WireError {
  if (option.length !== PREFIX_INFORMATION_LENGTH) return WireError.Length;
  const view = viewOf(option);
  const length = view.getUint8(2);
  if (length > 128) return WireError.Value;
  const host = BigInt(128 - length);
  return {
    prefix: { address: (readIpv6(option, 16) >> host) << host, length },
    isOnLink: (view.getUint8(3) & ON_LINK) !== 0,
    isAutonomous: (view.getUint8(3) & AUTONOMOUS) !== 0,
    validLifetime: view.getUint32(4),
    preferredLifetime: view.getUint32(8),
  };
}

/** The options behind a header of `at` bytes, each with its own. A length of zero makes the packet invalid (RFC 4861 4.6). */
function parseNdOptions(payload: Uint8Array, at: number): Uint8Array[] | WireError {
  if (payload.length < at) return WireError.Truncated;
  const options: Uint8Array[] = [];
  for (let next = at; next < payload.length;) {
    if (payload.length - next < 2) return WireError.Truncated;
    const length = (payload[next + 1] ?? 0) * OPTION_UNIT;
    if (length === 0) return WireError.Length;
    if (length > payload.length - next) return WireError.Truncated;
    options.push(payload.subarray(next, next + length));
    next += length;
  }
  return options;
}

/** A whole IPv6 packet, its hop limit 255. */
export function encodeIcmpv6(source: bigint, destination: bigint, message: Icmpv6Message): Uint8Array {
  const payload = encodeMessage(message);
  const pseudoHeader = ipv6PseudoHeaderSum(source, destination, IpProtocol.Icmpv6, payload.length);
  viewOf(payload).setUint16(2, internetChecksum(viewOf(payload), 0, payload.length, pseudoHeader));
  return encodeIpv6Packet({ nextHeader: IpProtocol.Icmpv6, hopLimit: HOP_LIMIT, source, destination, payload });
}

/** With a checksum of zero. */
function encodeMessage(message: Icmpv6Message): Uint8Array {
  switch (message.kind) {
    case 'echo-request':
    case 'echo-reply': {
      const type = message.kind === 'echo-request' ? Icmpv6Type.EchoRequest : Icmpv6Type.EchoReply;
      const bytes = newMessage(type, ECHO_HEADER_LENGTH + message.data.length);
      viewOf(bytes).setUint16(4, message.identifier);
      viewOf(bytes).setUint16(6, message.sequence);
      bytes.set(message.data, ECHO_HEADER_LENGTH);
      return bytes;
    }
    case 'router-solicitation':
      return newMessage(Icmpv6Type.RouterSolicitation, SOLICITATION_HEADER_LENGTH);
    case 'router-advertisement':
      return encodeRouterAdvertisement(message);
    case 'neighbor-solicitation': {
      const bytes = newMessage(Icmpv6Type.NeighborSolicitation, NEIGHBOR_HEADER_LENGTH);
      writeIpv6(message.target, bytes, 8);
      return bytes;
    }
    case 'neighbor-advertisement': {
      const bytes = newMessage(Icmpv6Type.NeighborAdvertisement, NEIGHBOR_HEADER_LENGTH);
      bytes[4] =
        (message.isRouter ? ROUTER : 0) | (message.isSolicited ? SOLICITED : 0) | (message.isOverride ? OVERRIDE : 0);
      writeIpv6(message.target, bytes, 8);
      return bytes;
    }
    default:
      return message satisfies never;
  }
}

function encodeRouterAdvertisement(message: RouterAdvertisement): Uint8Array {
  const header = newMessage(Icmpv6Type.RouterAdvertisement, ADVERTISEMENT_HEADER_LENGTH);
  const view = viewOf(header);
  view.setUint8(4, message.hopLimit);
  view.setUint8(5, (message.isManaged ? MANAGED : 0) | (message.hasOther ? OTHER : 0));
  view.setUint16(6, message.routerLifetime);
  return concat([
    header,
    ...message.prefixes.map(encodePrefixInformation),
    ...(message.mtu === undefined ? [] : [encodeMtu(message.mtu)]),
    ...message.dns.map(encodeDns),
  ]);
}

function encodePrefixInformation(information: PrefixInformation): Uint8Array {
  const bytes = newOption(NdOption.PrefixInformation, PREFIX_INFORMATION_LENGTH);
  const view = viewOf(bytes);
  view.setUint8(2, information.prefix.length);
  view.setUint8(3, (information.isOnLink ? ON_LINK : 0) | (information.isAutonomous ? AUTONOMOUS : 0));
  view.setUint32(4, information.validLifetime);
  view.setUint32(8, information.preferredLifetime);
  writeIpv6(information.prefix.address, bytes, 16);
  return bytes;
}

function encodeMtu(mtu: number): Uint8Array {
  const bytes = newOption(NdOption.Mtu, MTU_OPTION_LENGTH);
  viewOf(bytes).setUint32(4, mtu);
  return bytes;
}

function encodeDns({ lifetime, servers }: RouterAdvertisement['dns'][number]): Uint8Array {
  const bytes = newOption(NdOption.RecursiveDnsServer, DNS_HEADER_LENGTH + servers.length * IPV6_ADDRESS_LENGTH);
  viewOf(bytes).setUint32(4, lifetime);
  for (const [index, server] of servers.entries()) {
    writeIpv6(server, bytes, DNS_HEADER_LENGTH + index * IPV6_ADDRESS_LENGTH);
  }
  return bytes;
}

function newMessage(type: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = type;
  return bytes;
}

function newOption(type: number, length: number): Uint8Array {
  const bytes = newMessage(type, length);
  bytes[1] = length / OPTION_UNIT;
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
