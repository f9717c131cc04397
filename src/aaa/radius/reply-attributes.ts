/**
 * What the attributes of an Access-Accept or a CoA-Request mean for a session (RFC 2865 5, 2548 2.7, 2869 5.16, 3162 2,
 * 4818 3, 6911 3, and rates by the attributes of several vendors).
 */
import { formatIpv4 } from '../../wire/ip.ts';
import {
  type Attribute,
  MicrosoftAttribute,
  RadiusAttribute,
  RadiusVendor,
  readInteger,
  readInterfaceId,
  readIpv6Address,
  readIpv6PrefixValue,
  vendorAttributes,
} from '../../wire/radius.ts';
import { decodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import { joinRates, parseCiscoRate, parseFilterIdRate, parseMikrotikRate, wisprRate } from '../rate-limit.ts';
import type {
  Ipv4Assignment,
  PrefixAssignment,
  RateLimit,
  SessionAttributes,
  SessionRoute,
} from '../session-attributes.ts';
import { netmaskRoute, parseFramedIpv6Route, parseFramedRoute } from './framed-route.ts';

export interface ReadAttributes {
  readonly attributes: SessionAttributes;
  /** Attributes whose value means nothing; they were passed over. One text each, for the log. */
  readonly problems: readonly string[];
}

/** RFC 2865 5.8. */
const CLIENT_CHOOSES = 0xffffffff;
const NAS_CHOOSES = 0xfffffffe;
/** RFC 791: what every link has to carry. */
const SMALLEST_MTU = 576;
/** RFC 2869 5.16. */
const SHORTEST_INTERIM_S = 60;
const INTERFACE_ID_BITS = 64n;

const WISPR_BANDWIDTH_MAX_UP = 7;
const WISPR_BANDWIDTH_MAX_DOWN = 8;
const MIKROTIK_RATE_LIMIT = 8;
const CISCO_AVPAIR = 1;

/** `filterIdRateMultiplier`: kilobits per second in a unit of a rate in Filter-Id. */
export function readReplyAttributes(attributes: readonly Attribute[], filterIdRateMultiplier: number): ReadAttributes {
  const reader = new Reader(attributes);
  const ipv4 = readIpv4(reader);
  const ownAddress = ipv4?.kind === 'fixed' ? ipv4.address : undefined;
  const ipv6 = readIpv6(reader);
  const filterId = reader.text(RadiusAttribute.FilterId, 'Filter-Id');
  const seconds = (type: number, name: string): number | undefined => {
    const value = reader.integer(type, name);
    return value === undefined || value === 0 ? undefined : value * 1000;
  };
  const interimMs = seconds(RadiusAttribute.AcctInterimInterval, 'Acct-Interim-Interval');
  const mtu = reader.integer(RadiusAttribute.FramedMtu, 'Framed-MTU');
  if (mtu !== undefined && mtu < SMALLEST_MTU) reader.complain('Framed-MTU', `${mtu} is below ${SMALLEST_MTU}`);
  const found: SessionAttributes = {
    ipv4,
    routes: nonEmpty(readRoutes(reader, ownAddress, ipv6.ownAddress)),
    ipv6Prefix: ipv6.prefix,
    delegatedPrefix: prefixAssignment(
      reader,
      [RadiusAttribute.DelegatedIpv6Prefix, 'Delegated-IPv6-Prefix'],
      [RadiusAttribute.DelegatedIpv6PrefixPool, 'Delegated-IPv6-Prefix-Pool'],
    ),
    interfaceId: ipv6.interfaceId,
    dns: nonEmpty([
      ...reader.addresses(MicrosoftAttribute.MsPrimaryDnsServer, 'MS-Primary-DNS-Server'),
      ...reader.addresses(MicrosoftAttribute.MsSecondaryDnsServer, 'MS-Secondary-DNS-Server'),
    ]),
    nbns: nonEmpty([
      ...reader.addresses(MicrosoftAttribute.MsPrimaryNbnsServer, 'MS-Primary-NBNS-Server'),
      ...reader.addresses(MicrosoftAttribute.MsSecondaryNbnsServer, 'MS-Secondary-NBNS-Server'),
    ]),
    dns6: nonEmpty(reader.all(RadiusAttribute.DnsServerIpv6Address, 'DNS-Server-IPv6-Address', readIpv6Address)),
    mtu: mtu === undefined || mtu < SMALLEST_MTU ? undefined : mtu,
    sessionTimeoutMs: seconds(RadiusAttribute.SessionTimeout, 'Session-Timeout'),
    idleTimeoutMs: seconds(RadiusAttribute.IdleTimeout, 'Idle-Timeout'),
    interimIntervalMs: interimMs === undefined ? undefined : Math.max(interimMs, SHORTEST_INTERIM_S * 1000),
    maxSessions: reader.integer(RadiusAttribute.PortLimit, 'Port-Limit') || undefined,
    rate: readRate(reader, filterId, filterIdRateMultiplier),
    filterId,
    classes: nonEmpty(reader.values(RadiusAttribute.Class)),
  };
  return { attributes: said(found), problems: reader.problems };
}

// -- Addresses and routes ---------------------------------------------------------------------------------------------

function readIpv4(reader: Reader): Ipv4Assignment | undefined {
  const address = reader.integer(RadiusAttribute.FramedIpAddress, 'Framed-IP-Address');
  const pool = reader.text(RadiusAttribute.FramedPool, 'Framed-Pool');
  if (address === CLIENT_CHOOSES) return { kind: 'peer' };
  if (address !== undefined && address !== NAS_CHOOSES) return { kind: 'fixed', address };
  if (address === undefined && pool === undefined) return undefined;
  return { kind: 'pool', name: pool };
}

interface Ipv6Said {
  readonly prefix: PrefixAssignment | undefined;
  readonly interfaceId: bigint | undefined;
  readonly ownAddress: bigint | undefined;
}

/**
 * Framed-IPv6-Address means the /64 around it with its lower half as interface identifier: of the two the client makes
 * just this address (RFC 4862 5.5.3), for nothing here hands out addresses by DHCPv6.
 */
function readIpv6(reader: Reader): Ipv6Said {
  const [ownAddress] = reader.all(RadiusAttribute.FramedIpv6Address, 'Framed-IPv6-Address', readIpv6Address);
  const prefix = prefixAssignment(
    reader,
    [RadiusAttribute.FramedIpv6Prefix, 'Framed-IPv6-Prefix'],
    [RadiusAttribute.FramedIpv6Pool, 'Framed-IPv6-Pool'],
  );
  const [interfaceId] = reader.all(RadiusAttribute.FramedInterfaceId, 'Framed-Interface-Id', value => {
    return readInterfaceId(value) || undefined;
  });
  if (ownAddress === undefined) return { prefix, interfaceId, ownAddress };
  const address = (ownAddress >> INTERFACE_ID_BITS) << INTERFACE_ID_BITS;
  return {
    prefix: prefix ?? { kind: 'fixed', prefix: { address, length: 64 } },
    interfaceId: interfaceId ?? (BigInt.asUintN(64, ownAddress) || undefined),
    ownAddress,
  };
}

function prefixAssignment(
  reader: Reader,
  [type, name]: readonly [number, string],
  [poolType, poolName]: readonly [number, string],
): PrefixAssignment | undefined {
  const [prefix] = reader.all(type, name, value => {
    const read = readIpv6PrefixValue(value);
    return read === undefined || read.length === 0 ? undefined : read;
  });
  const pool = reader.text(poolType, poolName);
  if (prefix !== undefined) return { kind: 'fixed', prefix };
  return pool === undefined ? undefined : { kind: 'pool', name: pool };
}

function readRoutes(reader: Reader, own4: number | undefined, own6: bigint | undefined): SessionRoute[] {
  const netmask = reader.integer(RadiusAttribute.FramedIpNetmask, 'Framed-IP-Netmask');
  const around = own4 === undefined || netmask === undefined ? undefined : netmaskRoute(own4, netmask);
  if (netmask !== undefined && netmask !== 0xffffffff && around === undefined) {
    reader.complain('Framed-IP-Netmask', `${formatIpv4(netmask)} makes no network with the client's address`);
  }
  return [
    ...(around === undefined ? [] : [around]),
    ...reader.all(RadiusAttribute.FramedRoute, 'Framed-Route', value => parseFramedRoute(decodeText(value), own4)),
    ...reader.all(RadiusAttribute.FramedIpv6Route, 'Framed-IPv6-Route', value =>
      parseFramedIpv6Route(decodeText(value), own6),
    ),
  ];
}

// -- Rates: the most particular attribute counts ----------------------------------------------------------------------

function readRate(reader: Reader, filterId: string | undefined, multiplier: number): RateLimit | undefined {
  const [mikrotik] = reader.vendorAll(RadiusVendor.Mikrotik, MIKROTIK_RATE_LIMIT, 'Mikrotik-Rate-Limit', value =>
    parseMikrotikRate(decodeText(value)),
  );
  const wispr = (type: number, name: string): number | undefined =>
    reader.vendorAll(RadiusVendor.Wispr, type, name, readInteger)[0];
  // Pairs about anything else are none of our business, and no problem.
  const cisco = reader
    .vendorValues(RadiusVendor.Cisco, CISCO_AVPAIR)
    .map(value => parseCiscoRate(decodeText(value)))
    .filter(rate => rate !== undefined);
  return (
    mikrotik ??
    wisprRate(
      wispr(WISPR_BANDWIDTH_MAX_UP, 'WISPr-Bandwidth-Max-Up'),
      wispr(WISPR_BANDWIDTH_MAX_DOWN, 'WISPr-Bandwidth-Max-Down'),
    ) ??
    joinRates(cisco) ??
    (filterId === undefined ? undefined : parseFilterIdRate(filterId, multiplier))
  );
}

// -- Reading ----------------------------------------------------------------------------------------------------------

class Reader {
  readonly problems: string[] = [];
  readonly #attributes: readonly Attribute[];
  readonly #vendors;

  constructor(attributes: readonly Attribute[]) {
    this.#attributes = attributes;
    this.#vendors = attributes.flatMap(attribute => {
      if (attribute.type !== RadiusAttribute.VendorSpecific) return [];
      // Some vendors have their own layout.
      const inner = vendorAttributes(attribute);
      return isWireError(inner) ? [] : inner;
    });
  }

  complain(name: string, problem: string): void {
    this.problems.push(`${name}: ${problem}`);
  }

  values(type: number): Uint8Array[] {
    return this.#attributes.filter(attribute => attribute.type === type).map(({ value }) => value);
  }

  vendorValues(vendor: number, type: number): Uint8Array[] {
    return this.#vendors.filter(found => found.vendor === vendor && found.type === type).map(({ value }) => value);
  }

  all<T>(type: number, name: string, read: (value: Uint8Array) => T | undefined): T[] {
    return this.#read(this.values(type), name, read);
  }

  vendorAll<T>(vendor: number, type: number, name: string, read: (value: Uint8Array) => T | undefined): T[] {
    return this.#read(this.vendorValues(vendor, type), name, read);
  }

  integer(type: number, name: string): number | undefined {
    return this.all(type, name, readInteger)[0];
  }

  text(type: number, name: string): string | undefined {
    return this.all(type, name, value => decodeText(value) || undefined)[0];
  }

  /** Microsoft's addresses of servers. 0.0.0.0 is none. */
  addresses(type: number, name: string): number[] {
    return this.vendorAll(RadiusVendor.Microsoft, type, name, readInteger).filter(address => address !== 0);
  }

  #read<T>(values: readonly Uint8Array[], name: string, read: (value: Uint8Array) => T | undefined): T[] {
    const results: T[] = [];
    for (const value of values) {
      const result = read(value);
      if (result === undefined) this.complain(name, `0x${Buffer.from(value).toString('hex')} means nothing here`);
      else results.push(result);
    }
    return results;
  }
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Without what was not said, so that one may lie over another. */
function said(attributes: SessionAttributes): SessionAttributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
