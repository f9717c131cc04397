/**
 * The header that a load balancer puts in front of a connection, so that the server learns who is behind it: versions 1 (text) and 2
 * (binary) of HAProxy's PROXY protocol.
 */
import { formatIpv4, parseIpv4 } from './ip.ts';
import { formatIpv6, parseIpv6, readIpv6 } from './ipv6.ts';

interface ProxyEndpoint {
  /** Textual, without brackets, IPv6 as in RFC 5952. */
  readonly address: string;
  readonly port: number;
}

export type ProxyHeader =
  /** At least so many bytes are needed to say. */
  | { readonly kind: 'more'; readonly needed: number }
  | { readonly kind: 'bad' }
  | {
      readonly kind: 'header';
      /** Bytes of the header; what follows is the client's. */
      readonly length: number;
      /** Undefined when the proxy speaks for itself (LOCAL, UNKNOWN), as for a health check. */
      readonly source: ProxyEndpoint | undefined;
      readonly destination: ProxyEndpoint | undefined;
    };

const V1_PREFIX = new TextEncoder().encode('PROXY ');
/** Section 2.1: the longest line, CR LF included. */
const V1_MAX_LENGTH = 107;
const V2_SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V2_HEADER_LENGTH = 16;
/** Addresses and TLVs; the protocol allows 64 KiB, no proxy uses a thousandth of it. */
const V2_MAX_BODY = 4096;

const BAD: ProxyHeader = { kind: 'bad' };

/** Looks at the first bytes of a connection. */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (bytes.length === 0) return { kind: 'more', needed: 1 };
  if (startsAs(bytes, V2_SIGNATURE)) return parseVersion2(bytes);
  if (startsAs(bytes, V1_PREFIX)) return parseVersion1(bytes);
  return BAD;
}

/** As far as there are bytes. */
function startsAs(bytes: Uint8Array, pattern: Uint8Array): boolean {
  const length = Math.min(bytes.length, pattern.length);
  for (let at = 0; at < length; at++) if (bytes[at] !== pattern[at]) return false;
  return true;
}

function parseVersion1(bytes: Uint8Array): ProxyHeader {
  const text = String.fromCharCode(...bytes.subarray(0, V1_MAX_LENGTH));
  const end = text.indexOf('\r\n');
  if (end < 0) return bytes.length < V1_MAX_LENGTH ? { kind: 'more', needed: bytes.length + 1 } : BAD;
  const length = end + 2;
  const [, family, source, destination, sourcePort, destinationPort, ...rest] = text.slice(0, end).split(' ');
  if (family === 'UNKNOWN') return { kind: 'header', length, source: undefined, destination: undefined };
  if ((family !== 'TCP4' && family !== 'TCP6') || rest.length > 0) return BAD;
  const from = endpoint(family, source, sourcePort);
  const to = endpoint(family, destination, destinationPort);
  return from === undefined || to === undefined ? BAD : { kind: 'header', length, source: from, destination: to };
}

function endpoint(family: 'TCP4' | 'TCP6', address = '', port = ''): ProxyEndpoint | undefined {
  if (!/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > 0xffff) return undefined;
  const ipv6 = family === 'TCP6' ? parseIpv6(address) : undefined;
  if (ipv6 !== undefined) return { address: formatEither(ipv6), port: Number(port) };
  return family === 'TCP4' && parseIpv4(address) !== undefined ? { address, port: Number(port) } : undefined;
}

/** A proxy with one socket for both families names an IPv4 client as that socket does: ::ffff:192.0.2.1 (RFC 4291 2.5.5.2). */
function formatEither(address: bigint): string {
  return address >> 32n === 0xffffn ? formatIpv4(Number(address & 0xffff_ffffn)) : formatIpv6(address);
}

/** Bytes of both addresses and both ports. */
const OVER_IPV4 = { length: 12, addressLength: 4 } as const;
const OVER_IPV6 = { length: 36, addressLength: 16 } as const;

function parseVersion2(bytes: Uint8Array): ProxyHeader {
  if (bytes.length < V2_HEADER_LENGTH) return { kind: 'more', needed: V2_HEADER_LENGTH };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const versionAndCommand = view.getUint8(12);
  const familyAndTransport = view.getUint8(13);
  const bodyLength = view.getUint16(14);
  if (versionAndCommand >> 4 !== 2 || bodyLength > V2_MAX_BODY) return BAD;
  const length = V2_HEADER_LENGTH + bodyLength;
  if (bytes.length < length) return { kind: 'more', needed: length };
  const command = versionAndCommand & 0x0f;
  if (command === 0) return { kind: 'header', length, source: undefined, destination: undefined };
  if (command !== 1) return BAD;
  // 0x11 and 0x21: TCP over IPv4 and over IPv6. Nothing else reaches a TCP listener.
  const form = familyAndTransport === 0x11 ? OVER_IPV4 : familyAndTransport === 0x21 ? OVER_IPV6 : undefined;
  if (form === undefined || bodyLength < form.length) return BAD;
  const { addressLength } = form;
  const at = V2_HEADER_LENGTH;
  const read = (from: number): string =>
    addressLength === 4 ? bytes.subarray(from, from + 4).join('.') : formatEither(readIpv6(bytes, from));
  return {
    kind: 'header',
    length,
    source: { address: read(at), port: view.getUint16(at + 2 * addressLength) },
    destination: { address: read(at + addressLength), port: view.getUint16(at + 2 * addressLength + 2) },
  };
}
