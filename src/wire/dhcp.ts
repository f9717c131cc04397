// DHCP (RFC 2131) as far as DHCPINFORM needs it: the frame of BOOTP, and options (RFC 2132, 3397, 3442).
//
//   op(1) htype(1) hlen(1) hops(1) xid(4) secs(2) flags(2) ciaddr(4) yiaddr(4) siaddr(4) giaddr(4) chaddr(16) sname(64) file(128)
//   63 82 53 63, then options: Code(1) Length(1) Data, 0 is padding, 255 the end
import { copyBytes, viewOf } from './bytes.ts';
import { WireError } from './wire-error.ts';

export const DHCP_CLIENT_PORT = 68;
export const DHCP_SERVER_PORT = 67;

const MAGIC_COOKIE = 0x6382_5363;
const COOKIE_AT = 236;
const OPTIONS_AT = 240;
const CHADDR_AT = 28;
const CHADDR_LENGTH = 16;
const PAD = 0;
const END = 255;
const MAX_OPTION_LENGTH = 255;
/** RFC 1542 2.1: what relays and old hosts insist on. */
const MIN_MESSAGE_LENGTH = 300;

export const DhcpOp = { Request: 1, Reply: 2 } as const;

export const DhcpMessageType = { Inform: 8, Ack: 5 } as const;

export const DhcpOptionCode = {
  DnsServers: 6,
  DomainName: 15,
  NetbiosNameServers: 44,
  MessageType: 53,
  ServerId: 54,
  ParameterRequestList: 55,
  MaximumMessageSize: 57,
  DomainSearch: 119,
  ClasslessRoutes: 121,
  /** The same, by Microsoft's number. */
  MicrosoftClasslessRoutes: 249,
} as const;
export type DhcpOptionCode = (typeof DhcpOptionCode)[keyof typeof DhcpOptionCode];

/** Addresses are unsigned 32-bit numbers. */
export interface DhcpMessage {
  readonly op: number;
  readonly htype: number;
  readonly hlen: number;
  readonly xid: number;
  readonly flags: number;
  readonly ciaddr: number;
  readonly giaddr: number;
  /** 16 bytes. */
  readonly chaddr: Uint8Array;
  /** By code; parts of a long option are joined (RFC 3396). */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** The whole of a UDP datagram. `Value` without DHCP's magic cookie. An end option that is missing is not missed. */
export function parseDhcp(bytes: Uint8Array): DhcpMessage | WireError {
  if (bytes.length < OPTIONS_AT) return WireError.Truncated;
  const view = viewOf(bytes);
  if (view.getUint32(COOKIE_AT) !== MAGIC_COOKIE) return WireError.Value;
  const options = new Map<number, Uint8Array>();
  for (let at = OPTIONS_AT; at < bytes.length;) {
    const code = view.getUint8(at);
    if (code === END) break;
    if (code === PAD) {
      at += 1;
      continue;
    }
    if (at + 2 > bytes.length) return WireError.Truncated;
    const end = at + 2 + view.getUint8(at + 1);
    if (end > bytes.length) return WireError.Truncated;
    options.set(code, joined(options.get(code), bytes.subarray(at + 2, end)));
    at = end;
  }
  return {
    op: view.getUint8(0),
    htype: view.getUint8(1),
    hlen: view.getUint8(2),
    xid: view.getUint32(4),
    flags: view.getUint16(10),
    ciaddr: view.getUint32(12),
    giaddr: view.getUint32(24),
    chaddr: copyBytes(view, CHADDR_AT, CHADDR_AT + CHADDR_LENGTH),
    options,
  };
}

/** Options in the order of the map. */
export function encodeDhcp(message: DhcpMessage): Uint8Array {
  const options = Array.from(message.options, ([code, data]) => encodeDhcpOption(code, data)).flat();
  const bytes = new Uint8Array(Math.max(MIN_MESSAGE_LENGTH, OPTIONS_AT + options.length + 1));
  const view = viewOf(bytes);
  view.setUint8(0, message.op);
  view.setUint8(1, message.htype);
  view.setUint8(2, message.hlen);
  view.setUint32(4, message.xid);
  view.setUint16(10, message.flags);
  view.setUint32(12, message.ciaddr);
  view.setUint32(24, message.giaddr);
  bytes.set(message.chaddr, CHADDR_AT);
  view.setUint32(COOKIE_AT, MAGIC_COOKIE);
  bytes.set(options, OPTIONS_AT);
  bytes[OPTIONS_AT + options.length] = END;
  return bytes;
}

/** Bytes that an option with so much data takes in a message. */
export function dhcpOptionLength(dataLength: number): number {
  return dataLength + 2 * Math.max(1, Math.ceil(dataLength / MAX_OPTION_LENGTH));
}

/** Bytes of a message whose options take so many. */
export function dhcpMessageLength(optionsLength: number): number {
  return Math.max(MIN_MESSAGE_LENGTH, OPTIONS_AT + optionsLength + 1);
}

/** In several parts when it is long (RFC 3396). */
function encodeDhcpOption(code: number, data: Uint8Array): number[] {
  const bytes: number[] = [];
  let at = 0;
  do {
    const part = data.subarray(at, at + MAX_OPTION_LENGTH);
    bytes.push(code, part.length, ...part);
    at += MAX_OPTION_LENGTH;
  } while (at < data.length);
  return bytes;
}

function joined(before: Uint8Array | undefined, part: Uint8Array): Uint8Array {
  if (before === undefined) return part.slice();
  const bytes = new Uint8Array(before.length + part.length);
  bytes.set(before);
  bytes.set(part, before.length);
  return bytes;
}

// -- Data of options --------------------------------------------------------------------------------------------------

export function encodeAddresses(addresses: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(addresses.length * 4);
  for (const [index, address] of addresses.entries()) viewOf(bytes).setUint32(index * 4, address);
  return bytes;
}

/** A destination network; bits behind `length` are zero. */
export interface ClasslessRoute {
  readonly address: number;
  readonly length: number;
  readonly router: number;
}

/** RFC 3442: of the destination only as many bytes as the prefix length fills. */
export function encodeClasslessRoutes(routes: readonly ClasslessRoute[]): Uint8Array {
  return Uint8Array.from(
    routes.flatMap(({ address, length, router }) => [
      length,
      ...encodeAddresses([address]).subarray(0, Math.ceil(length / 8)),
      ...encodeAddresses([router]),
    ]),
  );
}
