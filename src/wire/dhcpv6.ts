// DHCPv6 (RFC 8415): the message frame, and those options that hand out prefixes and name servers.
//
//   message  Type(1)  Transaction-Id(3)  Options
//   option   Code(2)  Length(2)  Data
import { viewOf } from './bytes.ts';
import { IPV6_ADDRESS_LENGTH, type Ipv6Prefix, readIpv6, writeIpv6 } from './ipv6.ts';
import { encodeText } from './text.ts';
import { isWireError, WireError } from './wire-error.ts';

export const DHCPV6_CLIENT_PORT = 546;
export const DHCPV6_SERVER_PORT = 547;

const MESSAGE_HEADER_LENGTH = 4;
const OPTION_HEADER_LENGTH = 4;
const IA_HEADER_LENGTH = 12;
const IA_PREFIX_LENGTH = 25;

export const Dhcpv6Type = {
  Solicit: 1,
  Advertise: 2,
  Request: 3,
  Confirm: 4,
  Renew: 5,
  Rebind: 6,
  Reply: 7,
  Release: 8,
  Decline: 9,
  InformationRequest: 11,
} as const;
export type Dhcpv6Type = (typeof Dhcpv6Type)[keyof typeof Dhcpv6Type];

export const Dhcpv6OptionCode = {
  ClientId: 1,
  ServerId: 2,
  IaNa: 3,
  IaTa: 4,
  OptionRequest: 6,
  StatusCode: 13,
  RapidCommit: 14,
  DnsServers: 23,
  DomainList: 24,
  IaPd: 25,
  IaPrefix: 26,
} as const;
export type Dhcpv6OptionCode = (typeof Dhcpv6OptionCode)[keyof typeof Dhcpv6OptionCode];

export const Dhcpv6Status = {
  Success: 0,
  NoAddrsAvail: 2,
  NoBinding: 3,
  NotOnLink: 4,
  NoPrefixAvail: 6,
} as const;
export type Dhcpv6Status = (typeof Dhcpv6Status)[keyof typeof Dhcpv6Status];

/** `data` comes without code and length. */
export interface Dhcpv6Option {
  readonly code: number;
  readonly data: Uint8Array;
}

export interface Dhcpv6Message {
  readonly type: number;
  /** 24 bits. */
  readonly transactionId: number;
  readonly options: readonly Dhcpv6Option[];
}

/** The whole of a UDP datagram. */
export function parseDhcpv6(bytes: Uint8Array): Dhcpv6Message | WireError {
  if (bytes.length < MESSAGE_HEADER_LENGTH) return WireError.Truncated;
  const options = parseDhcpv6Options(bytes.subarray(MESSAGE_HEADER_LENGTH));
  if (isWireError(options)) return options;
  const head = viewOf(bytes).getUint32(0);
  return { type: head >>> 24, transactionId: head & 0xff_ffff, options };
}

export function encodeDhcpv6({ type, transactionId, options }: Dhcpv6Message): Uint8Array {
  const body = encodeDhcpv6Options(options);
  const bytes = new Uint8Array(MESSAGE_HEADER_LENGTH + body.length);
  viewOf(bytes).setUint32(0, type * 0x100_0000 + transactionId);
  bytes.set(body, MESSAGE_HEADER_LENGTH);
  return bytes;
}

export function parseDhcpv6Options(data: Uint8Array): Dhcpv6Option[] | WireError {
  const view = viewOf(data);
  const options: Dhcpv6Option[] = [];
  for (let at = 0; at < data.length;) {
    const from = at + OPTION_HEADER_LENGTH;
    if (from > data.length) return WireError.Truncated;
    const end = from + view.getUint16(at + 2);
    if (end > data.length) return WireError.Truncated;
    options.push({ code: view.getUint16(at), data: data.slice(from, end) });
    at = end;
  }
  return options;
}

function encodeDhcpv6Options(options: readonly Dhcpv6Option[]): Uint8Array {
  const bytes = new Uint8Array(options.reduce((sum, { data }) => sum + OPTION_HEADER_LENGTH + data.length, 0));
  const view = viewOf(bytes);
  let at = 0;
  for (const { code, data } of options) {
    view.setUint16(at, code);
    view.setUint16(at + 2, data.length);
    bytes.set(data, at + OPTION_HEADER_LENGTH);
    at += OPTION_HEADER_LENGTH + data.length;
  }
  return bytes;
}

// -- Options ----------------------------------------------------------------------------------------------------------

/** Identity association: IA_NA and IA_PD. Times are seconds. */
export interface IdentityAssociation {
  readonly iaid: number;
  readonly t1: number;
  readonly t2: number;
  readonly options: readonly Dhcpv6Option[];
}

export function parseIdentityAssociation(data: Uint8Array): IdentityAssociation | WireError {
  if (data.length < IA_HEADER_LENGTH) return WireError.Truncated;
  const options = parseDhcpv6Options(data.subarray(IA_HEADER_LENGTH));
  if (isWireError(options)) return options;
  const view = viewOf(data);
  return { iaid: view.getUint32(0), t1: view.getUint32(4), t2: view.getUint32(8), options };
}

export function encodeIdentityAssociation({ iaid, t1, t2, options }: IdentityAssociation): Uint8Array {
  const body = encodeDhcpv6Options(options);
  const bytes = new Uint8Array(IA_HEADER_LENGTH + body.length);
  const view = viewOf(bytes);
  view.setUint32(0, iaid);
  view.setUint32(4, t1);
  view.setUint32(8, t2);
  bytes.set(body, IA_HEADER_LENGTH);
  return bytes;
}

/** RFC 8415 21.22. Lifetimes are seconds. */
export interface IaPrefix {
  readonly prefix: Ipv6Prefix;
  readonly preferredLifetime: number;
  readonly validLifetime: number;
}

/** Options of the option are passed over. Bits behind the prefix length mean nothing. */
export function parseIaPrefix(data: Uint8Array): IaPrefix | WireError {
  if (data.length < IA_PREFIX_LENGTH) return WireError.Truncated;
  const view = viewOf(data);
  const length = view.getUint8(8);
  if (length > 128) return WireError.Value;
  const host = BigInt(128 - length);
  return {
    prefix: { address: (readIpv6(data, 9) >> host) << host, length },
    preferredLifetime: view.getUint32(0),
    validLifetime: view.getUint32(4),
  };
}

export function iaPrefixOption({ prefix, preferredLifetime, validLifetime }: IaPrefix): Dhcpv6Option {
  const data = new Uint8Array(IA_PREFIX_LENGTH);
  const view = viewOf(data);
  view.setUint32(0, preferredLifetime);
  view.setUint32(4, validLifetime);
  view.setUint8(8, prefix.length);
  writeIpv6(prefix.address, data, 9);
  return { code: Dhcpv6OptionCode.IaPrefix, data };
}

export function statusOption(status: Dhcpv6Status, message: string): Dhcpv6Option {
  const text = encodeText(message);
  const data = new Uint8Array(2 + text.length);
  viewOf(data).setUint16(0, status);
  data.set(text, 2);
  return { code: Dhcpv6OptionCode.StatusCode, data };
}

export function dnsServersOption(servers: readonly bigint[]): Dhcpv6Option {
  const data = new Uint8Array(servers.length * IPV6_ADDRESS_LENGTH);
  for (const [index, server] of servers.entries()) writeIpv6(server, data, index * IPV6_ADDRESS_LENGTH);
  return { code: Dhcpv6OptionCode.DnsServers, data };
}

/** The codes that an Option Request asks for; an odd last byte is passed over. */
export function parseOptionRequest(data: Uint8Array): number[] {
  const view = viewOf(data);
  return Array.from({ length: data.length >> 1 }, (_, index) => view.getUint16(index * 2));
}
