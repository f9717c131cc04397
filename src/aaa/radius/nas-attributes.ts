/** What every request to a RADIUS server says of the gateway and of the connection that it is about. */
import { isIPv6 } from 'node:net';
import {
  addressValue,
  integerValue,
  ipv6AddressValue,
  RadiusAttribute,
  textValue,
  type Attribute,
} from '../../wire/radius.ts';
import type { AuthSession } from '../authority.ts';

/** By which names RADIUS servers know this gateway. At least one is there (RFC 2865 4.1). */
export interface NasIdentity {
  readonly identifier: string | undefined;
  readonly ipv4: number | undefined;
  readonly ipv6: bigint | undefined;
}

/** RFC 2865 5.41. */
const NAS_PORT_TYPE_VIRTUAL = 5;
/** RFC 2865 5.6 and 5.7. */
const SERVICE_TYPE_FRAMED = 2;
const FRAMED_PROTOCOL_PPP = 1;
/** MS-RNAP 2.2.2.1: IANA has no number for SSTP, this is Microsoft's. */
const TUNNEL_TYPE_SSTP = 0x013701;
/** RFC 2868 3.2. */
const TUNNEL_MEDIUM = { ipv4: 1, ipv6: 2 } as const;

export function nasAttributes({ identifier, ipv4, ipv6 }: NasIdentity): Attribute[] {
  const attributes: Attribute[] = [];
  if (ipv4 !== undefined) attributes.push({ type: RadiusAttribute.NasIpAddress, value: addressValue(ipv4) });
  if (ipv6 !== undefined) attributes.push({ type: RadiusAttribute.NasIpv6Address, value: ipv6AddressValue(ipv6) });
  if (identifier !== undefined) attributes.push(text(RadiusAttribute.NasIdentifier, identifier));
  return attributes;
}

export function connectionAttributes(session: AuthSession): Attribute[] {
  const { id, port, device, remoteAddress, localAddress, tls } = session;
  const medium = isIPv6(remoteAddress) ? TUNNEL_MEDIUM.ipv6 : TUNNEL_MEDIUM.ipv4;
  return [
    text(RadiusAttribute.AcctSessionId, id),
    integer(RadiusAttribute.NasPort, port),
    integer(RadiusAttribute.NasPortType, NAS_PORT_TYPE_VIRTUAL),
    text(RadiusAttribute.NasPortId, device),
    integer(RadiusAttribute.ServiceType, SERVICE_TYPE_FRAMED),
    integer(RadiusAttribute.FramedProtocol, FRAMED_PROTOCOL_PPP),
    text(RadiusAttribute.CallingStationId, remoteAddress),
    text(RadiusAttribute.CalledStationId, calledStation(session)),
    integer(RadiusAttribute.TunnelType, TUNNEL_TYPE_SSTP),
    integer(RadiusAttribute.TunnelMediumType, medium),
    text(RadiusAttribute.TunnelClientEndpoint, remoteAddress),
    text(RadiusAttribute.TunnelServerEndpoint, localAddress),
    text(RadiusAttribute.ConnectInfo, `SSTP ${tls.version} ${tls.cipher}`),
  ];
}

/** Called-Station-Id: what the client called the gateway. */
export function calledStation({ serverName, localAddress }: AuthSession): string {
  return serverName ?? localAddress;
}

function integer(type: number, value: number): Attribute {
  return { type, value: integerValue(value) };
}

function text(type: number, value: string): Attribute {
  return { type, value: textValue(value) };
}
