/** The attributes of an Accounting-Request (RFC 2866 5, RFC 2869 5, RFC 3162). */
import { viewOf } from '../../wire/bytes.ts';
import { formatIpv4 } from '../../wire/ip.ts';
import { formatIpv6Prefix } from '../../wire/ipv6.ts';
import {
  addressValue,
  encodeRadiusPacket,
  interfaceIdValue,
  ipv6PrefixValue,
  parseRadiusPacket,
  RADIUS_HEADER_LENGTH,
  RadiusAttribute,
  RadiusCode,
  type Attribute,
} from '../../wire/radius.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { AccountedChanges, AccountedSession } from '../accounting.ts';
import type { SessionRoute } from '../session-attributes.ts';
import { AcctStatus } from './acct-status.ts';
import type { AccountingRequest } from './journal-entry.ts';
import type { RadiusOptions } from '../../config/radius-options.ts';
import { integer, nasAttributes, sessionAttributes, text } from './request-attributes.ts';

/** RFC 2866 5.6. */
const ACCT_AUTHENTIC = { radius: 1, local: 2 } as const;
/** Leaves room in a packet of 4096 bytes for what differs from request to request. */
const MAX_IDENTITY_LENGTH = 3800;

/** What every request about the session repeats, encoded as in a packet. */
export function sessionIdentity(session: AccountedSession, options: RadiusOptions): Uint8Array {
  const { user, authentic, ipv4, interfaceId, ipv6Prefix, delegatedPrefix, routes, classes } = session;
  const attributes = [
    ...sessionAttributes(session.session, options),
    text(RadiusAttribute.UserName, user),
    integer(RadiusAttribute.AcctAuthentic, ACCT_AUTHENTIC[authentic]),
  ];
  if (ipv4 !== undefined) attributes.push(attribute(RadiusAttribute.FramedIpAddress, addressValue(ipv4)));
  if (ipv6Prefix !== undefined)
    attributes.push(attribute(RadiusAttribute.FramedIpv6Prefix, ipv6PrefixValue(ipv6Prefix)));
  if (delegatedPrefix !== undefined) {
    attributes.push(attribute(RadiusAttribute.DelegatedIpv6Prefix, ipv6PrefixValue(delegatedPrefix)));
  }
  return encodeAttributes([...attributes, ...changeableAttributes({ interfaceId, classes, routes })]);
}

/** The identity with other values in place of those that are given. */
export function changedIdentity(identity: Uint8Array, changes: AccountedChanges): Uint8Array {
  const replaced = CHANGEABLE.flatMap(([name, ...types]): number[] => (changes[name] === undefined ? [] : types));
  const others = decodeAttributes(identity).filter(({ type }) => !replaced.includes(type));
  return encodeAttributes([...others, ...changeableAttributes(changes)]);
}

const CHANGEABLE = [
  ['interfaceId', RadiusAttribute.FramedInterfaceId],
  ['classes', RadiusAttribute.Class],
  ['routes', RadiusAttribute.FramedRoute, RadiusAttribute.FramedIpv6Route],
] as const satisfies readonly (readonly [keyof AccountedChanges, ...number[]])[];

function changeableAttributes({ interfaceId, classes = [], routes = [] }: AccountedChanges): Attribute[] {
  return [
    ...(interfaceId === undefined ? [] : [attribute(RadiusAttribute.FramedInterfaceId, interfaceIdValue(interfaceId))]),
    ...classes.map(value => attribute(RadiusAttribute.Class, value)),
    ...routes.map(routeAttribute),
  ];
}

/** What Accounting-On and -Off say of the gateway. `startedAt` tells one start from another. */
export function gatewayIdentity(options: RadiusOptions, startedAt: number): Uint8Array {
  return encodeAttributes([
    ...nasAttributes(options),
    text(RadiusAttribute.AcctSessionId, `gateway-${startedAt.toString(16)}`),
  ]);
}

/** Everything but what the packet's seal needs. `now`: milliseconds since 1970. */
export function requestAttributes(request: AccountingRequest, now: number): Attribute[] {
  const { status, at, upAt, cause, traffic } = request;
  const attributes = [
    integer(RadiusAttribute.AcctStatusType, status),
    ...decodeAttributes(request.attributes),
    integer(RadiusAttribute.EventTimestamp, seconds(at)),
    integer(RadiusAttribute.AcctDelayTime, seconds(now - at)),
  ];
  if (status === AcctStatus.Interim || status === AcctStatus.Stop) {
    attributes.push(
      integer(RadiusAttribute.AcctSessionTime, seconds(at - upAt)),
      ...total(RadiusAttribute.AcctInputOctets, RadiusAttribute.AcctInputGigawords, traffic.rxBytes),
      ...total(RadiusAttribute.AcctOutputOctets, RadiusAttribute.AcctOutputGigawords, traffic.txBytes),
      integer(RadiusAttribute.AcctInputPackets, traffic.rxPackets % 2 ** 32),
      integer(RadiusAttribute.AcctOutputPackets, traffic.txPackets % 2 ** 32),
    );
  }
  if (status === AcctStatus.Stop) attributes.push(integer(RadiusAttribute.AcctTerminateCause, cause));
  return attributes;
}

/** Gigawords are how often the 32 bits were full (RFC 2869 5.1). */
function total(octets: number, gigawords: number, bytes: number): Attribute[] {
  return [integer(octets, bytes % 2 ** 32), integer(gigawords, Math.floor(bytes / 2 ** 32))];
}

/** RFC 2865 5.22: the gateway of a route is the session's own address. */
function routeAttribute(route: SessionRoute): Attribute {
  const metric = route.metric ?? 1;
  if (route.family === 6) {
    return text(RadiusAttribute.FramedIpv6Route, `${formatIpv6Prefix(route.prefix)} :: ${metric}`);
  }
  return text(RadiusAttribute.FramedRoute, `${formatIpv4(route.address)}/${route.length} 0.0.0.0 ${metric}`);
}

/** A wall clock that was put back gives zero. */
function seconds(milliseconds: number): number {
  return Math.max(0, Math.floor(milliseconds / 1000));
}

function attribute(type: number, value: Uint8Array): Attribute {
  return { type, value };
}

// --- as bytes: attributes are kept in the journal, where they are as short as in a packet

const NO_AUTHENTICATOR = new Uint8Array(16);

/** The attributes that fit, in their order. */
function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  let length = 0;
  const fitting = attributes.filter(({ value }) => (length += 2 + value.length) <= MAX_IDENTITY_LENGTH);
  const packet = { code: RadiusCode.AccountingRequest, identifier: 0, authenticator: NO_AUTHENTICATOR };
  return encodeRadiusPacket({ ...packet, attributes: fitting }).slice(RADIUS_HEADER_LENGTH);
}

function decodeAttributes(bytes: Uint8Array): readonly Attribute[] {
  const packet = new Uint8Array(RADIUS_HEADER_LENGTH + bytes.length);
  viewOf(packet).setUint16(2, packet.length);
  packet.set(bytes, RADIUS_HEADER_LENGTH);
  const parsed = parseRadiusPacket(packet);
  return isWireError(parsed) ? [] : parsed.attributes;
}
