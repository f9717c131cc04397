// RADIUS packets, RFC 2865 3 and 5:
//
//   Code(1) Identifier(1) Length(2) Authenticator(16) { Type(1) Length(1) Value }*
//
// What the authenticators are computed from is a matter of src/crypto/radius.ts.
import { copyBytes, putBytes, viewOf } from './bytes.ts';
import { IPV6_ADDRESS_LENGTH, type Ipv6Prefix, readIpv6, writeIpv6 } from './ipv6.ts';
import { encodeText } from './text.ts';
import { WireError } from './wire-error.ts';

export const RADIUS_HEADER_LENGTH = 20;
const MAX_RADIUS_PACKET_LENGTH = 4096;
export const RADIUS_AUTHENTICATOR_LENGTH = 16;
/** Bytes in the value of one attribute. */
export const MAX_ATTRIBUTE_VALUE_LENGTH = 253;

const ATTRIBUTE_HEADER_LENGTH = 2;
const VENDOR_ID_LENGTH = 4;

// -- Code points ------------------------------------------------------------------------------------------------------

/** RFC 2865 4, RFC 2866 4, RFC 5176 2.3. */
export const RadiusCode = {
  AccessRequest: 1,
  AccessAccept: 2,
  AccessReject: 3,
  AccountingRequest: 4,
  AccountingResponse: 5,
  AccessChallenge: 11,
  DisconnectRequest: 40,
  DisconnectAck: 41,
  DisconnectNak: 42,
  CoaRequest: 43,
  CoaAck: 44,
  CoaNak: 45,
} as const;
export type RadiusCode = (typeof RadiusCode)[keyof typeof RadiusCode];

/** RFC 2865 5, 2866 5, 2868 3, 2869 5, 3162 2, 3579 3, 4675, 4818, 5176 3, 6911 3. */
export const RadiusAttribute = {
  UserName: 1,
  UserPassword: 2,
  ChapPassword: 3,
  NasIpAddress: 4,
  NasPort: 5,
  ServiceType: 6,
  FramedProtocol: 7,
  FramedIpAddress: 8,
  FramedIpNetmask: 9,
  FilterId: 11,
  FramedMtu: 12,
  ReplyMessage: 18,
  FramedRoute: 22,
  State: 24,
  Class: 25,
  VendorSpecific: 26,
  SessionTimeout: 27,
  IdleTimeout: 28,
  TerminationAction: 29,
  CalledStationId: 30,
  CallingStationId: 31,
  NasIdentifier: 32,
  ProxyState: 33,
  AcctStatusType: 40,
  AcctDelayTime: 41,
  AcctInputOctets: 42,
  AcctOutputOctets: 43,
  AcctSessionId: 44,
  AcctAuthentic: 45,
  AcctSessionTime: 46,
  AcctInputPackets: 47,
  AcctOutputPackets: 48,
  AcctTerminateCause: 49,
  AcctMultiSessionId: 50,
  AcctLinkCount: 51,
  AcctInputGigawords: 52,
  AcctOutputGigawords: 53,
  EventTimestamp: 55,
  ChapChallenge: 60,
  NasPortType: 61,
  PortLimit: 62,
  TunnelType: 64,
  TunnelMediumType: 65,
  TunnelClientEndpoint: 66,
  TunnelServerEndpoint: 67,
  ConnectInfo: 77,
  EapMessage: 79,
  MessageAuthenticator: 80,
  AcctInterimInterval: 85,
  NasPortId: 87,
  FramedPool: 88,
  NasIpv6Address: 95,
  FramedInterfaceId: 96,
  FramedIpv6Prefix: 97,
  FramedIpv6Route: 99,
  FramedIpv6Pool: 100,
  ErrorCause: 101,
  DelegatedIpv6Prefix: 123,
  FramedIpv6Address: 168,
  DnsServerIpv6Address: 169,
  DelegatedIpv6PrefixPool: 171,
} as const;
export type RadiusAttribute = (typeof RadiusAttribute)[keyof typeof RadiusAttribute];

/** SMI Private Enterprise Codes. */
export const RadiusVendor = { Cisco: 9, Microsoft: 311, Wispr: 14122, Mikrotik: 14988 } as const;

/** RFC 2548 2, MS-RNAP 2.2.1. */
export const MicrosoftAttribute = {
  MsChapError: 2,
  MsRasVendor: 9,
  MsChapChallenge: 11,
  MsMppeSendKey: 16,
  MsMppeRecvKey: 17,
  MsChap2Response: 25,
  MsChap2Success: 26,
  MsPrimaryDnsServer: 28,
  MsSecondaryDnsServer: 29,
  MsPrimaryNbnsServer: 30,
  MsSecondaryNbnsServer: 31,
  MsRasClientName: 34,
  MsRasClientVersion: 35,
  MsNetworkAccessServerType: 47,
  MsRasCorrelation: 56,
} as const;

// -- Packets ----------------------------------------------------------------------------------------------------------

export interface Attribute {
  /** A {@link RadiusAttribute}, or another number. Vendor-Specific is kept whole: see {@link vendorAttributes}. */
  readonly type: number;
  /** At most {@link MAX_ATTRIBUTE_VALUE_LENGTH} bytes. */
  readonly value: Uint8Array;
}

export interface RadiusPacket {
  /** A {@link RadiusCode}, or another number. */
  readonly code: number;
  readonly identifier: number;
  /** {@link RADIUS_AUTHENTICATOR_LENGTH} bytes. */
  readonly authenticator: Uint8Array;
  readonly attributes: readonly Attribute[];
}

/** An attribute to be filled in when the packet is sealed. Belongs in front of all others (CVE-2024-3596). */
export const UNSEALED_MESSAGE_AUTHENTICATOR: Attribute = {
  type: RadiusAttribute.MessageAuthenticator,
  value: new Uint8Array(RADIUS_AUTHENTICATOR_LENGTH),
};

/** Reads a whole datagram. Bytes behind Length are padding (RFC 2865 3). Errors: `Truncated`, `Length`. */
export function parseRadiusPacket(bytes: Uint8Array): RadiusPacket | WireError {
  if (bytes.length < RADIUS_HEADER_LENGTH) return WireError.Truncated;
  const view = viewOf(bytes);
  const length = view.getUint16(2);
  if (length < RADIUS_HEADER_LENGTH || length > MAX_RADIUS_PACKET_LENGTH) return WireError.Length;
  if (bytes.length < length) return WireError.Truncated;
  const attributes: Attribute[] = [];
  for (let at = RADIUS_HEADER_LENGTH; at < length;) {
    const attribute = readAttribute(view, at, length);
    if (typeof attribute === 'number') return attribute;
    attributes.push(attribute);
    at += ATTRIBUTE_HEADER_LENGTH + attribute.value.length;
  }
  const authenticator = copyBytes(view, 4, RADIUS_HEADER_LENGTH);
  return { code: view.getUint8(0), identifier: view.getUint8(1), authenticator, attributes };
}

/** @throws RangeError for a packet or an attribute that is too long, and for an authenticator of another length. */
export function encodeRadiusPacket({ code, identifier, authenticator, attributes }: RadiusPacket): Uint8Array {
  const length = attributes.reduce(
    (sum, { value }) => sum + ATTRIBUTE_HEADER_LENGTH + value.length,
    RADIUS_HEADER_LENGTH,
  );
  if (length > MAX_RADIUS_PACKET_LENGTH) throw new RangeError(`a RADIUS packet of ${length} bytes has no encoding`);
  if (authenticator.length !== RADIUS_AUTHENTICATOR_LENGTH) {
    throw new RangeError(`an authenticator of ${authenticator.length} bytes has no encoding`);
  }
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  view.setUint8(0, code);
  view.setUint8(1, identifier);
  view.setUint16(2, length);
  let at = putBytes(view, 4, authenticator);
  for (const attribute of attributes) at = putAttribute(view, at, attribute);
  return bytes;
}

/** Where the first attribute of a type begins in a packet that {@link parseRadiusPacket} has accepted; -1 if nowhere. */
export function attributeOffset(packet: Uint8Array, type: number): number {
  const view = viewOf(packet);
  const end = view.getUint16(2);
  for (let at = RADIUS_HEADER_LENGTH; at < end; at += view.getUint8(at + 1)) {
    if (view.getUint8(at) === type) return at;
  }
  return -1;
}

// -- Vendor-Specific, RFC 2865 5.26 -----------------------------------------------------------------------------------

export interface VendorAttribute {
  /** A {@link RadiusVendor}, or another number. */
  readonly vendor: number;
  readonly type: number;
  readonly value: Uint8Array;
}

/**
 * The vendor's attributes inside one Vendor-Specific attribute: Vendor-Id(4), then type, length and value of each.
 * Errors: `Truncated`, `Length`, also for vendors that use another layout.
 */
export function vendorAttributes({ value }: Attribute): VendorAttribute[] | WireError {
  if (value.length < VENDOR_ID_LENGTH) return WireError.Truncated;
  const view = viewOf(value);
  const vendor = view.getUint32(0);
  const found: VendorAttribute[] = [];
  for (let at = VENDOR_ID_LENGTH; at < value.length;) {
    const attribute = readAttribute(view, at, value.length);
    if (typeof attribute === 'number') return attribute;
    found.push({ vendor, ...attribute });
    at += ATTRIBUTE_HEADER_LENGTH + attribute.value.length;
  }
  return found;
}

/** @throws RangeError when the value does not fit. */
export function vendorAttribute(vendor: number, type: number, value: Uint8Array): Attribute {
  const content = new Uint8Array(VENDOR_ID_LENGTH + ATTRIBUTE_HEADER_LENGTH + value.length);
  if (content.length > MAX_ATTRIBUTE_VALUE_LENGTH) {
    throw new RangeError(`a vendor's attribute of ${value.length} bytes has no encoding`);
  }
  const view = viewOf(content);
  view.setUint32(0, vendor);
  putAttribute(view, VENDOR_ID_LENGTH, { type, value });
  return { type: RadiusAttribute.VendorSpecific, value: content };
}

// -- Values -----------------------------------------------------------------------------------------------------------

/** Four bytes. A tagged integer (RFC 2868 3.1) of fewer than 25 bits is the same thing with tag 0. */
export function integerValue(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

/** An integer or an IPv4 address, unsigned; undefined when it has not four bytes. */
export function readInteger(value: Uint8Array): number | undefined {
  return value.length === 4 ? viewOf(value).getUint32(0) : undefined;
}

/**
 * UTF-8, cut before the first character that does not fit into `limit` bytes. Tagged text (RFC 2868 3.3) is the same
 * thing with tag 0, if it begins with a printable character.
 */
export function textValue(text: string, limit = MAX_ATTRIBUTE_VALUE_LENGTH): Uint8Array {
  const bytes = encodeText(text);
  if (bytes.length <= limit) return bytes;
  let end = limit;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.slice(0, end);
}

export function addressValue(address: number): Uint8Array {
  return integerValue(address);
}

/** RFC 3162 2.1: all 16 bytes. */
export function ipv6AddressValue(address: bigint): Uint8Array {
  const bytes = new Uint8Array(IPV6_ADDRESS_LENGTH);
  writeIpv6(address, bytes, 0);
  return bytes;
}

export function readIpv6Address(value: Uint8Array): bigint | undefined {
  return value.length === IPV6_ADDRESS_LENGTH ? readIpv6(value, 0) : undefined;
}

/** RFC 3162 2.3: reserved, length in bits, and as many bytes as have bits of the prefix. */
export function ipv6PrefixValue({ address, length }: Ipv6Prefix): Uint8Array {
  return Uint8Array.of(0, length, ...ipv6AddressValue(address).subarray(0, Math.ceil(length / 8)));
}

/** Undefined when the length is none. Bytes that were left out are zero; bits behind the prefix are dropped. */
export function readIpv6PrefixValue(value: Uint8Array): Ipv6Prefix | undefined {
  const length = value[1];
  if (length === undefined || length > 128 || value.length > 2 + IPV6_ADDRESS_LENGTH) return undefined;
  const address = new Uint8Array(IPV6_ADDRESS_LENGTH);
  address.set(value.subarray(2));
  const host = BigInt(128 - length);
  return { address: (readIpv6(address, 0) >> host) << host, length };
}

/** RFC 3162 2.2: 64 bits. */
export function interfaceIdValue(interfaceId: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, interfaceId);
  return bytes;
}

export function readInterfaceId(value: Uint8Array): bigint | undefined {
  return value.length === 8 ? viewOf(value).getBigUint64(0) : undefined;
}

// -- Type, length and value -------------------------------------------------------------------------------------------

function readAttribute(view: DataView, at: number, end: number): Attribute | WireError {
  if (end - at < ATTRIBUTE_HEADER_LENGTH) return WireError.Truncated;
  const length = view.getUint8(at + 1);
  if (length < ATTRIBUTE_HEADER_LENGTH) return WireError.Length;
  if (end - at < length) return WireError.Truncated;
  return { type: view.getUint8(at), value: copyBytes(view, at + ATTRIBUTE_HEADER_LENGTH, at + length) };
}

function putAttribute(view: DataView, at: number, { type, value }: Attribute): number {
  if (value.length > MAX_ATTRIBUTE_VALUE_LENGTH) {
    throw new RangeError(`a RADIUS attribute of ${value.length} bytes has no encoding`);
  }
  view.setUint8(at, type);
  view.setUint8(at + 1, ATTRIBUTE_HEADER_LENGTH + value.length);
  return putBytes(view, at + ATTRIBUTE_HEADER_LENGTH, value);
}
