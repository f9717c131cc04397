/** What every request about a session says of the gateway and of the session, in authentication and in accounting. */
import {
  addressValue,
  type Attribute,
  integerValue,
  ipv6AddressValue,
  MAX_ATTRIBUTE_VALUE_LENGTH,
  MicrosoftAttribute,
  RadiusAttribute,
  RadiusVendor,
  textValue,
  vendorAttribute,
} from '../../wire/radius.ts';
import type { AuthSession } from '../authority.ts';
import type { RadiusOptions } from '../../config/radius-options.ts';

const SERVICE_TYPE_FRAMED = 2;
const FRAMED_PROTOCOL_PPP = 1;
const NAS_PORT_TYPE_VIRTUAL = 5;
/** MS-RNAP 2.2.2.1: Microsoft's number and its tunnel type 1. 11 is not SSTP. */
const TUNNEL_TYPE_SSTP = 0x013701;
/** RFC 2868 3.2. */
const TUNNEL_MEDIUM_IPV4 = 1;
const TUNNEL_MEDIUM_IPV6 = 2;
/** MS-RNAP 2.2.1.17: a server for remote access. */
const NAS_TYPE_REMOTE_ACCESS = 2;
const VENDOR_OVERHEAD = 6;

/** NAS-Identifier and the addresses that are configured. */
export function nasAttributes({ nasIdentifier, nasIpAddress, nasIpv6Address }: RadiusOptions): Attribute[] {
  return [
    text(RadiusAttribute.NasIdentifier, nasIdentifier),
    ...(nasIpAddress === undefined ? [] : [{ type: RadiusAttribute.NasIpAddress, value: addressValue(nasIpAddress) }]),
    ...(nasIpv6Address === undefined
      ? []
      : [{ type: RadiusAttribute.NasIpv6Address, value: ipv6AddressValue(nasIpv6Address) }]),
  ];
}

/** Which session it is, where it comes from and how: the same in Access-Request and Accounting-Request. */
export function sessionAttributes(session: AuthSession, options: RadiusOptions): Attribute[] {
  const { remoteAddress, localAddress, serverName } = session;
  const calledStation = options.calledStationId === 'address' ? localAddress : (serverName ?? localAddress);
  return [
    ...nasAttributes(options),
    integer(RadiusAttribute.NasPort, session.port),
    integer(RadiusAttribute.NasPortType, NAS_PORT_TYPE_VIRTUAL),
    ...someText(RadiusAttribute.NasPortId, session.device),
    integer(RadiusAttribute.ServiceType, SERVICE_TYPE_FRAMED),
    integer(RadiusAttribute.FramedProtocol, FRAMED_PROTOCOL_PPP),
    text(RadiusAttribute.AcctSessionId, session.id),
    text(RadiusAttribute.CallingStationId, remoteAddress),
    text(RadiusAttribute.CalledStationId, calledStation),
    text(RadiusAttribute.ConnectInfo, `SSTP ${session.tls.version} ${session.tls.cipher}`),
    integer(RadiusAttribute.TunnelType, TUNNEL_TYPE_SSTP),
    integer(RadiusAttribute.TunnelMediumType, remoteAddress.includes(':') ? TUNNEL_MEDIUM_IPV6 : TUNNEL_MEDIUM_IPV4),
    text(RadiusAttribute.TunnelClientEndpoint, remoteAddress),
    text(RadiusAttribute.TunnelServerEndpoint, localAddress),
  ];
}

/** What Microsoft's servers look at: the client's version and name as LCP told them, the kind of server, the call's id. */
export function microsoftAttributes({ identification, correlationId }: AuthSession): Attribute[] {
  const version = identification.find(text => text.startsWith('MSRASV'));
  const name = identification.find(text => text.startsWith('MSRAS-'));
  return [
    microsoft(MicrosoftAttribute.MsNetworkAccessServerType, integerValue(NAS_TYPE_REMOTE_ACCESS)),
    ...microsoftText(MicrosoftAttribute.MsRasClientVersion, version),
    ...microsoftText(MicrosoftAttribute.MsRasClientName, name),
    ...microsoftText(MicrosoftAttribute.MsRasCorrelation, correlationId),
  ];
}

export function microsoft(type: number, value: Uint8Array): Attribute {
  return vendorAttribute(RadiusVendor.Microsoft, type, value);
}

export function integer(type: number, value: number): Attribute {
  return { type, value: integerValue(value) };
}

export function text(type: number, value: string): Attribute {
  return { type, value: textValue(value) };
}

/** RFC 2865 5: text of no length is left out. */
function someText(type: number, value: string): Attribute[] {
  return value === '' ? [] : [text(type, value)];
}

function microsoftText(type: number, value: string | undefined): Attribute[] {
  if (value === undefined || value === '') return [];
  return [microsoft(type, textValue(value, MAX_ATTRIBUTE_VALUE_LENGTH - VENDOR_OVERHEAD))];
}
